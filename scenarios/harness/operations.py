"""The commands for jobs in production: audit, purge and the runbook.

Exit codes: 0 done; 1 something was found that a person has to see (tampering, what could not be
purged or canceled); 2 the command or its input was wrong.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from controls import Alerts, Staging, load_job_type
from controls.audit import knows, verify_trail
from controls.history import export as export_trail
from controls.history import story_of
from controls.registry import Register
from controls.retention import due
from controls.retention import purge as purge_what_is_due
from controls.runbook import EVERYTHING, Runbook
from scenarios.harness import desk, quarantine_commands, starting, watch_commands
from scenarios.harness.desk import (
    FAILED,
    AlertUrls,
    By,
    RecordKey,
    RecordTable,
    RecordUrl,
    StoreUrl,
    Why,
    json_lines,
    opened,
    put_out,
    say,
    the_pager,
    the_record,
    warn,
)
from scenarios.harness.errors import UsageError

audit = typer.Typer(help="The audit trail: prove it, read it.", no_args_is_help=True)
JobId = Annotated[str, typer.Argument(help="The id of the job.")]
SomeJob = Annotated[str | None, typer.Argument(help="The id of the job.")]
Team = Annotated[str | None, typer.Option("--team", help="All jobs of this team.")]
Cancel = Annotated[bool, typer.Option("--cancel", help="Also cancel what is in flight at the API.")]
Everything = Annotated[bool, typer.Option("--all", help="All jobs of this store.")]


def mount(app: typer.Typer) -> None:
    """Add these commands to `gameday`."""
    app.add_typer(audit, name="audit")
    app.add_typer(watch_commands.app, name="alerts")
    app.command()(watch_commands.watch)
    app.add_typer(quarantine_commands.app, name="quarantine")
    app.command()(starting.start)
    app.command()(purge)
    app.command()(halt)
    app.command()(resume)
    app.command()(approve)
    app.command("approve-job")(approve_job)
    app.command()(assess)
    app.command()(rollback)


@audit.command()
def verify(
    noted: Annotated[
        str, typer.Option("--noted", help="A last hash of an earlier day: it must be in the chain.")
    ] = "",
    store: StoreUrl = "",
) -> None:
    """Check every entry, every list and every table of the trail.

    Exit code 1: something in it was changed.
    """
    with opened(store) as ledger:
        found = verify_trail(ledger.engine)
        lost = bool(noted) and not knows(ledger.engine, noted)
    for tampering in found.tampering:
        warn(f"{tampering.where}: {tampering.what}")
    if lost:
        warn(f"end of the chain: no entry has the hash {noted}; the chain was cut or made anew")
    state = "TAMPERED" if found.tampering or lost else "intact"
    say(f"{state}: {found.entries:,} entries, {found.lists:,} lists, last hash {found.last_hash}")
    if found.tampering or lost:
        raise typer.Exit(FAILED)


@audit.command()
def show(
    custom_id: Annotated[str, typer.Argument(help="As it was sent: TEAM-JOB-ORDINAL.")],
    store: StoreUrl = "",
) -> None:
    """Tell the story of one row: sent, answered, paid, kept back, promoted, purged."""
    with opened(store) as ledger:
        story = story_of(ledger.engine, custom_id)
    say(f"{story.custom_id}  row {story.key or 'of a key that is not known'}  job {story.job}")
    say(f"job type {story.job_type}, version {story.policy_version}, digest {story.type_digest}")
    say(f"approved by {', '.join(story.approved_by)}")
    for sent in story.attempts:
        say(
            f"{sent.intended_at} sent in batch {sent.batch} ({sent.batch_id or 'no id yet'}), "
            f"round {sent.round}, request {sent.request_digest}"
        )
        if sent.outcome:
            read, said = sent.usage.input_tokens, sent.usage.output_tokens
            say(
                f"    {sent.outcome}: line {sent.line_digest}, {read:,} tokens in, {said:,} out, "
                f"${sent.cost_usd:f}"
            )
    for kept in story.kept_back:
        say(f"kept back: {kept}")
    for event in story.events:
        say(event)


@audit.command()
def export(
    job: SomeJob = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file, not to stdout.")] = None,
    store: StoreUrl = "",
) -> None:
    """Export the trail as JSON Lines: entries with their hashes, requests, answers, kept."""
    with opened(store) as ledger:
        put_out(json_lines(export_trail(ledger.engine, job)), out)


def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is due now.")] = False,  # noqa: FBT002 - a flag
    record: RecordUrl = "",
    table: RecordTable = "",
    key: RecordKey = "",
    gone: Annotated[
        list[str] | None,
        typer.Option(help="A batch that is deleted already, by its id or as JOB/NUMBER."),
    ] = None,
    by: By = "",
    alert: AlertUrls = None,
    store: StoreUrl = "",
) -> None:
    """Remove what may not stay any longer, and print what was removed.

    Exit code 1: something that is due could not be removed.
    """
    with opened(store) as ledger:
        if dry_run:
            for item in due(ledger):
                say(f"{item.job}: {item.what}, due since {item.since:%Y-%m-%d}, {item.status}")
            return
        system = the_record(record, table, key) if record or table or key else None
        pager = the_pager(alert) if alert else Alerts()  # what fails is printed below
        done = purge_what_is_due(
            desk.service(), ledger, pager, record=system, gone=gone or (), by=by
        )
    put_out(
        json_lines(
            {"job": one.job, "purged": one.what, "at": one.at.isoformat(), **one.said}
            for one in done.certificates
        ),
        None,
    )
    for job, problems in done.alarms.items():
        for problem in problems:
            warn(f"NOT PURGED: {job}: {problem}")
    if done.alarms:
        raise typer.Exit(FAILED)


def halt(
    job: SomeJob = None,
    team: Team = None,
    everything: Everything = False,  # noqa: FBT002 - a flag
    by: By = "",
    why: Why = "",
    cancel: Cancel = False,  # noqa: FBT002 - a flag
    store: StoreUrl = "",
) -> None:
    """Stop a job, a team or everything: nothing new is sent, nothing promoted.

    Exit code 1: something that was to be canceled was not.
    """
    scope = _scope(job, team, everything=everything)
    client = desk.service() if cancel else None
    with opened(store) as ledger:
        halted = Runbook(ledger).halt(scope, by=by, why=why, client=client)
    say(f"{scope} is stopped; it was running or waiting: {', '.join(halted.jobs) or 'nothing'}")
    say(f"{halted.in_flight:,} batches in flight, {len(halted.canceled):,} of them canceled now")
    for batch, problem in halted.not_canceled.items():
        warn(f"NOT CANCELED: {batch}: {problem}")
    if halted.not_canceled and cancel:
        raise typer.Exit(FAILED)


def resume(
    job: SomeJob = None,
    team: Team = None,
    everything: Everything = False,  # noqa: FBT002 - a flag
    rows: Annotated[
        Path | None, typer.Option(help="Where the rows of `gameday start` lie now.")
    ] = None,
    by: By = "",
    alert: AlertUrls = None,
    store: StoreUrl = "",
) -> None:
    """Lift a halt. A job of `gameday start` goes on here, also after its command was killed.

    Other jobs go on when they are run the next time. Exit code 1: a job that went on stopped again.
    """
    scope = _scope(job, team, everything=everything)
    with opened(store, listen=starting.tell_entry) as ledger:
        begun = starting.started(ledger, job) if job else None
        if job and begun:
            with desk.service() as client:
                pager = the_pager(alert)
                outcome = starting.go_on(
                    ledger, job, begun, by=by, rows=rows, pager=pager, client=client
                )
            starting.tell(job, outcome)
            return
        if rows is not None:
            raise UsageError(
                "--rows is for one job that `gameday start` has begun.", fix="Leave it out."
            )
        jobs = Runbook(ledger).resume(scope, by=by)
    say(f"{scope} may go on; to be run again: {', '.join(jobs) or 'nothing'}")


def approve(
    job_type: Annotated[Path, typer.Argument(help="The job type (TOML).")],
    by: By = "",
    expires: Annotated[str, typer.Option(help="Last day, as YYYY-MM-DD (UTC).")] = "",
    store: StoreUrl = "",
) -> None:
    """Approve a job type exactly as it stands in this file."""
    loaded = load_job_type(job_type)
    with opened(store, new=True) as ledger:
        review = Register(ledger).approve(loaded, by=by, expires_at=_end_of(expires))
    until = f" until {review.expires_at:%Y-%m-%d %H:%M} UTC" if review.expires_at else ""
    say(f"{loaded.name}, version {loaded.policy_version}, approved by {by}{until}: {review.digest}")


def approve_job(
    job: JobId,
    by: By = "",
    up_to_usd: Annotated[
        str, typer.Option(help="Agree to spend so much; without it, to the first answers.")
    ] = "0",
    store: StoreUrl = "",
) -> None:
    """Say yes to what a job waits for. It goes on when it is run the next time."""
    try:
        amount = Decimal(up_to_usd)
    except InvalidOperation:
        raise UsageError(
            f"{up_to_usd!r} is no amount.", fix="Give US dollars, such as 12.50."
        ) from None
    with opened(store) as ledger:
        Runbook(ledger).approve(job, by=by, up_to_usd=amount)
    say(f"{job} approved by {by}" + (f", up to ${amount:f}" if amount else ""))


def assess(
    job: JobId,
    out: Annotated[
        Path | None, typer.Option(help="Write where each row stands: JSON Lines by custom_id.")
    ] = None,
    state: Annotated[
        list[str] | None, typer.Option(help="Only rows in this state go into the file.")
    ] = None,
    store: StoreUrl = "",
) -> None:
    """Count a job: rows by state, answers by outcome, money."""
    with opened(store) as ledger:
        found = Runbook(ledger).assess(job)
    say(f"{found.job}: {found.status}" + (f" ({found.why})" if found.why else ""))
    say(f"{found.rows:,} rows, spent ${found.spent_usd:f}, reserved ${found.reserved_usd:f}")
    for title, counted in (
        ("rows", found.states),
        ("answers", found.outcomes),
        ("batches", found.batches),
    ):
        for name, number in sorted(counted.items()):
            say(f"{title:<8} {number:>9,}  {name}")
    if out is not None:
        rows = [row for row in found.affected if not state or row.state in state]
        named = (
            {"custom_id": row.custom_id, "key": row.key, "state": row.state, "outcome": row.outcome}
            for row in rows
        )
        put_out(json_lines(named), out)
        say(f"{len(rows):,} rows in {out}")


def rollback(
    job: JobId,
    record: RecordUrl = "",
    table: RecordTable = "",
    key: RecordKey = "",
    ids: Annotated[
        Path | None, typer.Option(help="Only these rows: a custom_id or key in each line.")
    ] = None,
    by: By = "",
    why: Why = "",
    store: StoreUrl = "",
) -> None:
    """Undo the promotion of a job, or of exactly the rows in a file."""
    chosen = None if ids is None else _ids(ids)
    with opened(store) as ledger:
        sink = Staging(ledger.engine, the_record(record, table, key))
        count = Runbook(ledger).rollback(job, sink, by=by, why=why, ids=chosen)
    say(f"{count:,} rows of {job} put back as they were")


def _scope(job: str | None, team: str | None, *, everything: bool) -> str:
    """What a halt is about.

    Raises:
        UsageError: nothing is named, or more than one thing.
    """
    named = [f"job {job}"] * (job is not None) + [f"team {team}"] * (team is not None)
    named += [EVERYTHING] * everything
    if len(named) != 1:
        raise UsageError("It is not clear what is meant.", fix="Name a JOB, --team NAME or --all.")
    return named[0]


def _end_of(day: str) -> datetime | None:
    """The end of a day in UTC.

    Raises:
        UsageError: it is none.
    """
    if not day:
        return None
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(hour=23, minute=59, tzinfo=UTC)
    except ValueError:
        raise UsageError(f"{day!r} is no day.", fix="Write it as 2027-01-31.") from None


def _ids(path: Path) -> list[str]:
    """The lines of a file; of a file of `assess`, the custom_ids.

    Raises:
        UsageError: it cannot be read, or names nothing.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"{path} cannot be read: {why}.", fix="Check the path.") from None
    try:
        ids = [_id(line.strip()) for line in lines if line.strip()]
    except (ValueError, KeyError, TypeError):
        raise UsageError(
            f"{path} has a line that names no row.", fix="Write one custom_id or key in a line."
        ) from None
    if not ids:
        raise UsageError(f"{path} names no rows.", fix="Write one custom_id or key in a line.")
    return ids


def _id(line: str) -> str:
    if not line.startswith("{"):
        return line
    return str(msgspec.json.decode(line)["custom_id"])
