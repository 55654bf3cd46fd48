"""What `gameday --help` promises of exit codes, for every command: 0 done, 1 something was found, 2
the command or its input was wrong, 3 nothing was proved. 4, 130 and 143 are in `test_cli.py`,
`test_interruption.py` and `test_random_moments.py`."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import typer.main

from scenarios.harness.commands import all_commands
from tests.command import HOME, gameday

JOB = str(HOME / "scenarios" / "jobs" / "tickets.toml")
RECORD = ("--record", "sqlite:///s.db", "--table", "nowhere", "--key", "k")
WHO, WHY = ("--by", "A. Reviewer"), ("--why", "a test")
CODES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (0, ("--help",)),
    (0, ("--version",)),
    (2, ("nobody",)),
    (0, ("list",)),
    (0, ("show", "a_good_day_is_left_alone")),
    (2, ("show", "nobody")),
    (2, ("run", "nobody")),
    (2, ("verify", "--pipeline", "true")),
    (2, ("prove", "Nobody")),
    (2, ("fuzz", "--plans", "0")),
    (3, ("fuzz", "--plans", "1", "--seed", "3", "--workers", "1")),
    (2, ("replay", "nowhere.toml")),
    (2, ("serve", "--port", "x")),
    (2, ("report", "nowhere.json")),
    (2, ("history", "nowhere")),
    (2, ("journal", "verify", "nowhere.jsonl")),
    (1, ("journal", "verify", "no-journal.jsonl")),
    (0, ("approve", JOB, *WHO)),
    (2, ("approve", "nowhere.toml", *WHO)),
    (2, ("approve-job", "nobody", *WHO)),
    (0, ("halt", "--all", *WHO, *WHY)),
    (2, ("halt", *WHO, *WHY)),
    (0, ("resume", "--all", *WHO, "--store", "sqlite:///halted.db")),
    (2, ("resume", *WHO)),
    (2, ("start", "job", JOB, "--rows", "nowhere.csv", *RECORD, *WHO)),
    (2, ("assess", "nobody")),
    (2, ("rollback", "nobody", *RECORD, *WHO, *WHY)),
    (2, ("watch",)),
    (0, ("alerts", "list")),
    (2, ("alerts", "acknowledge", "99", *WHO)),
    (0, ("quarantine", "count")),
    (2, ("quarantine", "list", "nobody")),
    (2, ("quarantine", "show", "99")),
    (2, ("quarantine", "export", "nobody")),
    (2, ("quarantine", "requeue", "99", *WHO, *WHY)),
    (2, ("quarantine", "discard", "99", *WHO, *WHY)),
    (0, ("audit", "verify")),
    (1, ("audit", "verify", "--store", "sqlite:///edited.db")),
    (2, ("audit", "show", "nobody-job-0")),
    (0, ("audit", "export")),
    (2, ("purge",)),
)
"""Exit code and command. There is a store without jobs, and no key for the API."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which one policy is approved, the same with a changed entry, another in which
    everything is halted, and a stray file."""
    made = tmp_path_factory.mktemp("codes")
    (made / "no-journal.jsonl").write_text('{"event": "something else"}\n')
    for name in ("s.db", "edited.db", "halted.db"):
        assert (
            0 == gameday("approve", JOB, *WHO, "--store", f"sqlite:///{name}", cwd=made).returncode
        )
    with closing(sqlite3.connect(made / "edited.db")) as database:
        database.execute("UPDATE ledger_entries SET body = replace(body, 'Reviewer', 'Nobody')")
        database.commit()
    halt = ("halt", "--all", *WHO, *WHY, "--store", "sqlite:///halted.db")
    assert 0 == gameday(*halt, cwd=made).returncode
    return made


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy, so that no command meets what another has done."""
    return shutil.copytree(made, tmp_path / "codes")


@pytest.mark.parametrize(("code", "arguments"), CODES, ids=lambda given: str(given)[:60])
def test_a_command_ends_with_the_code_that_it_promises(
    code: int, arguments: tuple[str, ...], folder: Path
) -> None:
    """And what is wrong is told on stderr, without a traceback."""
    env = {"GAMEDAY_STORE": "sqlite:///s.db", "ANTHROPIC_API_KEY": "", "ANTHROPIC_AUTH_TOKEN": ""}

    done = gameday(*arguments, cwd=folder, env=env)

    assert code == done.returncode, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert bool(done.stderr) or code != 2


def test_every_command_stands_in_the_table() -> None:
    """A new command has to say what its exit codes are."""
    told = {re.sub(r" -.*", "", " ".join(arguments)) for _, arguments in CODES}
    root = typer.main.get_command(all_commands())
    names = [
        f"{name} {inner}" if inner else name
        for name, command in root.commands.items()  # type: ignore[attr-defined]
        for inner in getattr(command, "commands", {"": None})
    ]

    assert [] == [
        name for name in names if not any(f"{one} ".startswith(f"{name} ") for one in told)
    ]
