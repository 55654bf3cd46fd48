"""The scorecard of people: what was injected, and who noticed, stopped and reversed it, when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from reports import Moment
from scenarios.harness.console.wall import Instant
from simulator.books import Call, Firing
from simulator.wire import Endpoint

ACCEPTED: Final = 200


@dataclass(slots=True)
class Said:
    """One word: that a moment has come. Words are withdrawn, never changed."""

    number: int
    moment: Moment
    by: str
    at: Instant
    from_books: bool
    note: str = ""
    withdrawn_by: str = ""


@dataclass(slots=True)
class Incident:
    """One injection: what was switched on in one act, and what people made of it."""

    number: int
    title: str
    by: str
    at: Instant
    stories: Mapping[str, str]
    """The keys under which the service counts its faults, to what each does in one sentence."""
    firings: Mapping[str, Firing] = field(default_factory=dict)
    """As of the last look; as of the end once it has ended."""
    struck_at: Instant | None = None
    """When it was first seen to have struck."""
    read_at: Instant | None = None
    """When a client has first read results after that. It may have read them for any reason."""
    read_by: str = ""
    ended_at: Instant | None = None
    """When its faults were taken out."""
    ended_by: str = ""
    said: list[Said] = field(default_factory=list)

    @property
    def strikes(self) -> int:
        """How often its faults have struck."""
        return sum(firing.count for firing in self.firings.values())

    def word(self, moment: Moment) -> Said | None:
        """What counts for this moment: the first word of a person, else the first of the books."""
        standing = [one for one in self.said if one.moment is moment and not one.withdrawn_by]
        return min(standing, key=lambda one: (one.from_books, one.number), default=None)

    def words(self) -> list[Said]:
        """One word per moment. Who has stopped something has noticed it, at the latest then."""
        found = {moment: self.word(moment) for moment in Moment}
        stopped = found[Moment.STOPPED]
        if found[Moment.NOTICED] is None and stopped is not None:
            found[Moment.NOTICED] = Said(
                stopped.number,
                Moment.NOTICED,
                stopped.by,
                stopped.at,
                stopped.from_books,
                "no later than it was stopped",
            )
        return [one for one in found.values() if one is not None]

    def concerns(self, batch_id: str) -> bool:
        """Whether one of its faults is known to have struck this batch."""
        return any(batch_id in place for firing in self.firings.values() for place in firing.places)


class Scorecard:
    """All incidents of a game day."""

    def __init__(self) -> None:
        self.incidents: list[Incident] = []
        self._words = 0

    def open(self, title: str, by: str, at: Instant, stories: Mapping[str, str]) -> Incident:
        """One incident more."""
        incident = Incident(len(self.incidents) + 1, title, by, at, dict(stories))
        self.incidents.append(incident)
        return incident

    def find(self, number: int) -> Incident | None:
        """The incident of this number."""
        return self.incidents[number - 1] if 1 <= number <= len(self.incidents) else None

    def live(self) -> list[Incident]:
        """Those whose faults may still strike."""
        return [one for one in self.incidents if one.ended_at is None]

    def say(
        self,
        incident: Incident,
        moment: Moment,
        by: str,
        at: Instant,
        note: str = "",
        *,
        from_books: bool = False,
    ) -> Said:
        """One word more."""
        self._words += 1
        said = Said(self._words, moment, by, at, from_books, note)
        incident.said.append(said)
        return said

    def withdraw(self, number: int, by: str) -> tuple[Incident, Said] | None:
        """A word that counts no more; None if there is no such word that counts."""
        for incident in self.incidents:
            for said in incident.said:
                if said.number == number and not said.withdrawn_by:
                    said.withdrawn_by = by
                    return incident, said
        return None

    def update(self, firings: Mapping[str, Firing], at: Instant) -> list[tuple[Incident, Firing]]:
        """The new counts of the service; what has struck since the last time, newly counted."""
        news: list[tuple[Incident, Firing]] = []
        for incident in self.live():
            before = incident.firings
            incident.firings = {key: firings[key] for key in incident.stories if key in firings}
            for key, firing in incident.firings.items():
                if firing.count > (before[key].count if key in before else 0):
                    incident.struck_at = incident.struck_at or at
                    news.append((incident, firing))
        return news

    def heard(self, call: Call, who: str, at: Instant) -> list[tuple[Incident, Said]]:
        """What the books say by this call: a cancel stops the incident that it can belong to.

        Where several have struck and wait to be stopped, it belongs to those that are known to
        have struck this batch, and else to none. A call that was struck itself proves nothing.
        """
        if call.status != ACCEPTED or call.struck_by or call.cut:
            return []
        struck = [one for one in self.incidents if one.struck_at is not None]
        if call.endpoint is Endpoint.RESULTS:
            for one in struck:
                if one.read_at is None:
                    one.read_at, one.read_by = at, who
        if call.endpoint is not Endpoint.CANCEL:
            return []
        waiting = [one for one in struck if one.word(Moment.STOPPED) is None]
        if len(waiting) > 1:
            waiting = [one for one in waiting if one.concerns(call.batch_id)]
        note = f"cancel of {call.batch_id}"
        return [
            (one, self.say(one, Moment.STOPPED, who, at, note, from_books=True)) for one in waiting
        ]
