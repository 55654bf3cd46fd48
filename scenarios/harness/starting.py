"""`gameday start`: a job from files, with no program of one's own, so that `resume` can go on.

What the job was started with is written down before anything else, as an entry of the ledger: the
whole job type, where the rows lie and the digest of that file, and where the answers go. Whoever
goes on reads it there; rows that are not the same any more are refused.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import anthropic
import msgspec
import typer
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from controls import (
    BatchRunner,
    Job,
    JobOutcome,
    JobType,
    Ledger,
    LedgerEntry,
    Pager,
    Staging,
    default_stack,
    load_job_type,
)
from controls.core.book import DONE, WAITING, Book, document_of
from controls.runbook import Runbook
from scenarios.harness import desk
from scenarios.harness.desk import (
    FAILED,
    AlertUrls,
    By,
    RecordKey,
    RecordTable,
    RecordUrl,
    StoreUrl,
    named,
    opened,
    say,
    the_pager,
    the_record,
    warn,
)
from scenarios.harness.errors import UsageError
from scenarios.harness.rows import read_rows

STARTED, AGAIN = "started", "started again"
TOLD = ("stage", "batch", "batch_id", "requests", "rows", "why", "what", "problem")
"""What of an entry is worth a line while a job runs."""


class Start(msgspec.Struct, frozen=True):
    """What a job was started with."""

    by: str
    job_type: str
    """As JSON."""
    rows: str
    """Where the file lies."""
    rows_file_digest: str
    """SHA-256 of its bytes."""
    record: str
    table: str
    key: str
    seed: int


def start(
    job: Annotated[str, typer.Argument(help="An id for the job; a part of every custom_id.")],
    job_type: Annotated[Path, typer.Argument(help="The job type (TOML); it must be approved.")],
    rows: Annotated[Path, typer.Option(help="The rows: CSV, JSON Lines or a JSON array.")],
    record: RecordUrl = "",
    table: RecordTable = "",
    key: RecordKey = "",
    seed: Annotated[int, typer.Option(help="Draws the canary; the same draws the same.")] = 0,
    by: By = "",
    alert: AlertUrls = None,
    store: StoreUrl = "",
) -> None:
    """Run a job to its end, or until it stops with a reason.

    Exit code 1: it was halted, or waits for a person.
    """
    loaded = load_job_type(job_type)
    read_rows(rows, loaded)
    kept_url = _kept_url(record)
    the_record(record, table, key).engine.dispose()
    begun = Start(
        by=named(by),
        job_type=document_of(loaded),
        rows=str(rows.resolve()),
        rows_file_digest=_digest(rows),
        record=kept_url,
        table=table,
        key=key,
        seed=seed,
    )
    pager = the_pager(alert)
    with desk.service() as client, opened(store, listen=tell_entry) as ledger:
        if Book(ledger).job(job) is not None:
            raise UsageError(
                f"The job {job!r} was begun before.",
                fix=f"Go on with `gameday resume {job}`, or choose a new id.",
            )
        ledger.append(job, STARTED, **msgspec.to_builtins(begun))
        outcome = _run(ledger, job, begun, pager, client, rows)
    tell(job, outcome)


def started(ledger: Ledger, job: str) -> Start | None:
    """What `gameday start` was given for this job; None if another program runs it."""
    entries = ledger.entries(job, STARTED)
    return msgspec.convert(entries[-1].body, Start) if entries else None


def go_on(
    ledger: Ledger,
    job: str,
    begun: Start,
    *,
    by: str,
    rows: Path | None,
    pager: Pager,
    client: anthropic.Anthropic,
) -> JobOutcome:
    """Lift what holds a job that `gameday start` has begun, and take it to its end.

    Raises:
        ControlError, UsageError: it cannot go on; nothing was sent.
    """
    where = rows or Path(begun.rows)
    if _digest(where) != begun.rows_file_digest:
        raise UsageError(
            f"{where} is not the file that {job!r} was started with.",
            fix="Put that one back, or name it with --rows; its SHA-256 is "
            f"{begun.rows_file_digest}.",
        )
    if Book(ledger).job(job) is not None:
        Runbook(ledger).resume(f"job {job}", by=by)
    ledger.append(job, AGAIN, by=named(by))
    return _run(ledger, job, begun, pager, client, where)


def tell(job: str, outcome: JobOutcome) -> None:
    """Say how it ended, and what a person can do now.

    Raises:
        Exit: with code 1 if it is not done.
    """
    if outcome.status == DONE:
        promoted, kept = outcome.promoted, outcome.quarantined
        say(f"{job}: done, {promoted:,} rows promoted, {kept:,} in quarantine")
        return
    say(f"{job}: {outcome.status}: {outcome.why}")
    first = f"gameday approve-job {job}, then " if outcome.status == WAITING else ""
    say(f"look at it: gameday assess {job}; go on: {first}gameday resume {job}")
    raise typer.Exit(FAILED)


def tell_entry(entry: LedgerEntry) -> None:
    """What happens while a job runs, on stderr."""
    words = [f"{name} {entry.body[name]}" for name in TOLD if name in entry.body]
    warn(f"{entry.at:%Y-%m-%d %H:%M:%S} {entry.kind}{': ' if words else ''}{', '.join(words)}")


def _run(
    ledger: Ledger,
    job: str,
    begun: Start,
    pager: Pager,
    client: anthropic.Anthropic,
    rows: Path,
) -> JobOutcome:
    job_type = msgspec.json.decode(begun.job_type, type=JobType)
    record = the_record(begun.record, begun.table, begun.key)
    try:
        stack = default_stack(job_type, Staging(ledger.engine, record))
        runner = BatchRunner(client, ledger, desk.the_clock(), stack, pager=pager)
        return runner.run(Job(job, job_type, seed=begun.seed), read_rows(rows, job_type).rows)
    finally:
        record.engine.dispose()


def _digest(path: Path) -> str:
    """SHA-256 of a file.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(
            f"The rows file {path} cannot be read: {error.strerror}.",
            fix="Put it back, or name where it lies now with --rows.",
        ) from None


def _kept_url(url: str) -> str:
    """The URL of the record as the ledger may keep it: without secrets, from any folder the same.

    Raises:
        UsageError: it holds a password.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        return url  # whoever opens it says it better
    if parsed.password or "password" in parsed.query:
        raise UsageError(
            "The URL of the record holds a password, which the ledger would keep.",
            fix="Leave it out; libpq reads PGPASSWORD, ~/.pgpass and ?service=NAME.",
        )
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        parsed = parsed.set(database=str(Path(parsed.database).resolve()))
    return parsed.render_as_string(hide_password=False)
