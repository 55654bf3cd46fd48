"""Ledger entries and service calls as lines of a timeline."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from controls import LedgerEntry
from reports import Entry
from simulator import Books

LONGEST_TIMELINE = 60
"""Lines per arm; what is beyond is counted, not shown."""


def say_entry(entry: LedgerEntry) -> tuple[str, str]:
    """Who did what, or nothing for entries that are no news."""
    body = entry.body
    match entry.kind:
        case "opened":
            return "pipeline", f"opened the job with {body['rows']:,} rows"
        case "reserved":
            return "control", f"reserved ${float(body['usd']):.2f} for {body['rows']:,} rows"
        case "decided":
            return "control", f"{body['decision']}: {body['why']}"
        case "intended":
            return "pipeline", f"intends batch {body['batch']} with {body['requests']:,} requests"
        case "created":
            return "pipeline", f"batch {body['batch']} is {body['batch_id']}"
        case "collected":
            cost = float(body["cost_usd"])
            return (
                "pipeline",
                f"collected batch {body['batch']}: {body['seen']:,} of {body['sent']:,} rows, "
                f"${cost:.2f}",
            )
        case "graded":
            known = f", {body['correct']} of {body['known']} right" if body["known"] else ""
            return "control", f"graded the canary: {body['bad']} of {body['rows']} bad{known}"
        case "paged":
            return "control", f"paged {body['owner']}: {body['what']}"
        case "promoted":
            return "pipeline", f"promoted {body['rows']:,} rows"
        case "rolled back":
            return "pipeline", f"put {body['rows']:,} rows back"
        case _:
            return "pipeline", ""


def say_calls(books: Books, start: datetime) -> Iterator[Entry]:
    """What the service did: every call but the polls that found nothing new."""
    for call in books.calls:
        if call.endpoint.value in ("retrieve", "count_tokens") and not call.cut and not _bad(call):
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


def _bad(call: object) -> bool:
    return getattr(call, "status", 200) >= 400  # noqa: PLR2004 - the HTTP error statuses


def merged(told: list[Entry], books: Books, start: datetime) -> tuple[Entry, ...]:
    """One timeline, in order, bounded."""
    entries = sorted([*say_calls(books, start), *told], key=lambda entry: entry.at)
    if len(entries) <= LONGEST_TIMELINE:
        return tuple(entries)
    head, tail = entries[: LONGEST_TIMELINE // 2], entries[-LONGEST_TIMELINE // 2 :]
    left_out = len(entries) - len(head) - len(tail)
    return (*head, Entry(tail[0].at, "harness", f"{left_out:,} more entries"), *tail)
