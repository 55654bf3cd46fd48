"""FaultPlan: arms the faults, throws their dice, and counts what struck, and where.

Each fault draws from a stream named after its kind and its place among those of its kind, so
that adding another fault does not shift its dice. Faults can come and go while it is in use:
what has struck stays counted, and a fault that stays keeps its dice and its budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Protocol, TypeVar

import msgspec

from simulator.books import Firing, RequestBook
from simulator.errors import ApiError, SimulatorError
from simulator.faults.armed import PLACES, Armed, Armoury, Bending, Doom, checked
from simulator.faults.clashes import check_together
from simulator.faults.fault import Family, Fault
from simulator.faults.seams import (
    AnswerFault,
    LifecycleFault,
    Line,
    ResultsFault,
    RowFault,
    WireCall,
    WireFault,
)
from simulator.randomness import Streams
from simulator.schedule import Pace
from simulator.wire import Cut, Response

__all__ = ["PLACES", "Armed", "Bending", "Doom", "FaultPlan"]

Finish = Callable[[ApiError], Response]


class Named(Protocol):
    """What a plan needs to know of a request."""

    @property
    def custom_id(self) -> str:
        """Its name in the batch."""


_F = TypeVar("_F", bound=Fault)


class FaultPlan:
    """The faults of one run. Empty, nothing goes wrong."""

    def __init__(self, faults: Iterable[Fault], streams: Streams, started: datetime) -> None:
        self._streams = streams
        self._started = started
        self._armoury = Armoury(streams)
        self._all: list[Armed] = []
        self._armed: tuple[Armed, ...] = ()
        self.replace(faults)

    def __repr__(self) -> str:
        return f"FaultPlan({', '.join(fault.describe() for fault in self.faults)})"

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Those that may strike now."""
        return tuple(armed.fault for armed in self._armed)

    @property
    def armed(self) -> Mapping[str, Fault]:
        """The same, by the key under which each is counted."""
        return {armed.key: armed.fault for armed in self._armed if counts(armed)}

    def firings(self) -> Mapping[str, Firing]:
        """Every fault that could strike, those taken out included, and how often it did."""
        return {armed.key: armed.firing() for armed in self._all if counts(armed)}

    def silent(self) -> tuple[Fault, ...]:
        """The faults of this plan that have not struck once."""
        return tuple(armed.fault for armed in self._armed if counts(armed) and not armed.count)

    # While it runs.

    def add(self, *faults: Fault) -> tuple[str, ...]:
        """More faults, from now on; the keys under which they are counted."""
        check_together([*self.faults, *map(checked, faults)])
        new = self._armoury.arm(faults)
        self._set([*self._armed, *new])
        return tuple(armed.key for armed in new)

    def remove(self, *keys: str) -> None:
        """Faults that strike no more, by their key or by their name; their counts stay."""
        for key in keys:
            if not any(key in names(armed) for armed in self._armed):
                known = ", ".join(armed.key for armed in self._armed) or "none"
                raise SimulatorError(
                    f"There is no fault {key!r} in this plan.", fix=f"There are: {known}."
                )
        self._set(armed for armed in self._armed if not names(armed) & set(keys))

    def replace(self, faults: Iterable[Fault]) -> tuple[str, ...]:
        """These faults and no others; one that was there already goes on as it was."""
        wanted = [checked(fault) for fault in faults]
        check_together(wanted)
        staying = list(self._armed)
        chosen: list[Armed] = []
        for fault in wanted:
            found = next((armed for armed in staying if armed.fault == fault), None)
            if found is None:
                chosen += self._armoury.arm([fault])
            else:
                staying.remove(found)
                chosen.append(found)
        self._set(chosen)
        return tuple(armed.key for armed in chosen)

    # The seams.

    def before(
        self, call: WireCall, now: datetime, batches: int
    ) -> tuple[str, ApiError | Response] | None:
        """What a fault answers instead of the service, and the fault's name."""
        for armed, fault in self._open(self._early, now, batches):
            struck = fault.strike(call) if fault.concerns(call) else None
            if struck is not None and armed.aims_at(fault, call):
                armed.struck(fault, call)
                return fault.name, struck
        return None

    def after(
        self, call: WireCall, now: datetime, batches: int, finish: Finish
    ) -> tuple[str, Response]:
        """What becomes of the reply, the work being done; and the names of all that struck."""
        if not self._late:
            return call.struck_by, call.reply
        for armed, fault in self._open(self._late, now, batches):
            if call.reply.cut is not None:
                break
            struck = fault.strike(call) if fault.concerns(call) else None
            if struck is not None and armed.aims_at(fault, call):
                armed.struck(fault, call)
                bent = finish(struck) if isinstance(struck, ApiError) else struck
                by = f"{call.struck_by}, {fault.name}" if call.struck_by else fault.name
                call = msgspec.structs.replace(call, response=bent, struck_by=by)
        return call.struck_by, call.reply

    def bend_pace(
        self, pace: Pace, now: datetime, batch: int
    ) -> tuple[Pace, list[tuple[Armed, int | None]]]:
        """How a new batch is worked, and which faults did it, each with the pause it made."""
        causes: list[tuple[Armed, int | None]] = []
        for armed, fault in self._open(self._lifecycle, now, batch):
            if not self._dice(armed, batch).random() < fault.share:
                continue
            bent = fault.bend(pace)
            if bent is None or not armed.spend():
                continue
            paused = len(bent.pauses) > len(pace.pauses)
            causes.append((armed, len(pace.pauses) if paused else None))
            pace = bent
        return pace, causes

    def dooms(self, requests: Sequence[Named], now: datetime, batch: int) -> dict[int, Doom]:
        """Position of a request -> what a fault has in store for it."""
        dooms: dict[int, Doom] = {}
        for armed, fault in self._open(self._rows, now, batch):
            doom = Doom(armed, fault.fate)
            for row in self._rolled(armed, requests, fault.custom_ids, batch):
                if row not in dooms and fault.reaches(row) and armed.spend():
                    dooms[row] = doom
        return dooms

    def bendings(
        self, requests: Sequence[Named], created_at: datetime, batch: int
    ) -> list[Bending]:
        """The faults of the answers family that touch this batch."""
        bendings = []
        for armed, fault in self._open(self._answers, created_at, batch):
            struck = set(self._rolled(armed, requests, fault.custom_ids, batch))
            dice = self._streams.rows(f"{armed.stream}/{batch}/rows")
            bendings.append(Bending(armed, fault, struck, dice))
        return bendings

    def bend_results(
        self, lines: list[Line], rows: Sequence[RequestBook], now: datetime, batch: int
    ) -> Cut | None:
        """Bend the lines of one download; how it ends, if not well."""
        cut: Cut | None = None
        for armed, fault in self._open(self._results, now, batch):
            if armed.left == 0:
                continue
            stream = f"{armed.stream}/{batch}" + f"/{armed.count}" * fault.fresh
            concerned = fault.bend(lines, rows, self._streams.stream(stream))
            if not concerned:
                continue
            armed.spend()
            cut = cut or fault.cut
            for custom_id in concerned:
                armed.record(custom_id)
        return cut

    @property
    def bends_results(self) -> bool:
        """Whether any fault of this plan changes lines of downloads."""
        return bool(self._results)

    # Helpers.

    def _set(self, armed: Iterable[Armed]) -> None:
        self._armed = tuple(armed)
        self._all += [one for one in self._armed if one not in self._all]
        wire = self._those(WireFault)
        self._early = [(armed, fault) for armed, fault in wire if not fault.late]
        self._late = [(armed, fault) for armed, fault in wire if fault.late]
        self._lifecycle = self._those(LifecycleFault)
        self._rows = self._those(RowFault)
        self._answers = self._those(AnswerFault)
        self._results = self._those(ResultsFault)

    def _those(self, seam: type[_F]) -> list[tuple[Armed, _F]]:
        return [(armed, armed.fault) for armed in self._armed if isinstance(armed.fault, seam)]

    def _open(
        self, armed: Sequence[tuple[Armed, _F]], now: datetime, batch: int
    ) -> Iterator[tuple[Armed, _F]]:
        elapsed = now - self._started
        return (pair for pair in armed if pair[1].open_at(elapsed, batch))

    def _dice(self, armed: Armed, batch: int) -> Random:
        return self._streams.stream(f"{armed.stream}/{batch}")

    def _rolled(
        self, armed: Armed, requests: Sequence[Named], only: tuple[str, ...], batch: int
    ) -> list[int]:
        roll: Callable[[], float] = self._dice(armed, batch).random
        share = armed.fault.share
        chosen = [row for row in range(len(requests)) if roll() < share]
        return [row for row in chosen if requests[row].custom_id in only] if only else chosen


def counts(armed: Armed) -> bool:
    """Whether it is a fault at all."""
    return armed.fault.family is not Family.NONE


def names(armed: Armed) -> set[str]:
    """What it may be called."""
    return {armed.key, armed.fault.name}
