"""FaultPlan: arms the faults, throws their dice, and counts what struck, and where.

Each fault draws from a stream named after its kind and its place among those of its kind, so
that adding another fault does not shift its dice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Final

from simulator.books import Firing, RequestBook
from simulator.errors import ApiError, SimulatorError
from simulator.faults.answers import Answer, AnswerFault
from simulator.faults.fault import Family, Fault
from simulator.faults.lifecycle import LifecycleFault
from simulator.faults.results_file import Line, ResultsFault
from simulator.faults.rows import Fate, RowFault
from simulator.faults.wire import WireCall, WireFault
from simulator.randomness import RowDice, Streams
from simulator.schedule import Pace
from simulator.wire import Response

PLACES: Final = 20
"""So many places of each fault are kept as evidence."""


class Armed:
    """A fault with its dice, its budget and its count."""

    __slots__ = ("count", "fault", "key", "left", "places", "stream", "wire_dice")

    def __init__(self, fault: Fault, key: str, stream: str, streams: Streams) -> None:
        self.fault = fault
        self.key = key
        self.stream = stream
        self.left = fault.times
        self.count = 0
        self.places: list[str] = []
        self.wire_dice = streams.stream(stream)

    def spend(self) -> bool:
        """Use up one of its times; False if none is left."""
        if self.left is None:
            return True
        self.left -= 1
        return self.left >= 0

    def record(self, place: str) -> None:
        """It has struck here."""
        self.count += 1
        if len(self.places) < PLACES:
            self.places.append(place)

    def firing(self) -> Firing:
        """What the books say about it."""
        fault = self.fault
        return Firing(
            fault=fault.describe(),
            family=fault.family.value,
            planned=fault.planned(),
            count=self.count,
            places=tuple(self.places),
        )


class Doom:
    """What a fault of the rows family has in store for a request."""

    __slots__ = ("_armed", "fate")

    def __init__(self, armed: Armed, fate: Fate) -> None:
        self._armed = armed
        self.fate = fate

    def strike(self, custom_id: str) -> str:
        """It has come to pass; the name of the fault."""
        self._armed.record(custom_id)
        return self._armed.fault.name


class Bending:
    """One fault of the answers family, at work on one batch."""

    __slots__ = ("_armed", "_dice", "_fault", "_struck")

    def __init__(self, armed: Armed, fault: AnswerFault, struck: set[int], dice: RowDice) -> None:
        self._armed = armed
        self._fault = fault
        self._struck = struck
        self._dice = dice

    def __call__(self, row: int, custom_id: str, answer: Answer) -> Answer:
        """The answer of this row, bent if the fault strikes it."""
        if row not in self._struck or self._armed.left == 0:
            return answer
        bent = self._fault.bend(answer, self._armed.count, self._dice.at(row))
        if bent is None:
            return answer
        self._armed.spend()
        self._armed.record(custom_id)
        return Answer(bent.text, bent.max_tokens, bent.stop_reason, (*bent.tags, self._fault.name))


class FaultPlan:
    """The faults of one run. Empty, nothing goes wrong."""

    def __init__(self, faults: Iterable[Fault], streams: Streams, started: datetime) -> None:
        self.faults = tuple(faults)
        self._streams = streams
        self._started = started
        self._armed = _arm(self.faults, streams)
        self._by_family = {
            family: [armed for armed in self._armed if armed.fault.family is family]
            for family in Family
        }

    def __repr__(self) -> str:
        return f"FaultPlan({', '.join(fault.describe() for fault in self.faults)})"

    def firings(self) -> Mapping[str, Firing]:
        """Every fault that can strike, by its description, and how often it did."""
        return {armed.key: armed.firing() for armed in self._counted()}

    def silent(self) -> tuple[Fault, ...]:
        """The faults that have not struck once."""
        return tuple(armed.fault for armed in self._counted() if not armed.count)

    # The five seams.

    def before(self, call: WireCall, now: datetime, batches: int) -> tuple[str, _Struck] | None:
        """What a fault answers instead of the service, and the fault's name."""
        return self._wire(call, now, batches, late=False)

    def after(self, call: WireCall, now: datetime, batches: int) -> tuple[str, _Struck] | None:
        """What becomes of the reply, the work being done."""
        return self._wire(call, now, batches, late=True)

    def bend_pace(self, pace: Pace, now: datetime, batch: int) -> tuple[Pace, list[Armed | None]]:
        """How a new batch is worked, and which fault each of its pauses came from."""
        causes: list[Armed | None] = [None] * len(pace.pauses)
        for armed in self._open(Family.LIFECYCLE, now, batch):
            fault = armed.fault
            assert isinstance(fault, LifecycleFault)
            if not self._dice(armed, batch).random() < fault.share:
                continue
            bent = fault.bend(pace)
            if bent is None or not armed.spend():
                continue
            causes += [armed] * (len(bent.pauses) - len(pace.pauses))
            pace = bent
        return pace, causes

    def dooms(self, requests: int, now: datetime, batch: int) -> dict[int, Doom]:
        """Position of a request -> what a fault has in store for it."""
        dooms: dict[int, Doom] = {}
        for armed in self._open(Family.ROWS, now, batch):
            assert isinstance(armed.fault, RowFault)
            doom = Doom(armed, armed.fault.fate)
            for row in self._rolled(armed, requests, batch):
                if row not in dooms and armed.spend():
                    dooms[row] = doom
        return dooms

    def bendings(self, requests: int, created_at: datetime, batch: int) -> list[Bending]:
        """The faults of the answers family that touch this batch."""
        bendings = []
        for armed in self._open(Family.ANSWERS, created_at, batch):
            fault = armed.fault
            assert isinstance(fault, AnswerFault)
            struck = set(self._rolled(armed, requests, batch))
            dice = self._streams.rows(f"{armed.stream}/{batch}/rows")
            bendings.append(Bending(armed, fault, struck, dice))
        return bendings

    def bend_results(
        self, lines: list[Line], rows: Sequence[RequestBook], now: datetime, batch: int
    ) -> None:
        """Bend the lines of one download."""
        for armed in self._open(Family.RESULTS_FILE, now, batch):
            fault = armed.fault
            assert isinstance(fault, ResultsFault)
            if armed.left == 0:
                continue
            concerned = fault.bend(lines, rows, self._dice(armed, batch))
            if concerned:
                armed.spend()
            for custom_id in concerned:
                armed.record(custom_id)

    # Helpers.

    def _counted(self) -> list[Armed]:
        return [armed for armed in self._armed if armed.fault.family is not Family.NONE]

    def _open(self, family: Family, now: datetime, batch: int) -> list[Armed]:
        elapsed = now - self._started
        return [armed for armed in self._by_family[family] if armed.fault.open_at(elapsed, batch)]

    def _dice(self, armed: Armed, batch: int) -> Random:
        return self._streams.stream(f"{armed.stream}/{batch}")

    def _rolled(self, armed: Armed, requests: int, batch: int) -> list[int]:
        roll: Callable[[], float] = self._dice(armed, batch).random
        share = armed.fault.share
        return [row for row in range(requests) if roll() < share]

    def _wire(
        self, call: WireCall, now: datetime, batches: int, *, late: bool
    ) -> tuple[str, _Struck] | None:
        for armed in self._open(Family.WIRE, now, batches):
            fault = armed.fault
            assert isinstance(fault, WireFault)
            if fault.late is not late or fault.on not in {None, call.endpoint}:
                continue
            if armed.wire_dice.random() < fault.share and armed.spend():
                armed.record(f"{call.request.method} {call.request.path}")
                return fault.name, fault.strike(call)
        return None


_Struck = ApiError | Response


def _arm(faults: Sequence[Fault], streams: Streams) -> list[Armed]:
    """Each fault with a key of its own and a stream of its own."""
    armed: list[Armed] = []
    keys: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for fault in faults:
        if not isinstance(fault, Fault):
            raise SimulatorError(
                f"{fault!r} is no fault.", fix="Pass values from simulator.faults."
            )
        key = fault.describe()
        keys[key] = keys.get(key, 0) + 1
        if keys[key] > 1:
            key = f"{key} #{keys[key]}"
        place = kinds.get(fault.name, 0)
        kinds[fault.name] = place + 1
        armed.append(Armed(fault, key, f"fault/{fault.name}/{place}", streams))
    return armed
