"""The game day: what a facilitator and observers can do, each act told with a name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Final

from reports import GameDayReport, Journal, Moment
from scenarios.harness.console.chronicle import Chronicle, Event
from scenarios.harness.console.clients import Clients
from scenarios.harness.console.feed import Feed
from scenarios.harness.console.incidents import Incident, Scorecard
from scenarios.harness.console.offers import Offers, from_now_on, story
from scenarios.harness.console.refusal import BUSY, MISSING, TOO_LATE, Refused
from scenarios.harness.console.reporting import Closing, report_of
from scenarios.harness.console.wall import Instant, Wall
from scenarios.harness.console.watch import Watch
from scenarios.harness.errors import UsageError
from scenarios.harness.output import write_reports
from simulator.api import Api
from simulator.clock import RealClock
from simulator.errors import SimulatorError

NAME_KEPT, NOTE_KEPT = 60, 500
"""Characters of a name and of a note."""
LONGEST_JUMP: Final = timedelta(days=30)
MOST_INCIDENTS: Final = 200
MOST_WORDS: Final = 100
"""On one incident."""
STOPPED: Final = "whoever stopped the server"


class Role(Enum):
    """What a token opens."""

    FACILITATOR = "facilitator"
    OBSERVER = "observer"


class GameDay:
    """One live game day over one simulated service."""

    def __init__(
        self,
        api: Api,
        *,
        wall: Wall,
        journal: Journal,
        folder: Path,
        offers: Offers,
        epoch: str,
        salt: bytes,
        command: str,
    ) -> None:
        self._api = api
        self._journal = journal
        self._folder = folder
        self._command = command
        self.offers = offers
        self.feed = Feed(epoch)
        self.scorecard = Scorecard()
        self._chronicle = Chronicle(self.feed, journal)
        self.watch = Watch(api, wall, self.feed, self._chronicle, self.scorecard, Clients(salt))
        self.opened = self.watch.now()
        self._closing: Closing | None = None
        self._show_day()
        self.watch.look()

    @property
    def report(self) -> GameDayReport | None:
        """Once the game day is closed."""
        return None if self._closing is None else self._closing.report

    # The facilitator's.

    def inject(self, who: str, asked: object) -> Mapping[str, Any]:
        """Switch faults on."""
        self._check_open()
        if len(self.scorecard.incidents) >= MOST_INCIDENTS:
            raise Refused(f"There are {MOST_INCIDENTS} incidents.", status=TOO_LATE)
        offer = self.offers.find(asked)
        elapsed = self._api.clock.now() - self._api.started_at
        batches = len(self._api.overview().batches)
        faults = [from_now_on(fault, elapsed, batches) for fault in offer.faults]
        try:
            keys = self._api.plan.add(*faults)
        except SimulatorError as clash:
            raise Refused(str(clash)) from None
        self.watch.own(keys)
        stories = dict(zip(keys, map(story, faults), strict=True))
        at = self.watch.now()
        incident = self.scorecard.open(offer.title, who, at, stories)
        what = f"injected incident {incident.number}, {offer.title}: {', '.join(keys)}"
        self._tell(at, "fault", who, what, incident=incident.number)
        return {"incident": incident.number}

    def take_out(self, who: str, number: object) -> Mapping[str, Any]:
        """Switch the faults of an incident off; what they have done is done."""
        self._check_open()
        incident = self._incident(number)
        if incident.ended_at is not None:
            raise Refused(f"Incident {incident.number} was taken out already.", status=TOO_LATE)
        self._end(incident, self.watch.now(), who)
        self._tell(self.watch.now(), "fault", who, f"took out incident {incident.number}")
        return {}

    def advance(self, who: str, seconds: object) -> Mapping[str, Any]:
        """Move the service's clock forward."""
        self._check_open()
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise Refused("Write a number of seconds.", {"seconds": "Write a number."})
        longest = LONGEST_JUMP.total_seconds()
        if not 0 < seconds <= longest:
            fix = f"Use more than 0 and at most {longest:,.0f}."
            raise Refused(f"The clock cannot jump by {seconds:g} seconds. {fix}", {"seconds": fix})
        return self._jump(who, timedelta(seconds=seconds), "")

    def advance_to_next_end(self, who: str) -> Mapping[str, Any]:
        """Move the clock to the moment in which the next batch ends."""
        self._check_open()
        end = self._api.next_end()
        if end is None:
            raise Refused("No batch is being worked: there is nothing to wait for.")
        return self._jump(who, end - self._api.clock.now(), ", to the end of the next batch")

    def set_speed(self, who: str, speed: object) -> Mapping[str, Any]:
        """Let time run faster or slower."""
        self._check_open()
        clock = self._api.clock
        if not isinstance(clock, RealClock):
            raise Refused("Only a clock of `--clock real` has a speed.")
        if isinstance(speed, bool) or not isinstance(speed, int | float):
            raise Refused("Write a number.", {"speed": "Write a number."})
        try:
            clock.speed = speed
        except SimulatorError as wrong:
            raise Refused(str(wrong), {"speed": wrong.fix}) from None
        self._tell(self.watch.now(), "clock", who, f"time runs at {speed:g} times its speed")
        return {}

    def reset(self, who: str) -> Mapping[str, Any]:
        """Forget every batch and call; the scorecard stays."""
        self._check_open()
        self.watch.look()
        self._api.reset()
        self.watch.begin_again(self.watch.now(), who)
        self.watch.look()
        return {}

    def withdraw(self, who: str, number: object) -> Mapping[str, Any]:
        """A word counts no more; it stays on record, with who withdrew it."""
        self._check_open()
        found = self.scorecard.withdraw(number, who) if isinstance(number, int) else None
        if found is None:
            raise Refused("There is no such word that still counts.", status=MISSING)
        incident, said = found
        what = f"withdrew {said.moment.value!r} of incident {incident.number}, said by {said.by}"
        self._tell(self.watch.now(), "people", who, what, incident=incident.number)
        return {}

    def close(self, who: str) -> Mapping[str, Any]:
        """Take out what was injected, and write the report. There is no way back."""
        self._check_open()
        self.watch.look()
        at = self.watch.now()
        for incident in self.scorecard.live():
            self._end(incident, at, who)
        self._tell(at, "day", who, "closed the game day")
        report = report_of(
            self,
            self._api.overview(),
            at,
            seed=self._api.seed,
            command=self._command,
            journal=self._journal.last_hash,
        )
        try:
            page = write_reports(report, self._folder)
        except UsageError as wrong:
            raise Refused(str(wrong), status=BUSY) from None
        self._journal.finish(
            verdict=report.verdict.name, incidents=len(report.drills), closed_by=who
        )
        self._closing = Closing(report, page)
        self._show_day()
        return {"verdict": report.verdict.name, "page": str(page)}

    def stop(self) -> Path | None:
        """The server ends. A game day in which something was injected or said is closed, and its
        report lies here; of an empty one only the journal is left."""
        if self._closing is None and self.scorecard.incidents:
            self.close(STOPPED)
        return None if self._closing is None else self._closing.page

    # Everybody's.

    def say(
        self, who: str, role: Role, number: object, moment: object, note: object
    ) -> Mapping[str, Any]:
        """A person says that a moment has come, now."""
        self._check_open()
        incident = self._incident(number)
        if moment not in {one.value for one in Moment}:
            raise Refused(f"A moment is one of {', '.join(Moment)}.")
        if len(incident.said) >= MOST_WORDS:
            raise Refused(f"There are {MOST_WORDS} words on this incident.", status=TOO_LATE)
        said = self.scorecard.say(incident, Moment(moment), who, self.watch.now(), a_note(note))
        self.watch.tell_word(incident, said, f"says the {role.value}")
        self.watch.show_people()
        return {"word": said.number}

    def note(self, who: str, role: Role, text: object) -> Mapping[str, Any]:
        """A person writes something down."""
        self._check_open()
        if not (note := a_note(text)):
            raise Refused("Write something.", {"note": "Write something."})
        self._tell(self.watch.now(), "people", f"{who} ({role.value})", note)
        return {}

    def _jump(self, who: str, by: timedelta, where: str) -> Mapping[str, Any]:
        self._api.clock.sleep(by)
        self._tell(self.watch.now(), "clock", who, f"moved the clock on by {by}{where}")
        return {}

    def _end(self, incident: Incident, at: Instant, who: str) -> None:
        self.watch.look()
        armed = self._api.plan.armed
        if staying := [key for key in incident.stories if key in armed]:
            self._api.plan.remove(*staying)
        incident.ended_at, incident.ended_by = at, who

    def _incident(self, number: object) -> Incident:
        found = self.scorecard.find(number) if isinstance(number, int) else None
        if found is None:
            raise Refused("There is no incident of this number.", status=MISSING)
        return found

    def _check_open(self) -> None:
        if self._closing is not None:
            raise Refused("The game day is closed; its report is written.", status=TOO_LATE)

    def _tell(
        self, at: Instant, kind: str, who: str, what: str, incident: int | None = None
    ) -> None:
        self._chronicle.tell(Event(at, kind, who, what), mark="word", incident=incident)
        self.watch.show_people()

    def events_since(self, instant: Instant) -> tuple[list[Event], int]:
        """What happened from then on, and how much of it is left to the journal."""
        return self._chronicle.since(instant)

    def _show_day(self) -> None:
        closing = self._closing
        self.feed.show(
            "day",
            {
                "opened": {"virtual": self.opened.virtual, "wall": self.opened.wall},
                "closed": closing is not None,
                "verdict": "" if closing is None else closing.report.verdict.name,
                "page": "" if closing is None else str(closing.page),
            },
        )


def a_name(given: object) -> str:
    """The name of a person, who stands for what is done."""
    name = " ".join(given.split()) if isinstance(given, str) else ""
    if not 0 < len(name) <= NAME_KEPT:
        fix = f"Write your name, {NAME_KEPT} characters at most."
        raise Refused(fix, {"by": fix})
    return name


def a_note(given: object) -> str:
    """What somebody wrote, or nothing."""
    text = given.strip() if isinstance(given, str) else ""
    if len(text) > NOTE_KEPT:
        raise Refused(
            f"A note has {NOTE_KEPT:,} characters at most.", {"note": f"Up to {NOTE_KEPT:,}."}
        )
    return text
