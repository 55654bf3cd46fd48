"""The reference page: docs/reference.md is made of the code that it describes.

python -m tests.reference > docs/reference.md
"""

from __future__ import annotations

import ast
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Final

import msgspec
from typer.main import get_command

import controls
import reports
import scenarios
import simulator
from controls import policy
from reports import Format, Verdict
from reports.journal import JOURNAL_VERSION
from reports.kills import KILLS_VERSION
from reports.schema import FILE as REPORT_SCHEMA
from scenarios.harness import cli, commands, output, serving
from scenarios.harness.fuzz import outcome
from scenarios.harness.naive import ALL_CONTROLS, BESIDE_THE_STACK
from simulator import openapi
from simulator.faults import CATALOGUE, Fault
from simulator.faults import __all__ as fault_names
from simulator.faults.catalogue import by_family
from simulator.faults.seams import RowFault, WireFault

HOME: Final = Path(__file__).parents[1]
PAGE: Final = HOME / "docs" / "reference.md"

HEAD: Final = """\
# Reference

Names, settings, commands, variables, files and exit codes, in one place.
Made by `python -m tests.reference` from the code; do not edit it by hand.
A test holds the page to the code.
"""

SKINS: Final = (
    "simulator.transport.SimulatorTransport",
    "simulator.transport.AsyncSimulatorTransport",
    "simulator.transport_httpx.HttpxTransport",
    "simulator.transport_httpx.AsyncHttpxTransport",
    "simulator.server.Server",
    "simulator.testing.opened",
    "simulator.testing.BatchesApi",
    "simulator.intercept.intercepted",
    "controls.core.control.Control",
    "controls.core.answer.Gate",
    "controls.audit.verify_trail",
    "controls.prices.load_prices",
    "controls.quarantine_desk.QuarantineDesk",
    "controls.retention.purge",
    "controls.runbook.Runbook",
    "scenarios.harness.mutants.mutant",
    "scenarios.harness.arms.run_drill",
    "scenarios.harness.game.open_game",
)
"""What is imported from its own module, because it needs more than its package, or few need it."""

VARIABLES: Final = {
    "ANTHROPIC_API_KEY": "the key of the service, for commands that talk to it; set for tests with "
    "`batches_api`, and for a pipeline on trial",
    "ANTHROPIC_AUTH_TOKEN": "instead of the key, as for the official client",
    "ANTHROPIC_BASE_URL": "where the official client sends calls; set for a pipeline on trial, and "
    "by reading `batches_api.url`",
    "GAMEDAY_ALERTS": "Apprise URLs of who is paged, for `start`, `resume`, `watch` and `purge`",
    "GAMEDAY_ARM": "`calm` or `guarded`, for a pipeline on trial",
    "GAMEDAY_DRILL": "the drill, for a pipeline on trial",
    "GAMEDAY_POSTGRES": "URL of a PostgreSQL server on which our own tests may make databases",
    "GAMEDAY_QUARANTINE": "where a pipeline on trial keeps rows back",
    "GAMEDAY_REAL_API_KEY": "the key for the one test that costs money",
    "GAMEDAY_ROWS": "the rows file of a pipeline on trial",
    "GAMEDAY_SEED": "the seed, for a pipeline on trial",
    "GAMEDAY_SINK": "where the results of a pipeline on trial belong",
    "GAMEDAY_STATE": "an empty folder, for what a pipeline on trial has to remember",
    "GAMEDAY_STORE": "the store of the controls, for all commands of operations",
    "GAMEDAY_TABLE": "the table of the sink, for a pipeline on trial",
    "GAMEDAY_TRACEBACK": "if it is set, an error ends with where it came from",
    "GITHUB_ACTIONS": "`true` in GitHub Actions: drills that are not green become annotations",
    "GITHUB_STEP_SUMMARY": "the file of the job summary there",
    "NO_COLOR": "no colours, also on a terminal",
}
"""Every variable that is read or set, and what for."""
_VARIABLE: Final = re.compile(r'"((?:GAMEDAY|GITHUB|ANTHROPIC)_[A-Z_]+[A-Z]|NO_COLOR)"')

FILES: Final = {
    output.FILES[Format.HTML]: "`gameday run`: the report, one file that opens offline",
    output.FILES[Format.JSON]: "`gameday run`: the same for programs",
    output.FILES[Format.JUNIT]: "`gameday run`: the same for CI services",
    output.FILES[Format.CTRF]: "`gameday run`: the same in the Common Test Report Format",
    output.FILES[Format.MARKDOWN]: "`gameday run`: the same as a job summary",
    output.JOURNAL: "`gameday run`: what happened, line by line, chained by hashes",
    output.MATRIX: "`gameday prove`: what became of each mutant",
    output.MATRIX_TEXT: "`gameday prove`: the same as text",
    outcome.REPORT: "`gameday fuzz`: what was played and what broke",
    f"{outcome.FAILURES}/": "`gameday fuzz`: shrunk plans, each also as a drill",
}
"""Names of the files in an output folder."""


def text() -> str:
    """The whole page."""
    parts = (HEAD, *_rooms(), *_faults(), *_job_type(), *_commands(), *_surroundings())
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _rooms() -> Iterator[str]:
    yield "## `simulator`"
    yield _table(("name", "what it is"), _names(simulator, simulator.__all__))
    yield "## `controls`"
    guards = {kind.__name__ for kind in ALL_CONTROLS}
    beside = {kind.__name__ for kind in BESIDE_THE_STACK} & {*controls.__all__}
    for title, names in (
        ("In the stack, or asked by it", guards),
        ("Beside the stack", beside),
        ("What they work with", {*controls.__all__} - guards - beside),
    ):
        yield f"### {title}"
        yield _table(("name", "what it is"), _names(controls, sorted(names)))
    yield "## `scenarios`"
    for home in scenarios._HOMES:
        module = import_module(f"scenarios.harness.{home}")
        theirs = [n for n in scenarios.__all__ if _home(n) == module.__name__]
        yield f"### {_first(module.__doc__ or '').partition(':')[0].rstrip('.')}"
        yield _table(("name", "what it is"), _names(scenarios, theirs))
    yield "## `reports`"
    yield _table(("name", "what it is"), _names(reports, reports.__all__))
    yield "## From modules of their own"
    yield _table(
        ("name", "what it is"), ((f"`{n}`", _first(resolve_name(n).__doc__)) for n in SKINS)
    )


def _home(name: str) -> str:
    """The module of the harness in which a name of the vocabulary is found."""
    homes = (f"scenarios.harness.{home}" for home in scenarios._HOMES)
    return next(home for home in homes if hasattr(import_module(home), name))


def _names(package: Any, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each public name, and the first sentence of what is said about it."""
    for name in names:
        value = getattr(package, name)
        own = inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value)
        yield f"`{name}`", _first(value.__doc__ if own else _said_of(package, name))


def _said_of(package: Any, name: str) -> str:
    """What stands below a constant, wherever it is written down."""
    for path in Path(package.__file__).parent.rglob("*.py"):
        if name in (known := _attributes(path).get("", {})):
            return known[name]
    raise LookupError(f"nothing is said about {name}")


@cache
def _attributes(path: Path) -> Mapping[str, Mapping[str, str]]:
    """What stands below each attribute, by class; those of the module under an empty name."""
    tree = ast.parse(path.read_text("utf-8"))
    scopes = [("", tree.body)]
    scopes += [(node.name, node.body) for node in tree.body if isinstance(node, ast.ClassDef)]
    return {scope: dict(_said_below(body)) for scope, body in scopes}


def _said_below(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for node, below in pairwise(body):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        match below:
            case ast.Expr(value=ast.Constant(value=str(says))):
                for target in targets:
                    if isinstance(target, ast.Name):
                        yield target.id, says


def _faults() -> Iterator[str]:
    yield "## `simulator.faults`"
    yield (
        "Settings that all have: `share`, `times`, `during`, `spare_batches`; for calls also `on`, "
        "`calls`, `attempts` and `per_batch`, for rows also `custom_ids`."
    )
    shared = {field.name for base in (Fault, WireFault, RowFault) for field in fields(base)}
    for family, members in by_family().items():
        yield f"### {family.value.replace('_', ' ').capitalize()}"
        rows = [
            (
                f"`{name}`",
                _first(fault.__doc__),
                ", ".join(f"`{each.name}`" for each in fields(fault) if each.name not in shared),
            )
            for name, fault in members.items()
        ]
        yield _table(("fault", "what one sees", "own settings"), rows)
    rest = [name for name in fault_names if name not in CATALOGUE]
    yield "### What they are written with"
    yield _table(("name", "what it is"), _names(simulator.faults, sorted(rest)))


def _job_type() -> Iterator[str]:
    yield "## The job type"
    yield "A TOML document; what has no default must be given."
    said = _attributes(Path(policy.__file__))
    for field in msgspec.structs.fields(policy.JobType):
        kind = type(field.default)
        kind = field.type if field.required or not _is_struct(kind) else kind
        if _is_struct(kind):
            yield f"### `[{field.name}]`"
            yield " ".join((kind.__doc__ or "").split())
            rows = (
                (f"`{each.name}`", _default(each), _first(said[kind.__name__].get(each.name)))
                for each in msgspec.structs.fields(kind)
            )
            yield _table(("setting", "default", "what it says"), rows)
        elif field.name == "name":
            names = [each for each in msgspec.structs.fields(policy.JobType) if each.type is str]
            yield f"At the top: {', '.join(f'`{each.name}`' for each in names)}, all texts."


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _default(field: msgspec.structs.FieldInfo) -> str:
    """A default as TOML has it; empty for what must be given, and for none."""
    if field.required or field.default is None or field.default is msgspec.NODEFAULT:
        return ""
    value = msgspec.to_builtins(field.default)
    return f"`{msgspec.json.encode(value).decode()}`"


def _commands() -> Iterator[str]:
    yield "## Commands"
    yield "`--help` behind each says more."
    rows = list(_walk("gameday", get_command(commands.all_commands())))
    yield _table(("command", "what it does", "options"), rows)


def _walk(path: str, command: Any) -> Iterator[tuple[str, str, str]]:
    options = [name for each in command.params for name in each.opts if name.startswith("--")]
    if path == "gameday serve":
        actions = serving.parser()._actions
        options = [name for each in actions for name in each.option_strings if len(name) > 2]
        options.remove("--help")
    below = getattr(command, "commands", {})
    if not below or path == "gameday":
        said = ", ".join(f"`{name}`" for name in options if name.startswith("--"))
        yield f"`{path}`", _first(command.help), said
    for name, each in below.items():
        yield from _walk(f"{path} {name}", each)


def _surroundings() -> Iterator[str]:
    yield "## Exit codes"
    yield _table(("code", "meaning"), _exit_codes())
    yield ("The same for every command; those of [operations](operations.md) use 0, 1 and 2.")
    yield "## Environment variables"
    yield _table(("variable", "meaning"), ((f"`{n}`", said) for n, said in VARIABLES.items()))
    yield "A pipeline on trial is one that [`gameday verify`](verify.md) runs."
    yield "## Files"
    yield (
        f"In the folder of `--out`: `{commands.DEFAULT_OUT}` by default, `{commands.FUZZ_OUT}` for "
        "`gameday fuzz`."
    )
    yield _table(("file", "what it is"), ((f"`{name}`", said) for name, said in FILES.items()))
    yield (
        "The controls write into the store and the system of record that they are given, and "
        "nowhere else."
    )
    yield "## Formats"
    yield _table(("format", "version", "described by"), _formats())
    known = ", ".join(f"`{each.value}`" for each in Format)
    yield f"`gameday report --format` makes of a `report.json`: {known}."


def _exit_codes() -> Iterator[tuple[str, str]]:
    meanings = {
        Verdict.PASS: "every drill passed",
        Verdict.FAIL: "a drill failed, a mutant was not noticed, an invariant broke, or something "
        "was found that a person has to see",
        Verdict.INCONCLUSIVE: "nothing failed, but something proved nothing",
        Verdict.ERROR: "the harness itself broke",
    }
    codes = {commands.EXIT_BY_VERDICT[verdict]: said for verdict, said in meanings.items()}
    codes[cli.WRONG_INPUT] = "the command or its input was wrong; nothing is left half-written"
    codes[cli.INTERRUPTED] = "interrupted by SIGINT; 143: by SIGTERM"
    return ((str(code), codes[code]) for code in sorted(codes))


def _formats() -> list[tuple[str, str, str]]:
    api = openapi.API["info"]["version"]
    schema = REPORT_SCHEMA.relative_to(HOME)
    return [
        ("`report.json`", reports.SCHEMA_VERSION, f"`{schema}`, a JSON Schema"),
        (f"`{output.MATRIX}`", KILLS_VERSION, "`reports.kills`"),
        (f"`{output.JOURNAL}`", JOURNAL_VERSION, "`reports.journal`"),
        (f"`{outcome.REPORT}`", outcome.SCHEMA, "`scenarios.harness.fuzz.outcome`"),
        ("plan of faults (TOML)", "", "`simulator.faults.toml`; the tables above"),
        ("job type (TOML)", "", "`controls.policy`; the tables above"),
        ("the served API", api, "`/_gameday/api.json` of a running server, an OpenAPI document"),
        ("its admin side", "", "`/_gameday/openapi.json` of a running server"),
    ]


def variables_in_the_code() -> set[str]:
    """Every variable that any of our programs names as a text."""
    rooms = ("simulator", "controls", "reports", "scenarios", "tests/real", "tests/controls")
    files = [path for room in rooms for path in (HOME / room).rglob("*.py")]
    files += [HOME / "tests" / "postgres.py", HOME / "gameday_pytest.py"]
    return {name for path in files for name in _VARIABLE.findall(path.read_text("utf-8"))}


def _first(said: str | None) -> str:
    """The first sentence, or the first line where that is one."""
    whole = " ".join(inspect.cleandoc(said or "").split("\n\n")[0].split())
    found = re.match(r".*?(?<!e\.g)[.!?](?=\s+[A-Z`]|$)", whole)
    return found[0] if found else whole


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    escape: Callable[[str], str] = lambda cell: cell.replace("|", "\\|")  # noqa: E731 - one use
    return "\n".join(f"| {' | '.join(map(escape, line))} |" for line in lines)


if __name__ == "__main__":
    os.environ.pop("NO_COLOR", None)
    sys.stdout.write(text())
