"""From a scorecard to the report model: one drill for each incident."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reports import (
    DrillReport,
    Entry,
    Fact,
    GameDayReport,
    Injection,
    People,
    Word,
)
from reports.people import NO_ARMS, judge_people
from scenarios.harness.console.chronicle import Event
from scenarios.harness.console.incidents import Incident
from scenarios.harness.console.wall import Instant
from simulator.accounts import Overview
from simulator.clock import ZERO

if TYPE_CHECKING:
    from scenarios.harness.console.day import GameDay

CLAIM: Final = "People notice what goes wrong, stop it and reverse it."
STORY: Final = f"""An incident of a live game day: {NO_ARMS}.
So a PASS says that the fault struck, and that people, or the service's books, say that it was
noticed, stopped and reversed. It does not say that the fault would have done harm, nor that a
control held: that is what the drills of `gameday run` are for.

`by the books` is read from the calls of clients: a batch was canceled after the fault had struck.
Nobody outside the service can see from its books whether something was reversed."""


@dataclass(frozen=True, slots=True)
class Closing:
    """What is left of a game day when it is over."""

    report: GameDayReport
    page: Path


def report_of(
    day: GameDay, overview: Overview, at: Instant, *, seed: int, command: str, journal: str
) -> GameDayReport:
    """The report of a game day that ends now."""
    drills = [_drill(one, day, at, command) for one in day.scorecard.incidents]
    opened = day.opened
    return GameDayReport(
        seed=seed,
        started_at=opened.virtual,
        command=command,
        job="live game day with people",
        rows_source="what clients sent in batches",
        rows=overview.requests,
        drills=tuple(drills),
        not_applicable=(),
        appendix=(
            Fact("batch-gameday", version("batch-gameday")),
            Fact("Python", sys.version.split()[0]),
            Fact("arms", f"none: {NO_ARMS}, so green says less than in a drill"),
            Fact("opened, on the wall", opened.wall.isoformat(timespec="seconds")),
            Fact("closed, on the wall", at.wall.isoformat(timespec="seconds")),
            Fact("lasted, by the service's clock", str(at.virtual - opened.virtual)),
            Fact("calls", f"{overview.calls:,}"),
            Fact("batches", f"{len(overview.batches):,}"),
            Fact("billed", f"${overview.billed_usd}"),
            Fact("journal, hash of its last line before this report", journal),
        ),
    )


def _drill(incident: Incident, day: GameDay, at: Instant, command: str) -> DrillReport:
    people = People(
        injected_by=incident.by,
        injected_after=incident.at.virtual - day.opened.virtual,
        lasted=at.virtual - incident.at.virtual,
        waited=at.wall - incident.at.wall,
        injections=tuple(_injection(incident, key) for key in incident.stories),
        words=_words(incident),
        timeline=_timeline(*day.events_since(incident.at), incident.at, at),
    )
    verdict, because = judge_people(people)
    return DrillReport(
        name=f"live incident {incident.number}: {incident.title}",
        claim=CLAIM,
        story=STORY,
        failure_mode="people do not notice, stop or reverse it",
        controls=(),
        verdict=verdict,
        because=because,
        arms=(),
        runbook=(),
        replay=command,
        people=people,
    )


def _injection(incident: Incident, key: str) -> Injection:
    firing = incident.firings.get(key)
    return Injection(
        name=key,
        story=incident.stories[key],
        planned="" if firing is None else firing.planned,
        fired=0 if firing is None else firing.count,
        where=() if firing is None else firing.places,
    )


def _words(incident: Incident) -> tuple[Word, ...]:
    return tuple(
        Word(
            said.moment,
            max(said.at.virtual - incident.at.virtual, ZERO),
            max(said.at.wall - incident.at.wall, ZERO),
            said.by,
            said.from_books,
            said.note,
        )
        for said in incident.words()
    )


def _timeline(
    events: Sequence[Event], left_out: int, since: Instant, at: Instant
) -> tuple[Entry, ...]:
    entries = [_entry(event, since) for event in events]
    if left_out:
        what = f"{left_out:,} events more, most of them calls: journal.jsonl has them"
        entries.append(Entry(at.virtual - since.virtual, "report", what))
    return tuple(entries)


def _entry(event: Event, since: Instant) -> Entry:
    return Entry(
        max(event.at.virtual - since.virtual, ZERO), f"{event.kind}: {event.who}", event.what
    )
