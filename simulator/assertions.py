"""What a test may claim about a run, judged from the books; failures that can be read.

Each takes the frozen books and raises `AssertionError`. `testing.BatchesApi` offers them as
methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final

from simulator.books import Books, RequestBook, dollars
from simulator.wire import Endpoint

SHOWN: Final = 5
"""So many offenders are named; the rest is a number."""
OK: Final = 200

RowOf = Callable[[RequestBook], str]


def custom_id(request: RequestBook) -> str:
    """The row of a request, unless the test knows better."""
    return request.custom_id


def sent(books: Books, requests: int) -> None:
    """So many requests were accepted, over all batches."""
    __tracebackhide__ = True
    found = len(books.requests)
    if found != requests:
        parts = listed(f"{batch.id}: {batch.requests}" for batch in books.batches)
        raise AssertionError(
            f"{found:,} requests were sent in {len(books.batches)} batches, not {requests:,}."
            f"{parts}"
        )


def no_row_sent_twice(books: Books, row_of: RowOf = custom_id) -> None:
    """No row is in two requests."""
    __tracebackhide__ = True
    twice = repeated(books.requests, row_of)
    if twice:
        raise AssertionError(
            f"{rows(len(twice))} sent more than once." + listed(map(places, twice))
        )


def no_row_paid_twice(books: Books, row_of: RowOf = custom_id) -> None:
    """No row was billed for in two requests."""
    __tracebackhide__ = True
    twice = repeated([one for one in books.requests if one.billed_picodollars], row_of)
    if twice:
        wasted = sum(one.billed_picodollars for group in twice for one in group[1:])
        raise AssertionError(
            f"{rows(len(twice))} paid more than once; {usd(dollars(wasted))} too much."
            + listed(map(places, twice))
        )


def every_fault_fired(books: Books) -> None:
    """Each planned fault struck at least once: else the test has shown nothing about it."""
    __tracebackhide__ = True
    silent = [firing for firing in books.firings.values() if not firing.count]
    if silent:
        raise AssertionError(
            f"{len(silent)} of {len(books.firings)} faults never fired, so this test shows "
            "nothing about them."
            + listed(f"{firing.fault}, planned for {firing.planned}" for firing in silent)
        )


def every_batch_ended(books: Books) -> None:
    """None was left running: it would go on and be billed."""
    __tracebackhide__ = True
    running = [batch for batch in books.batches if batch.ended_at is None]
    if running:
        raise AssertionError(
            f"{len(running)} of {len(books.batches)} batches are still running at {books.at}."
            + listed(f"{one.id} ({one.processing_status}, {one.requests})" for one in running)
        )


def every_result_read(books: Books) -> None:
    """The results of each batch were downloaded."""
    __tracebackhide__ = True
    read = {
        call.batch_id
        for call in books.calls
        if call.endpoint is Endpoint.RESULTS and call.status == OK and not call.cut
    }
    unread = [batch for batch in books.batches if batch.id not in read]
    if unread:
        raise AssertionError(
            f"The results of {len(unread)} of {len(books.batches)} batches were never read whole."
            + listed(f"{one.id} ({one.processing_status}, {one.requests})" for one in unread)
        )


def billed_at_most(books: Books, limit_usd: Decimal | float | str) -> None:
    """The run cost no more than this."""
    __tracebackhide__ = True
    limit = Decimal(str(limit_usd))
    if books.billed_usd > limit:
        parts = listed(f"{one.id}: {usd(one.billed_usd)}" for one in books.batches)
        raise AssertionError(
            f"{usd(books.billed_usd)} were billed, not {usd(limit)} at most.{parts}"
        )


def no_unmatched_call(unmatched: Sequence[str]) -> None:
    """Every call was for a route that exists."""
    __tracebackhide__ = True
    if unmatched:
        raise AssertionError(f"{len(unmatched)} calls met no route." + listed(unmatched))


def repeated(requests: Iterable[RequestBook], row_of: RowOf) -> list[list[RequestBook]]:
    """The requests of each row that has more than one."""
    groups: dict[str, list[RequestBook]] = {}
    for request in requests:
        groups.setdefault(row_of(request), []).append(request)
    return [group for group in groups.values() if len(group) > 1]


def places(group: Sequence[RequestBook]) -> str:
    """One row, and where it went."""
    where = ", ".join(f"{one.batch_id} ({one.outcome})" for one in group)
    return f"{group[0].custom_id}: {where}"


def listed(lines: Iterable[str]) -> str:
    """The first lines, and how many more there are."""
    every = list(lines)
    shown = [f"\n  {line}" for line in every[:SHOWN]]
    more = [f"\n  and {len(every) - SHOWN:,} more"] if len(every) > SHOWN else []
    return "".join(shown + more)


def rows(count: int) -> str:
    """1 row was, 2 rows were."""
    return "1 row was" if count == 1 else f"{count:,} rows were"


def usd(amount: Decimal) -> str:
    """12.5 -> 12.5 USD, without an exponent."""
    return f"{amount.normalize():f} USD"


def summary(books: Books, calls: int) -> str:
    """The last calls, the batches and the faults, one line each."""
    seen = books.calls[-calls:] if calls else ()
    lines = [f"{len(books.calls)} calls, {usd(books.billed_usd)}, now {books.at}"]
    if len(seen) < len(books.calls):
        lines.append(f"the last {len(seen)}:")
    for call in seen:
        struck = "".join(f" [{word}]" for word in (call.cut, call.struck_by) if word)
        retry = f" retry {call.retry_count}" if call.retry_count else ""
        lines.append(f"{call.at:%H:%M:%S} {call.status} {call.method} {call.path}{retry}{struck}")
    for batch in books.batches:
        counts = batch.counts
        lines.append(
            f"{batch.id} {batch.processing_status}: {batch.requests} requests, "
            f"{counts.succeeded} succeeded, {counts.errored} errored, {counts.expired} expired, "
            f"{counts.canceled} canceled, {usd(batch.billed_usd)}"
        )
    lines += [f"{firing.fault}: fired {firing.count} times" for firing in books.firings.values()]
    return "\n".join(lines)
