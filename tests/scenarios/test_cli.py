"""The command line, as a user types it: a process, its exit code, its files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree as ET

import pytest

from reports import Format, Verdict, load, render, verify_journal
from scenarios.harness import cli
from scenarios.harness.commands import EXIT_BY_VERDICT
from scenarios.harness.output import FILES, JOURNAL
from tests.builders_reports import a_full_report
from tests.command import HOME, gameday

WEAK = """
from controls import Requeue
from scenarios import EveryRowAnswered, World, drill
from simulator import hours
from simulator.faults import Stall


class Raises:
    def judge(self, record):
        raise LookupError("blind")


@drill(
    defends_against="expiry",
    faults=[Stall(after_share=0.5, lasting=hours(25), times=1, spare_batches={spare})],
    controls=[Requeue(max_rounds={rounds})],
    checks=[{check}],
)
def weak(world: World) -> None:
    '''A drill that was weakened by hand.

    For a test.
    '''
    world.run(world.rows())
"""


def complaint(*arguments: str, cwd: Path = HOME) -> str:
    """What a refused command says; it must be one line on stderr, with exit code 2."""
    done = gameday(*arguments, cwd=cwd)

    assert (2, "") == (done.returncode, done.stdout)
    assert 1 == len(done.stderr.strip().splitlines()), done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("spare", "rounds", "check", "code", "verdict"),
    [
        (1, 1, "EveryRowAnswered()", 0, "PASS"),
        (9, 1, "EveryRowAnswered()", 3, "INCONCLUSIVE"),
        (1, 0, "EveryRowAnswered()", 1, "FAIL"),
        (1, 1, "Raises()", 4, "ERROR"),
    ],
    ids=["as it should be", "the fault cannot fire", "no working control", "the check raises"],
)
def test_the_exit_code_says_what_was_proved(
    spare: int, rounds: int, check: str, code: int, verdict: str, tmp_path: Path
) -> None:
    """A weakened drill is never green, and each weakness has its own code."""
    drill = tmp_path / "weak.py"
    drill.write_text(WEAK.format(spare=spare, rounds=rounds, check=check))
    done = gameday("run", str(drill), "--out", str(tmp_path / "out"))

    assert code == done.returncode, done.stderr
    assert done.stdout.startswith(verdict)
    assert f"1/1 {verdict} weak" in done.stderr


def test_every_verdict_has_an_exit_code() -> None:
    """0, 3, 1 and 4; 2 is for wrong input."""
    assert (0, 3, 1, 4) == EXIT_BY_VERDICT
    assert len(Verdict) == len(EXIT_BY_VERDICT)


def test_a_run_writes_every_file_and_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    """Two runs with one seed agree to the byte, one with another seed differs."""
    names = ["dropped_rows_are_noticed", "leaked-column-never-leaves"]
    for folder, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        done = gameday("run", *names, "--seed", seed, "--out", str(tmp_path / folder))
        assert 0 == done.returncode, done.stderr
    first, again, other = (
        {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()} for folder in "abc"
    )

    assert {*FILES.values(), JOURNAL} == set(first)
    for name in FILES.values():
        assert first[name] == again[name], name
        assert first[name] != other[name], name
    report = load(first["report.json"].decode())
    assert ["dropped_rows_are_noticed", "leaked_column_never_leaves"] == [
        drill.name for drill in report.drills
    ]
    assert "2" == ET.fromstring(first["junit.xml"]).get("tests")
    state = verify_journal(tmp_path / "a" / "journal.jsonl")
    assert (True, True) == (state.intact, state.finished)
    assert sha256(first["report.json"]).hexdigest() == state.last_fields["report_sha256"]


def test_a_report_is_rendered_again_from_its_json(tmp_path: Path) -> None:
    """`gameday report` makes every format from report.json alone, with the report's exit code."""
    out = tmp_path / "out"
    gameday("run", "leaked_column_never_leaves", "--out", str(out))
    for form, name in FILES.items():
        again = tmp_path / name
        source = str(out / "report.json")
        done = gameday("report", source, "--format", form.value, "--out", str(again))

        assert 0 == done.returncode, done.stderr
        assert (out / name).read_bytes() == again.read_bytes(), name
    assert "PASS" in gameday("report", str(out / "report.json")).stdout


def test_a_report_that_was_edited_is_refused(tmp_path: Path) -> None:
    """Who writes PASS over a FAIL is told which drill says otherwise; nothing is rendered."""
    drill = tmp_path / "weak.py"
    drill.write_text(WEAK.format(spare=1, rounds=0, check="EveryRowAnswered()"))
    failed = gameday("run", str(drill), "--out", str(tmp_path / "out"))
    honest = (tmp_path / "out" / "report.json").read_text("utf-8")
    forged = tmp_path / "forged.json"
    forged.write_text(honest.replace(': "FAIL"', ': "PASS"'), "utf-8")
    out = tmp_path / "forged.html"

    assert 1 == failed.returncode
    assert 1 == gameday("report", str(tmp_path / "out" / "report.json")).returncode
    says = complaint("report", str(forged), "--format", "html", "--out", str(out))
    assert "'weak' contradicts itself: the verdict is PASS, its arms make it FAIL" in says
    assert not out.exists()


def test_a_journal_is_verified(tmp_path: Path) -> None:
    """How many events and how the run ended; for a broken chain the first broken line."""
    journal = tmp_path / "out" / "journal.jsonl"
    gameday("run", "leaked_column_never_leaves", "--out", str(tmp_path / "out"))
    whole = gameday("journal", "verify", str(journal))
    lines = journal.read_bytes().splitlines(keepends=True)

    def verified(*changed: bytes) -> tuple[int, str]:
        journal.write_bytes(b"".join(changed))
        done = gameday("journal", "verify", str(journal))
        assert "" == done.stderr
        return done.returncode, done.stdout.removeprefix(f"{journal}: ")

    report = tmp_path / "out" / "report.json"
    says = f"{journal}: 4 events in an unbroken chain; the run finished: PASS\n"
    beside = f"{report}: matches the journal, byte for byte\n"
    assert (0, says + beside) == (whole.returncode, whole.stdout)
    report.write_bytes(report.read_bytes() + b" ")
    code, says = verified(*lines)
    assert (1, True) == (code, f"{report}: was changed since the run" in says)
    report.unlink()
    code, says = verified(*lines)
    assert (0, True) == (code, f"{report}: not there" in says)
    code, says = verified(*lines[:2], lines[2].replace(b"PASS", b"FAIL"), *lines[3:])
    assert (1, True) == (code, says.startswith("line 3 is not what was written"))
    code, says = verified(*lines[:3])
    assert (0, True) == (code, "broke off after the event 'judged'" in says)
    assert "in the middle of a line" in verified(*lines[:2], lines[2][:9])[1]
    assert (1, "line 1 is not the header of a journal\n") == verified()
    assert "cannot be read" in complaint("journal", "verify", str(tmp_path / "nowhere"))


def test_the_version_is_that_of_the_distribution() -> None:
    """One line, for whoever reports a defect."""
    done = gameday("--version")

    assert (0, f"gameday {version('batch-gameday')}\n") == (done.returncode, done.stdout)


def test_list_and_show_tell_what_there_is() -> None:
    """The list names every drill with its claim; show tells the story and how to run it."""
    listed = gameday("list")
    shown = gameday("show", "expired_rows_are_resent")

    assert 0 == listed.returncode == shown.returncode
    assert "Rows that run out of time are sent again" in listed.stdout
    assert "slow: only when named" in listed.stdout
    assert "gameday run expired_rows_are_resent" in shown.stdout
    assert "Stall(after_share=0.5, lasting=25h" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (["list"], "scenarios.harness.discovery.all_drills"),
        (["show", "x"], "scenarios.harness.discovery.select"),
        (["report", __file__], "scenarios.harness.reporting.load"),
        (["audit", "verify"], "scenarios.harness.operations.opened"),
        (["list"], "scenarios.harness.cli.check_rooms"),
    ],
)
def test_ctrl_c_is_one_line(
    arguments: list[str],
    where: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also in commands that are over before anybody can press it, and before the first of them."""

    def interrupted(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(where, interrupted)
    monkeypatch.setattr("sys.argv", ["gameday", *arguments])

    with pytest.raises(SystemExit) as raised:
        cli.main()

    assert (130, "gameday: interrupted\n") == (raised.value.code, capsys.readouterr().err)


def test_the_commands_of_a_report_repeat_it(tmp_path: Path) -> None:
    """Typed into a shell, they run: names of files with spaces and quotes, and every option."""
    names = {"drill": "my 'own' drill.py", "job": 'a "job" $HOME.toml', "rows": "some rows;.csv"}
    (tmp_path / names["drill"]).write_text(
        WEAK.format(spare=1, rounds=1, check="EveryRowAnswered()").replace(
            'defends_against="expiry"', 'defends_against="expiry", slow=True'
        )
    )
    (tmp_path / names["job"]).write_bytes((HOME / "scenarios/jobs/tickets.toml").read_bytes())
    columns = ("ticket_id", "body", "plan", "email", "sentiment")
    lines = (f"t-{n},the app broke {n} times,free,a{n}@b.example," for n in range(60))
    (tmp_path / names["rows"]).write_text("\n".join([",".join(columns), *lines]))
    options = ["--seed", "3", "--slow", "--rows", names["rows"], "--job", names["job"]]
    first = gameday("run", names["drill"], *options, "--out", "first", cwd=tmp_path)
    report = load((tmp_path / "first" / "report.json").read_text("utf-8"))
    drill = report.drills[0]

    def typed(command: str) -> str:
        """What a shell makes of it; `gameday` is the command under test."""
        program = tmp_path / "bin" / "gameday"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m scenarios.harness.cli "$@"\n')
        program.chmod(0o755)
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=os.environ
            | {"PYTHONPATH": str(HOME), "PATH": f"{program.parent}:{os.environ['PATH']}"},
        )
        assert done.returncode in {0, 1, 3}, done.stderr
        return done.stdout

    assert "--slow" in report.command
    typed(f"{report.command} --out second")
    typed(f"{drill.replay} --out third")
    again, alone = (
        (tmp_path / name / "report.json").read_text("utf-8") for name in ("second", "third")
    )
    assert "weak" in first.stderr
    assert (tmp_path / "first" / "report.json").read_text("utf-8") == again
    assert (drill,) == load(alone).drills
    assert f"again: {drill.replay}\n" in first.stdout
    shown = gameday("show", names["drill"], cwd=tmp_path).stdout
    assert drill.replay.startswith(shown.rpartition("run it:")[2].strip())


def test_two_drills_of_one_name_are_refused(tmp_path: Path) -> None:
    """One of them would be missing in the report, and nobody would notice."""
    text = WEAK.format(spare=1, rounds=1, check="EveryRowAnswered()")
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text(text)
    _, _, function = text.partition("@drill")
    (tmp_path / "both.py").write_text(f"{text}other = weak\n@drill{function}")
    (tmp_path / "alias.py").write_text(text + "again = weak\n")

    says = complaint("run", "one.py", "two.py", cwd=tmp_path)
    assert "two drills named 'weak': in one.py and two.py" in says
    assert "both.py declares two drills named 'weak'" in complaint("run", "both.py", cwd=tmp_path)
    assert 1 == gameday("show", "alias.py", cwd=tmp_path).stdout.count("run it:")


def test_an_unknown_drill_suggests_the_nearest() -> None:
    """A typing error is answered with the name that was meant."""
    says = complaint("run", "expired_row_are_resend")

    assert "Did you mean 'expired_rows_are_resent'?" in says


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "--rows", "nowhere.csv"], "nowhere.csv cannot be read"),
        (["run", "--job", "nowhere.toml"], "nowhere.toml cannot be read"),
        (["run", "--rows", "short.csv"], "have no column"),
        (["run", "--job", "odd.toml"], "does not describe a job type"),
        (["run", "--job", "typo.toml"], "'bodi'"),
        (["run", "nowhere.py"], "There is no drill file nowhere.py"),
        (["run", "empty.py"], "declares no drill"),
        (["run", "broken.py"], "cannot be loaded: ZeroDivisionError"),
        (["run", "idle.py"], "injects nothing"),
        (["run", "a_good_day_is_left_alone", "--out", "short.csv"], "cannot be written"),
        (["run", "a_good_day_is_left_alone", "--out", "/proc/no"], "cannot be written"),
        (["report", "nowhere.json"], "nowhere.json cannot be read"),
        (["report", "short.csv"], "short.csv"),
        (["report", "short.csv", "--format", "pdf"], "no format 'pdf'"),
        (["report", "good.json", "--out", "."], ". is a folder"),
        (["report", "good.json", "--out", ".."], ".. is a folder"),
        (["report", "good.json", "--out", "/"], "/ is a folder"),
        (["report", "good.json", "--out", "short.csv/x"], "cannot be written"),
        (["report", "good.json", "--out", "no/where"], "cannot be written"),
        (["report", "good.json", "--out", "./good.json"], "is the report itself"),
        (["run", "a_good_day_is_left_alone", "--out", "mine"], "is not a report of gameday"),
        (
            ["run", "--rows", "rows/report.json", "--job", "own.toml", "--out", "rows"],
            "report.json would be replaced, and is an input of this run",
        ),
    ],
)
def test_wrong_input_is_refused_in_one_line(
    arguments: Sequence[str], says: str, tmp_path: Path
) -> None:
    """What happened, where, and how to mend it; exit code 2; nothing is left half-written."""
    job = (HOME / "scenarios/jobs/tickets.toml").read_text()
    idle = WEAK.format(spare=1, rounds=1, check="EveryRowAnswered()")
    files = {
        "short.csv": "a,b\n1,2\n",
        "odd.toml": "name = 1\n",
        "typo.toml": job.replace("{body}", "{bodi}").replace('["body", ', '["bodi", "body", '),
        "empty.py": "",
        "broken.py": "1 / 0\n",
        "idle.py": "\n".join(line for line in idle.splitlines() if "faults=[" not in line),
        "good.json": render(a_full_report(), Format.JSON),
        "mine/junit.xml": '<testsuites><testsuite name="mine"/></testsuites>',
        "own.toml": job.replace('label_column = "sentiment"', ""),
        "rows/report.json": '{"ticket_id": "1", "body": "a", "plan": "b"}',
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    assert says in complaint(*arguments, cwd=tmp_path)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_run_may_write_where_it_stands_and_over_its_own_reports(tmp_path: Path) -> None:
    """`--out .` twice, beside a file of the user's and the rows: nothing else is touched."""
    rows = tmp_path / "rows.csv"
    rows.write_text(
        "ticket_id,body,plan,email,sentiment\n"
        + "".join(f"t-{n},it broke {n} times,free,a{n}@b.example,\n" for n in range(40))
    )
    (tmp_path / "notes.html").write_text("mine")
    kept = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for _ in range(2):
        done = gameday(
            "run", "dropped_rows_are_noticed", "--rows", "rows.csv", "--out", ".", cwd=tmp_path
        )
        assert done.returncode in {0, 3}, done.stderr

    assert kept == {path: path.read_bytes() for path in kept}
    names = {path.name for path in tmp_path.iterdir()} - {path.name for path in kept}
    assert {*FILES.values(), JOURNAL} == names


def test_a_shadowed_room_is_named(tmp_path: Path) -> None:
    """`reports` is a general word: another package of that name is pointed out, not used."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "__init__.py").write_text("")
    code = "import scenarios.harness.cli as cli; cli.main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "list"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{HOME}"},
    )

    assert 2 == done.returncode
    assert f"'reports' is shadowed by {tmp_path / 'reports'}" in done.stderr


def test_hostile_names_reach_the_terminal_as_text(tmp_path: Path) -> None:
    """An escape sequence in a key or column is shown, not obeyed."""
    rows = tmp_path / "rows.jsonl"
    record = {"ticket_id": "\x1b[31mred", "body": "x\x1b]0;t\x07", "plan": "a", "sentiment": "pos"}
    rows.write_text("\n".join(json.dumps(record) for _ in range(2)))
    done = gameday("run", "--rows", str(rows), cwd=tmp_path)

    assert 2 == done.returncode
    assert "have the same" in done.stderr
    assert "\x1b" not in done.stderr + done.stdout
