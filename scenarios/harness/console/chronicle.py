"""What happened, told once and heard by three: the pages, the journal and the report."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from reports import Journal
from reports.untrusted import shown
from scenarios.harness.console.feed import Feed
from scenarios.harness.console.wall import Instant

ACTS_KEPT, CALLS_KEPT = 5_000, 1_000
"""Events that the report can tell of; the journal has all of them. Calls are kept apart, so that a
storm of them drives out nothing that people did."""
ACTS_TOLD, CALLS_TOLD = 500, 100
"""Of one incident, in the report."""
CALL: Final = "call"
WHO_SHOWN, WHAT_SHOWN = 120, 600
"""Characters of an item on a page."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. The texts are untrusted."""

    at: Instant
    kind: str
    """`call`, `batch`, `fault`, `clock`, `people`, `admin` or `day`."""
    who: str
    what: str


class Chronicle:
    """Takes down what happens."""

    def __init__(self, feed: Feed, journal: Journal) -> None:
        self._feed = feed
        self._journal = journal
        self._acts: deque[Event] = deque(maxlen=ACTS_KEPT)
        self._calls: deque[Event] = deque(maxlen=CALLS_KEPT)

    def tell(
        self, event: Event, *, lasting: bool = True, mark: str = "", **fields: str | float | None
    ) -> None:
        """Everybody hears of it; of what is not `lasting` the pages only. `mark` says how bad."""
        self._feed.add(
            {
                "at": event.at.virtual.isoformat(timespec="milliseconds"),
                "wall": event.at.wall.isoformat(timespec="milliseconds"),
                "kind": event.kind,
                "who": shown(event.who, WHO_SHOWN),
                "what": shown(event.what, WHAT_SHOWN),
                "mark": mark,
            }
        )
        if lasting:
            (self._calls if event.kind == CALL else self._acts).append(event)
            self._journal.write(
                event.kind,
                at=event.at.virtual,
                wall=event.at.wall,
                who=event.who,
                what=event.what,
                **fields,
            )

    def since(self, instant: Instant) -> tuple[list[Event], int]:
        """What happened from then on, calls and all else bounded; and how many are left out."""
        acts, calls = (
            [event for event in kept if event.at.wall >= instant.wall]
            for kept in (self._acts, self._calls)
        )
        told = [*acts[:ACTS_TOLD], *calls[:CALLS_TOLD]]
        told.sort(key=lambda event: event.at.wall)
        return told, len(acts) + len(calls) - len(told)
