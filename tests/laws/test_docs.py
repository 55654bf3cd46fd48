"""Law: what README.md and docs/ say is true: code runs, commands exist, links lead somewhere.

A page that is added is held to it without being named here. Languages of blocks:

- `python` runs. In README.md each block stands on its own, in docs/ it goes on where the one before
  it ended; tests are run by pytest; an excerpt must stand in our source as it is; every
  drill that a page declares must pass, and every mutant be killed.
- `console` is typed line by line, in an empty folder for each page; what stands below a command is
  what it prints. `sh` is for what takes too long, needs something of the reader's, or never ends:
  its commands and options must exist.
- `toml`, `json`, `yaml` and `ini` are read; a plan of faults must be one. `text` may say anything.
"""

from __future__ import annotations

import ast
import builtins
import configparser
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType
from typing import Any

import pytest
import typer
import yaml  # type: ignore[import-untyped]
from typer.main import get_command

import controls
import reports
import scenarios
import simulator
from controls.core.answer import EVIDENCE_BYTES
from controls.policy import RetentionPolicy
from reports import Verdict
from reports.kills import Fate
from scenarios.harness import output, serving
from scenarios.harness.arms import CalmRuns, run_drill
from scenarios.harness.commands import all_commands
from scenarios.harness.discovery import select
from scenarios.harness.drill import Drill
from scenarios.harness.game import open_game
from scenarios.harness.mutants import Mutant
from scenarios.harness.naive import ALL_CONTROLS, BESIDE_THE_STACK
from scenarios.harness.output import FILES
from scenarios.harness.prove import Bench, Proof
from simulator.faults import CATALOGUE, load_plan
from tests import reference
from tests.command import gameday
from tests.pages import BLOCKS, HOME, PAGES, PROMPT, Block, Page

ROOMS = (simulator, controls, reports, scenarios)
ELSEWHERE = {
    ("docs/ci.md", "console"): "tests/laws/test_docs_of_reports.py",
    ("docs/console.md", "console"): "tests/scenarios/console/test_docs.py",
    ("docs/operations.md", "console"): "tests/scenarios/test_operations.py",
    ("docs/postgresql.md", "sql"): "tests/controls/postgres/test_rights.py",
    ("docs/reports.md", "console"): "tests/laws/test_docs_of_reports.py",
}
"""Blocks that need more than an empty folder, and the test that runs them."""
FRAGMENTS = {
    'store = open_store("postgresql': "nobody answers under the name of an example",
}
"""How a block begins that cannot run, and why; it is compiled, and knows only public names."""
OF_OTHERS = {
    "createdb": "PostgreSQL",
    "curl": "curl",
    "pg_dump": "PostgreSQL",
    "pg_restore": "PostgreSQL",
}
"""Programs that are not ours, and whose they are."""
OUR_PATH = re.compile(r"(?:simulator|controls|reports|scenarios|tests|benchmarks|docs)/[\w./*-]+")
OUR_NAME = re.compile(r"(?:simulator|controls|reports|scenarios|tests|benchmarks)(?:\.\w+)+")
README = PAGES[0].text


def of(*languages: str) -> list[Block]:
    """All blocks in these languages, but for those that another test runs."""
    return [
        block
        for block in BLOCKS
        if block.language in languages and (block.page, block.language) not in ELSEWHERE
    ]


def a_plan(text: str) -> object:
    """A TOML document; with faults in it, a plan that `gameday serve --faults` takes."""
    document = tomllib.loads(text)
    return load_plan(text) if document.keys() & {"fault", "preset"} else document


def an_ini(text: str) -> object:
    """A configuration in sections."""
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return parser.sections()


READERS: Mapping[str, Callable[[str], Any]] = {
    "toml": a_plan,
    "json": json.loads,
    "yaml": yaml.safe_load,
    "ini": an_ini,
}
LANGUAGES = {*READERS, "python", "console", "sh", "text"}


def test_every_block_is_of_a_language_that_is_tried() -> None:
    """Anything else is run by a test that names its page."""
    assert sum(page.text.count("```") for page in PAGES) == 2 * len(BLOCKS)
    for block in BLOCKS:
        elsewhere = ELSEWHERE.get((block.page, block.language))
        if elsewhere:
            assert Path(block.page).name in (HOME / elsewhere).read_text("utf-8"), block
        else:
            assert block.language in LANGUAGES, f"{block}: {block.language!r} is not tried"


@pytest.mark.parametrize("block", of(*READERS), ids=str)
def test_data_can_be_read(block: Block) -> None:
    """Each in its own language, and not empty."""
    assert READERS[block.language](block.text)


@cache
def our_source() -> str:
    """All Python of the four rooms."""
    rooms = (HOME / room.__name__ for room in ROOMS)
    return "\0".join(path.read_text("utf-8") for room in rooms for path in room.rglob("*.py"))


def is_test(block: Block) -> bool:
    """Whether pytest runs it."""
    return re.search(r"^def test_", block.text, re.MULTILINE) is not None


def fragment(block: Block) -> str:
    """Why it cannot run; empty if it can."""
    return next((why for start, why in FRAGMENTS.items() if block.text.startswith(start)), "")


RUN = [b for b in of("python") if not (is_test(b) or fragment(b) or b.text in our_source())]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The present folder: empty, but for the scenarios where a checkout has them."""
    (tmp_path / "scenarios").symlink_to(HOME / "scenarios")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", sorted({block.page for block in RUN}))
def test_python_runs(page: str, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first block of a page to the last; each drill that it declares passes."""
    module = ModuleType("before_the_page")
    for block in (block for block in RUN if block.page == page):
        if page == PAGES[0].name or not hasattr(module, "__builtins__"):
            module = ModuleType(f"{Path(page).stem.replace('-', '_')}_{block.line}")
            monkeypatch.setitem(sys.modules, module.__name__, module)
        before = {id(value) for value in vars(module).values()}
        code = compile("\n" * block.line + block.text, page, "exec", dont_inherit=True)
        exec(code, module.__dict__)
        made = [value for value in vars(module).values() if id(value) not in before]
        check_made(block, made)


@cache
def the_proof() -> Proof:
    """All drills, and a game day for them."""
    return Proof(open_game(None, None, 0), select([]), ())


@cache
def calm_runs() -> CalmRuns:
    """Calm days that drills share."""
    return CalmRuns(the_proof().small)


def check_made(block: Block, made: list[Any]) -> None:
    """Drills pass, and mutants are killed, on a small game day."""
    for value in made:
        for drill in value if isinstance(value, tuple) else (value,):
            if isinstance(drill, Drill):
                done = run_drill(drill, the_proof().small, calm_runs())
                assert Verdict.PASS is done.verdict, f"{block}: {done.because} {done.error}"
        if isinstance(value, Mutant):
            assert Fate.KILLED is Bench(the_proof()).judge(value).fate, f"{block}: {value.title}"


def test_tests_pass(tmp_path: Path) -> None:
    """Each in a file of its own, as a newcomer has them."""
    blocks = [block for block in of("python") if is_test(block)]
    for number, block in enumerate(blocks):
        (tmp_path / f"test_block_{number}.py").write_text(block.text, "utf-8")
    ours = ["-p", "gameday_pytest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "--strict-markers", *ours],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(HOME), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    expected = sum(len(re.findall(r"^def test_", block.text, re.MULTILINE)) for block in blocks)
    assert re.search(rf"^{expected} passed in", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize("block", [b for b in of("python") if fragment(b)], ids=str)
def test_fragments_know_only_public_names(block: Block) -> None:
    """What cannot run is compiled at least, and uses what a reader can import."""
    names = [node for node in ast.walk(ast.parse(block.text)) if isinstance(node, ast.Name)]
    made = {name.id for name in names if isinstance(name.ctx, ast.Store)}
    public = {name for room in ROOMS for name in room.__all__} | {*vars(builtins)}

    assert not {name.id for name in names} - made - public


@pytest.mark.parametrize("page", sorted({block.page for block in of("console")}))
def test_console_is_typed(page: str, checkout: Path) -> None:
    """A reader can type a page line by line, and sees what stands there."""
    for block in (block for block in of("console") if block.page == page):
        said = ""
        for line in block.text.splitlines():
            if line.startswith(PROMPT):
                program, *arguments = shlex.split(line.removeprefix(PROMPT))
                assert "gameday" == program, f"{block}: use `sh` for other programs"
                assert "serve" != arguments[0], f"{block}: use `sh`, it does not end by itself"
                done = gameday(*arguments, cwd=checkout)
                assert 0 == done.returncode, f"{line}: {done.stderr}"
                said = done.stdout
            elif line != "...":
                assert line in said, f"{block}: {line!r} is not in what is printed:\n{said}"


@cache
def the_command() -> Any:
    """`gameday` with all that it can do."""
    return get_command(all_commands())


def check_gameday(words: list[str]) -> None:
    """Refuse a command or an option that there is not."""
    if words[:1] == ["serve"]:
        serving.parser().parse_args(words[1:])
        return
    command = the_command()
    while words and not words[0].startswith("-") and hasattr(command, "commands"):
        name, *words = words
        assert name in command.commands, f"there is no {name!r}"
        command = command.commands[name]
    try:
        command.make_context("gameday", words)
    except typer.Exit:
        return  # --version and --help are done at once


def targets() -> set[str]:
    """What make can do."""
    return set(re.findall(r"^(\w[\w-]*):", (HOME / "Makefile").read_text("utf-8"), re.MULTILINE))


def extras() -> set[str]:
    """What pip can add."""
    project = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["project"]
    return set(project["optional-dependencies"])


def check_command(words: list[str]) -> None:
    """Refuse what our programs do not know, and programs that are nobody's."""
    program, *rest = words
    if program == "gameday":
        check_gameday(rest)
    elif program == "python":
        assert rest[0] == "-m", words
        assert find_spec(rest[1]), words
    elif program == "make":
        assert {*rest} <= targets(), words
    elif program == "pip":
        named = re.findall(r"batch-gameday\[([\w,]+)\]", " ".join(rest))
        assert {extra for each in named for extra in each.split(",")} <= extras(), words
        assert "batch-gameday" in rest[-1], words
    else:
        assert program in OF_OTHERS, f"{program}: is it a program?"


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.commands], ids=str)
def test_commands_exist(block: Block) -> None:
    """With every option that is shown."""
    for words in block.commands:
        check_command(words)


def said_commands(page: Page) -> Iterator[list[str]]:
    """Commands within sentences."""
    for code in page.code:
        program, _, rest = code.partition(" ")
        if rest and program in {"gameday", "make", "pip", "python"}:
            yield [program, *shlex.split(rest)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_within_sentences_exist(page: Page) -> None:
    """They may have gaps, such as `FILE`, and things to choose, such as `[NUMBER ...]`."""
    for program, *words in said_commands(page):
        if program == "gameday":
            check_said([word.strip("[]") for word in words])
        elif program != "python" or words[0] == "-m":
            check_command([program, *words])


def check_said(words: list[str]) -> None:
    """The command is there, and so are its options; values may be gaps."""
    command = the_command()
    for word in words:
        if not hasattr(command, "commands") or not word.islower() or word.startswith("-"):
            break
        assert word in command.commands, f"there is no {words}"
        command = command.commands[word]
    served = {option for each in serving.parser()._actions for option in each.option_strings}
    known = {option for each in command.params for option in each.opts} | {"--help"}
    known |= served if words[0] == "serve" else set()

    assert not {word for word in words if word.startswith("--")} - known, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Page) -> None:
    """Files are there, and so are headings."""
    for link in page.links:
        if link.startswith("https://"):
            continue
        target, _, anchor = link.partition("#")
        path = (page.path.parent / target).resolve() if target else page.path
        assert path.exists(), link
        assert not anchor or anchor in Page(path).anchors, link


def test_every_page_is_reached_from_the_readme() -> None:
    """By links alone."""
    reached, waiting = set[Path](), [PAGES[0].path]
    while waiting:
        page = Page(waiting.pop())
        reached.add(page.path)
        linked = {(page.path.parent / link.partition("#")[0]).resolve() for link in page.links}
        waiting += [path for path in linked - reached if path.suffix == ".md"]

    assert {page.path for page in PAGES} <= reached


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_named_exists(page: Page) -> None:
    """Our files by their paths, our modules and what is in them by their dotted names."""
    words = [word for block in page.blocks for command in block.commands for word in command]
    for word in (*page.code, *(words if page.blocks else ())):
        path = word.partition("::")[0]
        if path in FILES.values():
            continue
        if OUR_PATH.fullmatch(path):
            assert [*HOME.glob(path)], f"there is no {word}"
        elif OUR_NAME.fullmatch(word):
            resolve_name(word)


def test_every_control_and_command_is_in_the_readme() -> None:
    """The tables name what there is."""
    names = {kind.__name__ for kind in (*ALL_CONTROLS, *BESIDE_THE_STACK)}

    assert not {name for name in names if f"| `{name}` |" not in README}
    assert not {name for name in the_command().commands if f"| `gameday {name}" not in README}


def test_the_number_of_faults_is_counted() -> None:
    """Wherever a page says how many faults the catalogue has."""
    said = [number for page in PAGES for number in re.findall(r"(\d\d+) faults", page.text)]

    assert {str(len(CATALOGUE) - 1)} == {*said}


def test_the_reference_is_made_of_the_code() -> None:
    """`python -m tests.reference > docs/reference.md` has been run; no variable or file is
    forgotten."""
    assert reference.text() == reference.PAGE.read_text("utf-8")
    assert {*reference.VARIABLES} == reference.variables_in_the_code()
    assert {*output.FILES.values(), *output.MATRIX_MARKS} < {*reference.FILES}


def test_security_says_how_long_things_are_kept() -> None:
    """The numbers are the defaults of the code."""
    page = (HOME / "docs" / "security.md").read_text("utf-8")
    keeps = RetentionPolicy()

    for line in (
        f"keys {keeps.keys_days} days",
        f"until and after promotion | {keeps.payload_days} days",
        f"the first {EVIDENCE_BYTES:,} bytes of an answer in quarantine | {keeps.evidence_days}",
        f"before a promotion | {keeps.before_images_days} days",
        f"prompts and answers of a batch | {keeps.payload_days} days",
    ):
        assert line in page
