"""What a report tells of the pipeline that was on trial, and what it keeps to itself."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from scenarios.harness.pipeline.command import opened
from scenarios.harness.pipeline.origin import facts_of, without_password, without_passwords


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("answers.jsonl", "answers.jsonl"),
        ("sqlite:///answers.db#kept", "sqlite:///answers.db#kept"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("postgresql://me:s3cret@host/db#kept", "postgresql://me:***@host/db#kept"),
        ("postgresql://me:s3cret@host:port/db", "postgresql://me:***@host:port/db"),
        ("postgresql://host/db?password=s3cret", "postgresql://host/db?password=%2A%2A%2A"),
    ],
)
def test_a_password_is_hidden(given: str, told: str) -> None:
    """In whichever place of a URL."""
    assert told == without_password(given)


def test_a_password_in_the_command_is_hidden() -> None:
    """A port is none."""
    given = "DB=postgresql://me:s3:cret@host/db run 'http://localhost:8080/@'"

    assert without_passwords(given) == (
        "DB=postgresql://me:***@host/db run 'http://localhost:8080/@'"
    )


def test_the_files_of_the_command_and_the_schema_have_digests(tmp_path: Path) -> None:
    """What is no file has none, and a command that no shell reads is told all the same."""
    program, schema = tmp_path / "nightly.py", tmp_path / "answer.json"
    program.write_text("print()", "utf-8")
    schema.write_text("{}", "utf-8")
    command = f"python {program} --fast"
    facts = {
        fact.name: fact.value
        for fact in facts_of(command, "postgresql://me:x@host/db", "answers", "aside.jsonl", schema)
    }

    assert facts == {
        "pipeline": command,
        "pipeline, SHA-256 of the command": sha256(command.encode()).hexdigest(),
        f"pipeline, SHA-256 of {program}": sha256(b"print()").hexdigest(),
        "sink": "postgresql://me:***@host/db, table answers",
        "quarantine": "aside.jsonl",
        "schema, SHA-256": sha256(b"{}").hexdigest(),
    }
    assert ["broken 'quote", "none was given"] == [
        fact.value
        for fact in facts_of("broken 'quote", "answers.jsonl", None, None, None)
        if fact.name in {"pipeline", "schema, SHA-256"}
    ]


def test_no_password_reaches_what_a_trial_tells(tmp_path: Path) -> None:
    """Neither the command that repeats it, nor its name, nor its facts."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"id": "1", "body": "text"}\n', "utf-8")
    url = "postgresql://me:s3cret@host/db"
    trial = opened(f"DB={url} run", rows, "id", url, "answers", quarantine=f"{url}#kept")

    assert "s3cret" not in f"{trial.options} {trial.name} {trial.facts}"
    assert "s3cret" in trial.sink.address
