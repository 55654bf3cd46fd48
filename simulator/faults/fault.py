"""What all faults share: how often, when, and where they begin.

A fault is a value: it says what goes wrong and holds no memory. The plan (`plan.py`) arms it,
throws its dice and counts. Each kind has one seam (`seams.py`). To write one, start from
`none.py` and give it a seam; to have it in every plan file, list it in `catalogue.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar

from simulator.clock import ZERO
from simulator.errors import SimulatorError


class Family(Enum):
    """Where a fault strikes."""

    WIRE = "wire"
    LIFECYCLE = "lifecycle"
    ROWS = "rows"
    ANSWERS = "answers"
    RESULTS_FILE = "results_file"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` up to, not including, `end`, counted from the start of the run."""

    start: timedelta
    end: timedelta

    def __post_init__(self) -> None:
        if not ZERO <= self.start < self.end:
            raise SimulatorError(
                f"A window from {self.start} to {self.end} holds no time.",
                fix="Start at zero or later, and end after the start.",
            )

    def __contains__(self, elapsed: timedelta) -> bool:
        return self.start <= elapsed < self.end


def first(duration: timedelta) -> Window:
    """The window from the start of the run."""
    return Window(ZERO, duration)


LONGEST = timedelta(days=36_500)

_LAST = frozenset({"times", "during", "spare_batches"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The shared settings.

    `share` is the probability of striking where it could; `times` bounds the strikes (None: as
    often as the share says); `during` is when it may strike; the first `spare_batches` batches
    created are not touched, for trouble that begins after the canary. The time that counts is
    that of the call or the download, and for all else that of the batch's creation.
    """

    share: float = 1.0
    times: int | None = None
    during: Window | None = None
    spare_batches: int = 0

    family: ClassVar[Family] = Family.NONE
    unit: ClassVar[str] = "occasions"

    def __post_init__(self) -> None:
        name = type(self).__name__
        if not 0 <= self.share <= 1:
            raise SimulatorError(f"{name}: share={self.share} is no share.", fix="Use 0 to 1.")
        if self.times is not None and self.times < 1:
            raise SimulatorError(
                f"{name}: times={self.times} would never strike.",
                fix="Use 1 or more, or None for no bound; share=0 switches a fault off.",
            )
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, timedelta) and abs(value) > LONGEST:
                raise SimulatorError(
                    f"{name}: {field.name}={value} is out of reach.",
                    fix=f"Use {LONGEST.days} days at most.",
                )
        if self.spare_batches < 0:
            raise SimulatorError(
                f"{name}: spare_batches={self.spare_batches}.", fix="Use 0 or more."
            )

    @property
    def name(self) -> str:
        """What it is called, in tags and in the books."""
        return type(self).__name__

    def describe(self) -> str:
        """The fault as one would write it: only what differs from the defaults."""
        own = sorted(fields(self), key=lambda field: field.name in _LAST)
        said = [
            f"{field.name}={shown(value)}"
            for field in own
            if (value := getattr(self, field.name)) != field.default
        ]
        return f"{self.name}({', '.join(said)})"

    def planned(self) -> str:
        """What it would strike, in words: `2% of the rows`."""
        whole = f"{percent(self.share)} of the {self.unit}"
        if self.share == 1:
            whole = f"all {self.unit}"
        if self.times is not None:
            whole = f"{whole}, {times(self.times)} at most"
        if self.spare_batches:
            spared = "batch" if self.spare_batches == 1 else f"{self.spare_batches} batches"
            whole = f"{whole}, after the first {spared}"
        return whole

    def open_at(self, elapsed: timedelta, batches_before: int) -> bool:
        """Whether it may strike at this time, so many batches having come before."""
        in_time = self.during is None or elapsed in self.during
        return in_time and batches_before >= self.spare_batches and self.share > 0


def percent(share: float) -> str:
    """0.02 -> 2%."""
    return f"{share * 100:.6g}%"


def times(count: int) -> str:
    """1 -> once, 3 -> 3 times."""
    return "once" if count == 1 else f"{count} times"


def shown(value: object) -> str:
    """A setting as text that does not change from run to run."""
    match value:
        case timedelta():
            return duration(value)
        case Window():
            return f"{duration(value.start)}..{duration(value.end)}"
        case Enum():
            return str(value.value)
        case tuple():
            return "[" + ", ".join(shown(part) for part in value) + "]"
        case float():
            return f"{value:g}"
        case str() | int() | None:
            return str(value)
        case datetime():
            return value.isoformat()
        case _:
            return repr(value)


def duration(span: timedelta) -> str:
    """25h, 90s, 1d: the largest unit that divides it."""
    if not span:
        return "0s"
    for unit, size in (("d", timedelta(days=1)), ("h", timedelta(hours=1))):
        if span % size == ZERO and (unit == "h" or span // size > 1):
            return f"{span // size}{unit}"
    if span % timedelta(minutes=1) == ZERO:
        return f"{span // timedelta(minutes=1)}min"
    return f"{span.total_seconds():g}s"
