"""A fault at work: its dice, its budget, its count, and where it struck."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from simulator.books import Firing
from simulator.errors import SimulatorError
from simulator.faults.fault import Fault
from simulator.faults.seams import Answer, AnswerFault, Fate, WireCall, WireFault
from simulator.randomness import RowDice, Streams

PLACES: Final = 20
"""So many places of each fault are kept as evidence."""
REMEMBERED: Final = 100_000
"""So many batches are remembered for `per_batch`; then the oldest is forgotten."""


class Armed:
    """A fault with its dice, its budget and its count."""

    __slots__ = (
        "_calls",
        "_on_batch",
        "count",
        "fault",
        "key",
        "left",
        "places",
        "stream",
        "wire_dice",
    )

    def __init__(self, fault: Fault, key: str, stream: str, streams: Streams) -> None:
        self.fault = fault
        self.key = key
        self.stream = stream
        self.left = fault.times
        self.count = 0
        self.places: list[str] = []
        self.wire_dice = streams.stream(stream)
        self._calls = 0
        self._on_batch: dict[str, int] = {}

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

    def aims_at(self, fault: WireFault, call: WireCall) -> bool:
        """Whether it strikes this call, which it could: the number of the call, and the dice."""
        self._calls += 1
        if fault.calls and self._calls not in fault.calls:
            return False
        if fault.per_batch is not None and self._on_batch.get(call.batch_id, 0) >= fault.per_batch:
            return False
        return self.wire_dice.random() < fault.share and self.left != 0

    def struck(self, fault: WireFault, call: WireCall) -> None:
        """It has struck this call."""
        self.spend()
        self.record(f"{call.request.method} {call.request.path}")
        if fault.per_batch is not None:
            self._on_batch[call.batch_id] = self._on_batch.get(call.batch_id, 0) + 1
            if len(self._on_batch) > REMEMBERED:
                self._on_batch.pop(next(iter(self._on_batch)))

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
        return msgspec.structs.replace(bent, tags=(*bent.tags, self._fault.name))


class Armoury:
    """Arms faults: each with a key of its own and a stream of its own, for as long as we run."""

    __slots__ = ("_keys", "_kinds", "_streams")

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._keys: dict[str, int] = {}
        self._kinds: dict[str, int] = {}

    def arm(self, faults: Iterable[Fault]) -> list[Armed]:
        """Each of them, with its dice at their beginning."""
        return [self._arm(checked(fault)) for fault in faults]

    def _arm(self, fault: Fault) -> Armed:
        key = fault.describe()
        self._keys[key] = self._keys.get(key, 0) + 1
        if self._keys[key] > 1:
            key = f"{key} #{self._keys[key]}"
        place = self._kinds.get(fault.name, 0)
        self._kinds[fault.name] = place + 1
        return Armed(fault, key, f"fault/{fault.name}/{place}", self._streams)


def checked(fault: object) -> Fault:
    """The same, if it is a fault."""
    if not isinstance(fault, Fault):
        raise SimulatorError(f"{fault!r} is no fault.", fix="Pass values from simulator.faults.")
    return fault
