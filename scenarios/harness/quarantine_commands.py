"""`gameday quarantine ...`: look at what was kept back, send it again, let it go."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from controls.quarantine_desk import KeptBack, QuarantineDesk
from reports.untrusted import shown, visible
from scenarios.harness.desk import By, StoreUrl, Why, json_lines, opened, put_out, say
from scenarios.harness.errors import UsageError

FORMULA_STARTS = ("=", "+", "-", "@")
"""What a spreadsheet takes for a formula at the start of a cell; control characters, which it may
skip before it looks, are written out."""
COLUMNS = (
    *("id", "job", "batch", "ordinal", "row_key", "custom_id", "reason", "detail"),
    *("evidence", "at", "settled"),
)
app = typer.Typer(help="Answers that were kept back.", no_args_is_help=True)

Job = Annotated[str, typer.Argument(help="The id of the job.")]
Numbers = Annotated[
    list[int] | None, typer.Argument(help="Numbers from `list`; all open ones when none is given.")
]
Out = Annotated[Path | None, typer.Option("--out", help="Write to this file, not to stdout.")]


@app.command()
def count(
    job: Annotated[str | None, typer.Argument(help="One job; all when none is given.")] = None,
    store: StoreUrl = "",
) -> None:
    """Count by job and reason."""
    with opened(store) as ledger:
        for name, counted in QuarantineDesk(ledger).count(job).items():
            for reason, answers in sorted(counted.items()):
                say(f"{answers:>9,}  {reason:<24} {name}")


@app.command("list")
def list_kept(
    job: Job,
    reason: Annotated[str | None, typer.Option(help="Only those with this reason code.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many lines.")] = 100,
    every: Annotated[bool, typer.Option("--all", help="Also those that are settled.")] = False,  # noqa: FBT002 - a flag
    store: StoreUrl = "",
) -> None:
    """List open answers: number, row, reason."""
    with opened(store) as ledger:
        kept = QuarantineDesk(ledger).each(job, reason=reason, settled=every)
        for shown_so_far, item in enumerate(kept):
            if shown_so_far == limit:
                say(f"… there are more; --limit shows more than {limit:,}")
                break
            say(f"{item.id:>9}  {item.custom_id:<30} {item.reason:<16} {item.settled or 'open'}")


@app.command()
def show(
    number: Annotated[int, typer.Argument(help="A number from `list`.")], store: StoreUrl = ""
) -> None:
    """Show one answer with the first bytes of what came, as text that no terminal obeys."""
    with opened(store) as ledger:
        item = QuarantineDesk(ledger).one(number)
    for name, value in _fields(item).items():
        typer.echo(f"{name + ':':<11} {shown(str(value))}")


@app.command()
def export(
    job: Job,
    form: Annotated[str, typer.Option("--format", help="jsonl or csv.")] = "jsonl",
    every: Annotated[bool, typer.Option("--all", help="Also those that are settled.")] = False,  # noqa: FBT002 - a flag
    out: Out = None,
    store: StoreUrl = "",
) -> None:
    """Export answers with their evidence: JSON Lines, or CSV in which no cell is a formula."""
    if form not in {"jsonl", "csv"}:
        raise UsageError(f"There is no format {form!r}.", fix="The formats are: jsonl, csv.")
    with opened(store) as ledger:
        kept = map(_fields, QuarantineDesk(ledger).each(job, settled=every))
        put_out(json_lines(kept) if form == "jsonl" else _csv(kept), out)


@app.command()
def requeue(
    job: Job,
    numbers: Numbers = None,
    by: By = "",
    why: Why = "",
    out: Out = None,
    store: StoreUrl = "",
) -> None:
    """Mark answers as requeued and write their rows as JSON Lines, for a new job."""
    with opened(store) as ledger:
        rows = QuarantineDesk(ledger).requeue(job, numbers, by=by, why=why)
    named = ({"ordinal": row.ordinal, "key": row.key, "requeued_from": job} for row in rows)
    put_out(json_lines(named), out)


@app.command()
def discard(
    job: Job, numbers: Numbers = None, by: By = "", why: Why = "", store: StoreUrl = ""
) -> None:
    """Mark answers as discarded: nobody will look at them again."""
    with opened(store) as ledger:
        number = QuarantineDesk(ledger).discard(job, numbers, by=by, why=why)
    say(f"{number:,} answers of {job} discarded")


def _fields(item: KeptBack) -> dict[str, Any]:
    """One answer as plain values; bytes that are no text become escapes."""
    values = {name: getattr(item, name) for name in COLUMNS}
    values["evidence"] = item.evidence.decode("utf-8", "backslashreplace")
    return values | {"at": item.at.isoformat()}


def _csv(items: Iterable[dict[str, Any]]) -> Iterator[str]:
    """CSV as spreadsheets read it; what could start a formula gets an apostrophe before it."""
    for cells in (COLUMNS, *(item.values() for item in items)):
        line = io.StringIO()
        csv.writer(line, lineterminator="\r\n").writerow(map(_defused, cells))
        yield line.getvalue()


def _defused(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    text = visible(cell)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text
