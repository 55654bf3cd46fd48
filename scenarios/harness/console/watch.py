"""Looking on: what clients call, and what changes at the service, as it happens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from reports import Moment
from reports.untrusted import shown
from scenarios.harness.console.chronicle import Chronicle, Event
from scenarios.harness.console.clients import Clients
from scenarios.harness.console.feed import Feed
from scenarios.harness.console.incidents import Incident, Said, Scorecard
from scenarios.harness.console.offers import story
from scenarios.harness.console.wall import Instant, Wall
from simulator.accounts import Overview
from simulator.api import Api
from simulator.books import BatchBook, Call
from simulator.clock import PollClock, RealClock
from simulator.wire import Endpoint, Request

BATCHES_SHOWN: Final = 200
"""The newest; there may be thousands."""
PLACES_SHOWN: Final = 5
PLACE_SHOWN: Final = 120
"""Characters of one place: a `custom_id` may say anything."""
PATH_KEPT: Final = 200
TICK_SECONDS: Final = 0.5
"""So often somebody looks even if nobody calls: time may pass by itself."""
REST: Final = 10
"""After a look so many times as long as it took, so that looking stays a small part of the work."""
SHORTEST_REST_SECONDS: Final = 0.1
QUICK_SECONDS: Final = 0.005
READS: Final = frozenset(
    {Endpoint.RETRIEVE, Endpoint.LIST, Endpoint.MODELS, Endpoint.MODEL, Endpoint.COUNT_TOKENS}
)
"""Calls that change nothing: shown to the pages, and kept only if something was odd."""
ENDINGS: Final = {
    "in_progress": "is in progress",
    "canceling": "is being canceled",
    "ended": "has ended",
    "deleted": "was deleted",
}
FINE: Final = 400
"""Statuses below this one are no errors."""
COMMAND_LINE, ADMIN = "the command line", "an admin call"


class Watch:
    """Hears the calls and looks at the books."""

    def __init__(
        self,
        api: Api,
        wall: Wall,
        feed: Feed,
        chronicle: Chronicle,
        scorecard: Scorecard,
        clients: Clients,
    ) -> None:
        self._api = api
        self._wall = wall
        self._feed = feed
        self._chronicle = chronicle
        self._scorecard = scorecard
        self._clients = clients
        self._history = api.history
        self._statuses: dict[str, str] = {}
        self._known: set[str] = set()
        self._adopter = COMMAND_LINE
        self._dirty = asyncio.Event()
        self._took_seconds = 0.0
        self._news = False
        api.watcher = self.heard

    def now(self) -> Instant:
        """The present, by both clocks."""
        return Instant(self._api.clock.now(), self._wall.now())

    def own(self, keys: Iterable[str]) -> None:
        """These faults belong to an incident that somebody at the console has opened."""
        self._known |= set(keys)

    async def run(self) -> None:
        """Look again and again, soon after each call and now and then without one."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):  # `wait_for` may swallow a cancellation
                    await self._dirty.wait()
            self._dirty.clear()
            await self.settle()
            self.look()
            await asyncio.sleep(max(REST * self._took_seconds, SHORTEST_REST_SECONDS))

    async def settle(self) -> None:
        """Let the service do what is due, in steps between which it answers others."""
        for _ in self._api.settle():
            await asyncio.sleep(0)

    async def look_soon(self) -> None:
        """Look now if that is quick, as it is unless there are thousands of batches; else soon."""
        if self._took_seconds > QUICK_SECONDS:
            self._dirty.set()
            return
        await self.settle()
        self.look()

    def heard_admin(self, call: str) -> None:
        """Somebody changed something past the console."""
        self._chronicle.tell(Event(self.now(), "admin", ADMIN, call[:PATH_KEPT]), mark="word")

    def heard(self, request: Request, call: Call) -> None:
        """One call was answered."""
        at = Instant(call.at, self._wall.now())
        who = self._clients.name(request.headers)
        path = call.path[:PATH_KEPT]
        parts = [f"{call.method[:PATH_KEPT]} {path} → {call.cut or call.status}"]
        parts += [f"retry {call.retry_count}"] if call.retry_count else []
        parts += [f"struck by {call.struck_by}"] if call.struck_by else []
        parts += [call.no_route[:PATH_KEPT]] if call.no_route else []
        bad = call.status >= FINE or bool(call.cut)
        self._chronicle.tell(
            Event(at, "call", who, "; ".join(parts)),
            lasting=bad or bool(call.struck_by) or call.endpoint not in READS,
            mark="struck" if call.struck_by else "bad" if bad else "",
            status=call.status,
            request_id=call.request_id,
        )
        for incident, said in self._scorecard.heard(call, who, at):
            self.tell_word(incident, said, "by the books")
        self._dirty.set()
        self._news = self._news or bool(call.struck_by) or call.endpoint not in READS

    async def look_after_a_call(self) -> None:
        """Look at once if it may have changed something, so that what follows finds it told."""
        if self._news:
            await self.look_soon()

    def tell_word(self, incident: Incident, said: Said, how: str) -> None:
        """A moment has come."""
        what = f"{said.moment.value}: incident {incident.number}, {incident.title} ({how})"
        self._chronicle.tell(
            Event(said.at, "people", said.by, f"{what}: {said.note}" if said.note else what),
            mark="word",
            incident=incident.number,
            moment=said.moment,
            word=said.number,
        )

    def look(self) -> None:
        """Compare what is with what was, and tell what is new."""
        began = self._wall.now()
        self._news = False
        overview = self._api.overview()
        at = Instant(overview.now, self._wall.now())
        if self._api.history is not self._history:
            self.begin_again(at, ADMIN)
        for batch in overview.batches:
            self._look_at_batch(batch, at)
        self._adopt(at)
        for incident, firing in self._scorecard.update(self._api.plan.firings(), at):
            where = ", ".join(firing.places[:PLACES_SHOWN])
            what = f"incident {incident.number}: {firing.fault} has struck {firing.count} times"
            what = what.replace(" 1 times", " once")
            self._chronicle.tell(
                Event(at, "fault", "service", f"{what}, first at {where}" if where else what),
                mark="struck",
                incident=incident.number,
                count=firing.count,
            )
        self._show(overview)
        self._took_seconds = (self._wall.now() - began).total_seconds()

    def begin_again(self, at: Instant, by: str) -> None:
        """The service was reset: what was armed is gone, what was given at the start is back."""
        self._history = self._api.history
        self._statuses, self._known = {}, set()
        for incident in self._scorecard.live():
            incident.ended_at, incident.ended_by = at, f"{by}, by a reset"
        self._adopter = f"{COMMAND_LINE}, after a reset"
        what = "reset the service: no batch and no call is remembered"
        self._chronicle.tell(Event(at, "day", by, what), mark="word")

    def _look_at_batch(self, batch: BatchBook, at: Instant) -> None:
        before = self._statuses.get(batch.id)
        if before == batch.processing_status:
            return
        self._statuses[batch.id] = batch.processing_status
        when = at
        if before is None:
            when = Instant(batch.created_at, at.wall)
            what = f"{batch.id} with {batch.requests:,} requests was accepted"
            self._chronicle.tell(Event(when, "batch", "service", what), batch=batch.id)
            if batch.processing_status == "in_progress":
                return
        what = f"{batch.id} {ENDINGS[batch.processing_status]}"
        if batch.ended_at is not None:
            when = Instant(batch.ended_at, at.wall)
            counts = (
                (name, getattr(batch.counts, name)) for name in batch.counts.__struct_fields__
            )
            what += ": " + (
                ", ".join(f"{n:,} {name}" for name, n in counts if n) or "nothing in it"
            )
        self._chronicle.tell(Event(when, "batch", "service", what), batch=batch.id)

    def _adopt(self, at: Instant) -> None:
        """Faults that were not switched on here: those of the start, and of admin calls."""
        armed = self._api.plan.armed
        if new := {key: story(fault) for key, fault in armed.items() if key not in self._known}:
            self._known |= new.keys()
            title = "faults of an admin call" if self._adopter == ADMIN else "faults from the start"
            incident = self._scorecard.open(title, self._adopter, at, new)
            what = f"incident {incident.number}: {', '.join(new)}"
            self._chronicle.tell(Event(at, "fault", incident.by, what), mark="word")
        self._adopter = ADMIN
        for incident in self._scorecard.live():
            if not armed.keys() & incident.stories.keys():
                incident.ended_at, incident.ended_by = at, ADMIN
                what = f"incident {incident.number} was taken out"
                self._chronicle.tell(Event(at, "fault", ADMIN, what), mark="word")

    def _show(self, overview: Overview) -> None:
        clock = self._api.clock
        kind = "poll" if isinstance(clock, PollClock) else "virtual"
        speed = clock.speed if isinstance(clock, RealClock) else 0
        self._feed.show(
            "clock",
            {
                "now": millis(overview.now),
                "started_at": millis(self._api.started_at),
                "kind": "real" if speed else kind,
                "speed": speed,
            },
        )
        day = self._api.limits.processing_time
        self._feed.show(
            "service",
            {
                "calls": overview.calls,
                "requests": overview.requests,
                "billed_usd": str(overview.billed_usd),
                "more": max(len(overview.batches) - BATCHES_SHOWN, 0),
                "batches": [
                    {
                        "id": batch.id,
                        "status": batch.processing_status,
                        "requests": batch.requests,
                        "counts": batch.counts,
                        "created_at": millis(batch.created_at),
                        "expires_at": millis(batch.created_at + day),
                        "ended_at": millis(batch.ended_at),
                        "billed_usd": str(batch.billed_usd),
                    }
                    for batch in reversed(overview.batches[-BATCHES_SHOWN:])
                ],
            },
        )
        self.show_people()

    def show_people(self) -> None:
        """The scorecard as it is now."""
        self._feed.show("people", [_incident(one) for one in self._scorecard.incidents])


def _incident(incident: Incident) -> Mapping[str, Any]:
    said = {one.number: one for one in incident.said}
    counting = {one.moment: one for one in incident.words()}
    return {
        "number": incident.number,
        "title": shown(incident.title, PLACE_SHOWN),
        "by": shown(incident.by, PLACE_SHOWN),
        "at": _instant(incident.at),
        "ended_at": _instant(incident.ended_at),
        "ended_by": shown(incident.ended_by, PLACE_SHOWN),
        "strikes": incident.strikes,
        "struck_at": _instant(incident.struck_at),
        "read_at": _instant(incident.read_at),
        "read_by": shown(incident.read_by, PLACE_SHOWN),
        "faults": [
            {
                "fault": shown(key, 2 * PLACE_SHOWN),
                "count": incident.firings[key].count if key in incident.firings else 0,
                "places": [
                    shown(place, PLACE_SHOWN)
                    for place in (
                        incident.firings[key].places[:PLACES_SHOWN]
                        if key in incident.firings
                        else ()
                    )
                ],
            }
            for key in incident.stories
        ],
        "moments": {
            moment.value: None if moment not in counting else _said(counting[moment])
            for moment in Moment
        },
        "words": [_said(one) for one in said.values()],
    }


def _said(said: Said) -> Mapping[str, Any]:
    return {
        "number": said.number,
        "moment": said.moment.value,
        "by": shown(said.by, PLACE_SHOWN),
        "at": _instant(said.at),
        "from_books": said.from_books,
        "note": shown(said.note, 2 * PLACE_SHOWN),
        "withdrawn_by": shown(said.withdrawn_by, PLACE_SHOWN),
    }


def _instant(instant: Instant | None) -> Mapping[str, float | None] | None:
    if instant is None:
        return None
    return {"virtual": millis(instant.virtual), "wall": millis(instant.wall)}


def millis(instant: datetime | None) -> float | None:
    """As JavaScript counts time."""
    return None if instant is None else round(instant.timestamp() * 1000)
