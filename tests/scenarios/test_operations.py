"""The commands for real stores: each line of docs/operations.md, and what they refuse."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import sqlite3
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, update
from typer.testing import CliRunner, Result

from controls import Ledger, LedgerEntry, open_store
from controls.core.store import BATCHES, ENTRIES, QUARANTINE
from controls.policy import CanaryPolicy
from scenarios.harness import cli, desk
from scenarios.harness.commands import all_commands
from simulator.server import Server
from tests.controls.builders import MODEL, Bench, a_client, a_job_type, an_answer, number_in

app = all_commands()
HOME = Path(__file__).parents[2]
DOCUMENT = (HOME / "docs" / "operations.md").read_text("utf-8")
COMMANDS = [
    line.removeprefix("$ ")
    for block in re.findall(r"```console\n(.*?)```", DOCUMENT, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("$ ")
]
EVIL = "=cmd|' /C calc'!A0\x1b[2J\u202e"


def says(question: Any) -> str:
    """Every tenth answer is made to be obeyed by a terminal or a spreadsheet."""
    return EVIL if number_in(question) % 10 == 7 else an_answer(question)


def written(store: Engine, path: Path) -> str:
    """A store in memory as a file; its URL."""
    with store.connect() as connection:
        driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    path.write_bytes(driver.serialize())
    return f"sqlite:///{path}"


@pytest.fixture
def bench() -> Bench:
    """A finished job."""
    bench = Bench(
        says=says, job_type=a_job_type(canary=CanaryPolicy(max_bad_share=0.5, min_rows=10))
    )
    assert "done" == bench.run(40).status
    return bench


@pytest.fixture
def folder(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with its `gameday.db` and `record.db`, on its clock and with its service."""
    written(bench.store, tmp_path / "gameday.db")
    written(bench.record.engine, tmp_path / "record.db")
    (tmp_path / "tickets.toml").write_bytes((HOME / "scenarios/jobs/tickets.toml").read_bytes())
    (tmp_path / "tickets.csv").write_text(
        "ticket_id,body,plan,sentiment\n" + "".join(f"t{n},text {n}0,free,pos\n" for n in range(60))
    )
    (tmp_path / "ids.txt").write_text("support-job_1-3\nkey-4\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAMEDAY_STORE", "sqlite:///gameday.db")
    monkeypatch.setattr(desk, "service", lambda: a_client(bench.api))
    monkeypatch.setattr(desk, "SystemClock", lambda: bench.clock)
    return tmp_path


def a_stranger(bench: Bench) -> None:
    """A batch that some other program has made, two hours ago."""
    params = {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": "text 1"}]}
    requests: Any = [{"custom_id": "x", "params": params}]
    a_client(bench.api).messages.batches.create(requests=requests)
    bench.clock.sleep(timedelta(hours=2))


def run(*arguments: str) -> Result:
    """One command; what it raises is raised."""
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def out(*arguments: str) -> str:
    """What a command that succeeds says."""
    done = run(*arguments)
    assert 0 == done.exit_code, done.output
    return done.stdout


def refused(*arguments: str) -> str:
    """What a command says that is refused, as the user sees it: with a fix."""
    with pytest.raises(Exception, match=r"\.") as raised:
        run(*arguments)
    assert hasattr(raised.value, "fix"), raised.value
    return str(raised.value)


def test_every_documented_command_runs_in_order(folder: Path, bench: Bench) -> None:
    """A reader can type them one after the other."""
    assert COMMANDS
    for command in COMMANDS:
        program, *arguments = shlex.split(command)
        assert "gameday" == program
        if arguments[0] == "watch":
            a_stranger(bench)
        waits = int(arguments[0] in {"start", "watch"})
        assert waits == run(*arguments).exit_code, command

    assert {"again.jsonl", "kept.csv", "rows.jsonl", "trail.jsonl"} <= {
        path.name for path in folder.iterdir()
    }


LOOKS = ("assess", "audit", "purge --dry-run", "alerts list")
LOOKS_AT_QUARANTINE = tuple(f"quarantine {name}" for name in ("count", "list", "show", "export"))


def test_whatever_changes_something_leaves_an_entry_with_a_name(folder: Path, bench: Bench) -> None:
    """Every documented command: who only looks adds nothing, everybody else adds to the chain."""

    def written() -> list[LedgerEntry]:
        engine = open_store("sqlite:///gameday.db")
        entries = Ledger(engine, bench.clock.now).entries()
        engine.dispose()
        return entries

    for command in COMMANDS:
        _, *arguments = shlex.split(command)
        if arguments[0] == "purge":
            bench.clock.sleep(timedelta(days=28))
            arguments += ["--by", "A. Person"]
        if arguments[0] == "watch":
            a_stranger(bench)
        before = len(written())
        run(*arguments)
        news = written()[before:]

        said = " ".join(arguments)
        assert said.startswith((*LOOKS, *LOOKS_AT_QUARANTINE)) == (not news), command
        named = [entry.body["by"] for entry in news if "by" in entry.body]
        assert not news or "A. Person" in named or said == "watch", command


def test_every_command_is_documented() -> None:
    """In the page and in the README."""
    names = [f"gameday {command.name}" for command in app.registered_commands if command.name]
    for group in app.registered_groups:
        assert group.typer_instance
        for command in group.typer_instance.registered_commands:
            assert command.callback
            if group.name != "journal":
                names.append(f"gameday {group.name} {command.name or command.callback.__name__}")
    assert "gameday audit verify" in names
    readme = (HOME / "README.md").read_text("utf-8")

    documented = [name for name in names if any(line.startswith(name) for line in COMMANDS)]
    assert [name for name in names if name.count(" ") == 2 or name.endswith("-job")] == documented
    for name in (
        "watch",
        "alerts",
        "start",
        "halt",
        "resume",
        "approve",
        "assess",
        "rollback",
        "purge",
        "audit",
        "quarantine",
    ):
        assert f"| `gameday {name}" in readme


def test_the_audit_tells_the_story_of_a_row(folder: Path) -> None:
    """Sent, answered, paid, promoted; or kept back, as text that no terminal obeys."""
    story = out("audit", "show", "support-job_1-3")
    assert re.search(r"accepted: line [0-9a-f]{32}, \d+ tokens in, \d+ out, \$0\.0000\d+", story)
    assert "job type grading, version 7" in story
    assert "approved by A. Reviewer" in story
    assert "promoted: rows 36" in story

    kept = out("audit", "show", "support-job_1-7")
    assert "kept back: " in kept
    assert "promoted" not in kept
    assert "No job of this store has a row" in refused("audit", "show", "support-job_1-40")


def test_the_audit_names_tampering_with_exit_code_1(folder: Path) -> None:
    """Also a chain that is shorter than it was."""
    intact = out("audit", "verify")
    assert intact.startswith("intact: ")
    noted = intact.split()[-1]
    assert "intact" in out("audit", "verify", "--noted", noted)

    done = run("audit", "verify", "--noted", "0" * 64)
    assert (1, True) == (done.exit_code, "cut or made anew" in done.stderr)
    engine = open_store("sqlite:///gameday.db")
    with engine.begin() as connection:
        connection.execute(update(ENTRIES).where(ENTRIES.c.seq == 3).values(kind="\x1b[2J"))
    engine.dispose()
    done = run("audit", "verify")
    assert 1 == done.exit_code
    assert "entry 3: it does not have the content" in done.stderr
    assert "\x1b" not in done.output


def test_the_trail_is_exported_as_json_lines(folder: Path) -> None:
    """Entries, requests, answers and what was kept."""
    lines = [json.loads(line) for line in out("audit", "export").splitlines()]

    counts = {kind: sum(kind in line for line in lines) for kind in ("request", "answer", "kept")}
    assert {"request": 40, "answer": 40, "kept": 4} == counts
    assert "0" * 64 == lines[0]["entry"]["previous"]
    assert out("audit", "export", "job_1").splitlines()[-1] == json.dumps(
        lines[-1], separators=(",", ":")
    )


def test_quarantine_is_shown_inert(folder: Path) -> None:
    """Escape sequences and bidi overrides are written out; CSV cells are no formulas."""
    engine = open_store("sqlite:///gameday.db")
    with engine.begin() as connection:
        connection.execute(update(QUARANTINE).values(detail=EVIL, row_key="@SUM(A1)"))
    engine.dispose()

    for shown in (
        out("quarantine", "list", "job_1"),
        out("quarantine", "show", "1"),
        out("quarantine", "export", "job_1"),
    ):
        assert not {"\x1b", "\u202e"} & set(shown)
    cells = list(csv.reader(io.StringIO(out("quarantine", "export", "job_1", "--format", "csv"))))
    assert 5 == len(cells)
    assert "'=cmd|' /C calc'!A0\\x1b[2J\\u202e" == cells[1][7]
    assert "'@SUM(A1)" == cells[1][4]
    assert EVIL == json.loads(out("quarantine", "export", "job_1").splitlines()[0])["detail"]


def test_a_purge_prints_its_certificates(folder: Path, bench: Bench) -> None:
    """What is due first, then what was removed; what cannot be removed is exit code 1."""
    assert "" == out("purge", "--dry-run")
    bench.clock.sleep(timedelta(days=28))
    due = out("purge", "--dry-run")
    assert due.startswith("job_1: payload, due since 2026-12-04, done\njob_1: evidence")

    done = run("purge")

    payload, evidence = map(json.loads, done.stdout.splitlines())
    assert (1, "payload", 36) == (done.exit_code, payload["purged"], payload["staged"])
    assert ("evidence", 4) == (evidence["purged"], evidence["answers"])
    assert "NOT PURGED: job_1: the system of record was not named" in done.stderr
    record = ("--record", "sqlite:///record.db", "--table", "answers", "--key", "key")
    assert '"purged":"before-images"' in out("purge", *record)
    assert "intact" in out("audit", "verify")
    assert (folder / "gameday.db").exists()


def test_a_batch_in_flight_is_canceled(folder: Path, bench: Bench) -> None:
    """A halt says how many there were; one that cannot be canceled is exit code 1."""
    engine = open_store("sqlite:///gameday.db")
    with engine.begin() as connection:
        changes = {"state": "created", "ended_at": None}
        connection.execute(update(BATCHES).where(BATCHES.c.number == 2).values(changes))
    engine.dispose()
    who = ("--by", "A. Person", "--why", "x")

    assert "1 batches in flight, 0 of them canceled now" in out("halt", "job_1", *who)
    bench.api.reset()
    done = run("halt", "--team", "support", *who, "--cancel")
    assert 1 == done.exit_code
    assert "NOT CANCELED: msgbatch_" in done.stderr
    assert out("resume", "--team", "support", "--by", "A. Person").startswith("team support may")
    assert folder.exists()


def test_rows_of_a_file_are_put_back(folder: Path) -> None:
    """By custom_id or key, or as `assess` writes them."""
    record = ("--record", "sqlite:///record.db", "--table", "answers", "--key", "key")
    who = ("--by", "A. Person", "--why", "bad answers")

    assert out("rollback", "job_1", *record, *who, "--ids", "ids.txt").startswith("2 rows")
    out("assess", "job_1", "--out", "rows.jsonl", "--state", "promoted")
    assert out("rollback", "job_1", *record, *who, "--ids", "rows.jsonl").startswith("34 rows")


Arguments = tuple[str, ...]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("audit", "verify", "--store", "sqlite:///none.db"), "There is no store at 'none.db'."),
        (("audit", "verify", "--store", "nonsense"), "is not the URL of a store"),
        (("audit", "verify", "--store", ""), "No store is named."),
        (("halt", "--by", "A", "--why", "x"), "It is not clear what is meant."),
        (("halt", "job_1", "--all", "--by", "A", "--why", "x"), "It is not clear what is meant."),
        (("halt", "job_1", "--why", "x"), "Nobody is named."),
        (("halt", "job_9", "--by", "A", "--why", "x"), "There is no job 'job_9'"),
        (("approve", "none.toml", "--by", "A"), "cannot be read"),
        (("approve", "tickets.toml", "--by", "A", "--expires", "soon"), "'soon' is no day."),
        (("approve", "tickets.toml", "--by", "A", "--expires", "2020-01-01"), "before it begins"),
        (("approve-job", "job_1", "--by", "A", "--up-to-usd", "much"), "'much' is no amount."),
        (("rollback", "job_1", "--by", "A"), "The system of record is not named."),
        (("rollback", "job_1", "--by", "A", "--ids", "none"), "none cannot be read"),
        (("quarantine", "export", "job_1", "--format", "xml"), "There is no format 'xml'."),
        (("quarantine", "show", "99"), "Number 99 is not in quarantine."),
        (("quarantine", "discard", "job_1"), "Nobody, or no reason, is named."),
        (("assess", "job_1", "--out", "no/where"), "cannot be written"),
        (("purge", "--gone", "job_1/1"), "Nobody is named who knows"),
        (("purge", "--gone", "job_1/9", "--by", "A"), "has the batch 'job_1/9'"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(
    folder: Path, arguments: Arguments, says: str
) -> None:
    """What happened and how to mend it; nothing is made by a mistyped path."""
    assert says in refused(*arguments)
    assert not (folder / "none.db").exists()


def test_a_missing_key_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the commands that need the API ask for one."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)

    with pytest.raises(Exception, match="no key for the API"):
        desk.service()


def test_a_user_error_is_one_line_and_exit_code_2(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As of every command."""
    monkeypatch.setattr("sys.argv", ["gameday", "assess", "job_9"])

    with pytest.raises(SystemExit) as raised:
        cli.main()

    assert 2 == raised.value.code
    assert "gameday: There is no job 'job_9' in this store. The latest are: job_1.\n" == (
        capsys.readouterr().err
    )


def test_the_watch_looks_over_a_socket_and_is_answered(
    folder: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client is the official one with its address from the environment; what nobody knows is
    exit code 1 until a person has acknowledged it, and again in a later look that goes on."""
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GAMEDAY_STORE", "sqlite:///gameday.db")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test")
    monkeypatch.setattr(desk, "SystemClock", lambda: bench.clock)
    with Server(bench.api) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        assert "" == out("watch")
        a_stranger(bench)

        done = run("watch", "--owner", "\x1b[2J")
        assert (1, True) == (done.exit_code, "ALERT for \\x1b[2J: the account: no" in done.stderr)
        number = out("alerts", "list").split()[0]
        assert "A. Person has alert" in out("alerts", "acknowledge", number, "--by", "A. Person")
        assert "A. Person" in out("watch")
        assert "no alert 1 that lasts" in refused("alerts", "acknowledge", "1", "--by", "A")
        assert "" == out("alerts", "acknowledge", "--by", "A")

        looks = []

        def sleep(duration: timedelta) -> None:
            looks.append(duration)
            if len(looks) == 2:
                raise StopIteration

        monkeypatch.setattr(desk, "the_clock", lambda: SimpleNamespace(sleep=sleep))
        with pytest.raises(StopIteration):
            run("watch", "--every", "5")
        assert [timedelta(minutes=5)] * 2 == looks
