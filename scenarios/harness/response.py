"""What was done about the harm of an arm, and when: from the service's books and what was seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from controls import LedgerEntry
from reports import Entry, Phase, Response, RunbookStep
from scenarios.harness.record import Record
from simulator.wire import Endpoint

HOLDS_BACK = frozenset(
    {
        "Adopt",
        "AskApproval",
        "Halt",
        "LookAgain",
        "Redownload",
        "Resubmit",
        "SendAgain",
        "Wait",
        "Withhold",
    }
)
"""Decisions of controls that keep harm back or repair it. `Split` is what every good day begins
with."""
BAD_STATUS = 400
AT_THE_START = "what the job was given was changed before it began"


@dataclass(frozen=True, slots=True)
class Diary:
    """What was done in one arm, as it was done. Times are those of the world, whatever clock the
    pipeline believes in."""

    held_back: list[Entry] = field(default_factory=list)
    stored: list[Entry] = field(default_factory=list)
    """Each promotion and each rollback."""

    def note(self, entry: LedgerEntry, told: Entry) -> None:
        """Keep a line of the timeline that tells of an act against harm, or of a promotion."""
        if entry.kind == "decided" and entry.body["decision"] in HOLDS_BACK:
            self.held_back.append(told)
        elif entry.kind in {"promoted", "rolled back"}:
            self.stored.append(told)


def response_of(
    record: Record, start: datetime, diary: Diary, *, held: bool, spoiled_at_start: bool
) -> Response:
    """How the harm of an arm went. `diary` is empty for a pipeline seen from outside only."""
    struck = _struck(record, start, spoiled_at_start=spoiled_at_start)
    since = struck.at if struck else timedelta()
    acts = sorted(
        (act for act in _acts(record, start, diary) if act.at >= since), key=lambda act: act.at
    )
    alarms = (Entry(each.at - start, "alarm", each.what) for each in record.alarms)
    signs = (sign for sign in alarms if sign.at >= since)
    detected = min([*signs, *(acts if struck else ())], key=lambda sign: sign.at, default=None)
    if struck is None:
        return Response(detected=detected)
    got_past = record.status == "done" and not held
    return Response(
        struck=struck,
        detected=detected,
        mitigated=None if got_past or not acts else acts[-1],
        recovered=_recovered(record, diary, held=held),
    )


def after_runbook(response: Response, ended: timedelta, steps: Sequence[RunbookStep]) -> Response:
    """The same, where the runbook's rollback has made good what the arm itself had not."""
    reverse = next((step for step in steps if step.phase is Phase.REVERSE), None)
    if response.struck is None or response.recovered or reverse is None or not reverse.worked:
        return response
    return replace(response, recovered=Entry(ended, "operator", reverse.result))


def _struck(record: Record, start: datetime, *, spoiled_at_start: bool) -> Entry | None:
    met = list(_strikes(record, start))
    if spoiled_at_start:
        met.append(Entry(timedelta(), "sabotage", AT_THE_START))
    return min(met, key=lambda strike: strike.at, default=None)


def _strikes(record: Record, start: datetime) -> Iterator[Entry]:
    """The first strike of each fault. One that the calls do not show is as old as the batch or the
    call that it names first."""
    books = record.books
    calls = {call.struck_by: call for call in reversed(books.calls) if call.struck_by}
    for name, call in calls.items():
        yield Entry(call.at - start, "fault", f"{name}: {call.method} {call.path}")
    batches = {batch.id: batch for batch in books.batches}
    for firing in books.firings.values():
        name, place = firing.fault.partition("(")[0], next(iter(firing.places), "")
        if not firing.count or name in calls:
            continue
        batch = batches.get(place.partition(" ")[0])
        if batch is not None:
            yield Entry(batch.created_at - start, "fault", f"{name}: {place}")
            continue
        owner = next((book.batch_id for book in books.requests if book.custom_id == place), "")
        if owner in batches:
            ended = batches[owner].ended_at or batches[owner].created_at
            yield Entry(ended - start, "fault", f"{name}: {place}")
            continue
        called = next((c for c in books.calls if f"{c.method} {c.path}" == place), None)
        at = called.at - start if called else timedelta()
        yield Entry(at, "fault", f"{name}: {place}" if called else name)


def _acts(record: Record, start: datetime, diary: Diary) -> Iterator[Entry]:
    """Everything that was done against harm, in no order."""
    yield from diary.held_back
    for act in record.acts:
        if act.kind == "stopped":
            yield Entry(act.at - start, "operator", act.what)
    for call in record.books.calls:
        if call.endpoint is Endpoint.CANCEL and call.status < BAD_STATUS:
            yield Entry(call.at - start, "pipeline", f"canceled {call.batch_id}")
    rolled_back = [entry for entry in diary.stored if _undoes(entry)]
    yield from rolled_back
    if record.quarantined:
        first, *_ = sorted(record.quarantined.items())
        what = f"{len(record.quarantined):,} rows in quarantine, first {first[0]}: {first[1]}"
        yield Entry(record.lasted, "pipeline", what)
    if record.status == "halted" and not diary.held_back:
        yield Entry(record.lasted, "pipeline", f"stopped by itself: {record.why}")


def _recovered(record: Record, diary: Diary, *, held: bool) -> Entry | None:
    """When the rows were whole again, without the runbook."""
    last = diary.stored[-1] if diary.stored else Entry(record.lasted, "pipeline", record.status)
    if record.after == record.before and _undoes(last):
        return last
    return last if held and record.status == "done" else None


def _undoes(entry: Entry) -> bool:
    return " rows back" in entry.what
