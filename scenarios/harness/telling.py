"""Ledger entries and service calls as lines of a timeline, and the end of a journal as a clause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from controls import LedgerEntry
from reports import Entry, JournalState
from reports.journal import Beside
from reports.untrusted import shown
from simulator import Books

BAD_STATUS = 400
LONGEST_TIMELINE = 60
"""Lines per arm; what is beyond is counted, not shown."""


SAYINGS: Mapping[str, tuple[str, str]] = {
    "opened": ("pipeline", "opened the job with {rows:,} rows"),
    "cleared": ("control", "reserved ${usd:.2f} for {rows:,} rows"),
    "decided": ("control", "{decision}: {why}"),
    "intended": ("pipeline", "intends batch {batch} with {requests:,} requests"),
    "created": ("pipeline", "batch {batch} is {batch_id}"),
    "collected": (
        "pipeline",
        "collected batch {batch}: {seen:,} of {sent:,} rows, ${cost_usd:.2f}",
    ),
    "graded": (
        "control",
        "graded the first {rows:,}: {bad} of {rows} bad, {correct} of {known} right",
    ),
    "paged": ("control", "paged {owner}: {what}"),
    "promoted": ("pipeline", "promoted {rows:,} rows"),
    "rolled back": ("pipeline", "put {rows:,} rows back"),
}
"""Kind of ledger entry to who did it and what it says."""


def say_entry(entry: LedgerEntry) -> tuple[str, str]:
    """Who did what, or nothing for entries that are no news."""
    who, says = SAYINGS.get(entry.kind, ("pipeline", ""))
    if entry.kind == "cleared" and "usd" not in entry.body:
        says = ""
    amounts = {name: float(entry.body[name]) for name in ("usd", "cost_usd") if name in entry.body}
    return who, says.format(**{**entry.body, **amounts})


def say_calls(books: Books, start: datetime) -> Iterator[Entry]:
    """What the service did: every call but the polls that found nothing new."""
    for call in books.calls:
        quiet = call.endpoint.value in ("retrieve", "count_tokens")
        if quiet and not call.cut and call.status < BAD_STATUS:
            continue
        cut = f", but the reply is {call.cut}" if call.cut else ""
        struck = f" ({call.struck_by})" if call.struck_by else ""
        what = f"{call.method} {call.path}: {call.status}{cut}{struck}"
        yield Entry(call.at - start, "service", what)
    for batch in books.batches:
        if batch.ended_at is not None:
            counts = batch.counts
            what = (
                f"{batch.id} ended: {counts.succeeded:,} succeeded, {counts.errored:,} errored, "
                f"{counts.canceled:,} canceled, {counts.expired:,} expired"
            )
            yield Entry(batch.ended_at - start, "service", what)


def merged(told: list[Entry], books: Books, start: datetime) -> tuple[Entry, ...]:
    """One timeline, in order, bounded."""
    entries = sorted([*told, *say_calls(books, start)], key=lambda entry: entry.at)
    if len(entries) <= LONGEST_TIMELINE:
        return tuple(entries)
    head, tail = entries[: LONGEST_TIMELINE // 2], entries[-LONGEST_TIMELINE // 2 :]
    left_out = len(entries) - len(head) - len(tail)
    return (*head, Entry(tail[0].at, "harness", f"{left_out:,} more entries"), *tail)


def say_beside(found: Beside, report: Path) -> str:
    """Whether the report that lies beside a journal is the one that it names."""
    match found:
        case Beside.UNNAMED:
            return "the journal names no report"
        case Beside.MATCHES:
            return f"{report}: matches the journal, byte for byte"
        case Beside.CHANGED:
            return f"{report}: was changed since the run, or is of another one"
        case Beside.ABSENT:
            return f"{report}: not there, so it was not compared with the journal"


def say_end(state: JournalState) -> str:
    """How the run ended that wrote a journal, as far as its intact lines tell."""
    said = {name: shown(str(value), 40) for name, value in state.last_fields.items()}
    if state.finished:
        return f"the run finished: {said.get('verdict', 'no verdict')}"
    if state.torn_tail:
        return "the run broke off in the middle of a line: it was killed"
    if state.last_event == "interrupted":
        counts = f"{said.get('judged', '?')} of {said.get('planned', '?')} drills"
        return f"the run was interrupted by {said.get('signal', 'a signal')} after {counts}"
    return f"the run broke off after the event {shown(state.last_event, 40)!r}: it was killed"
