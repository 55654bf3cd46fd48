"""Faults of a download. The seam is `bend(lines)`: the lines of one results file, made worse.

The dice are the same for each download of a batch, so a row that is lost stays lost, until
`times` downloads were struck.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Final

import msgspec

from simulator.books import RequestBook
from simulator.errors import SimulatorError
from simulator.faults.fault import Family, Fault, times
from simulator.randomness import base58


class Line(msgspec.Struct, gc=False):
    """One line of a results file: whose name it bears, and whose result."""

    custom_id: str
    row: int
    """The position, in the batch, of the request whose result it shows."""
    spoil: Callable[[bytes], bytes] | None = None
    """What is done to the finished line, without its end."""


Rows = Sequence[RequestBook]


class ResultsFault(Fault):
    """The base of this family."""

    __slots__ = ()

    family: ClassVar[Family] = Family.RESULTS_FILE
    unit: ClassVar[str] = "rows"

    def bend(self, lines: list[Line], rows: Rows, dice: Random) -> list[str]:
        """Change the lines in place; give back the custom_ids that are concerned."""
        raise NotImplementedError

    def planned(self) -> str:
        """What it would strike; here `times` counts downloads."""
        planned = Fault.planned(self)
        if self.times is None:
            return planned
        downloads = "the first download" if self.times == 1 else f"{self.times} downloads"
        return planned.replace(f", {times(self.times)} at most", f", in {downloads}")


@dataclass(frozen=True, slots=True)
class RowsMissing(ResultsFault):
    """Some rows are not in the file that is downloaded.

    Contract 7.3: a connection closed at a line's end loses rows without an error.
    Incident 28: 41 of 20,000 rows were lost and nobody saw it.
    """

    share: float
    times: int | None = 1

    def bend(self, lines: list[Line], rows: Rows, dice: Random) -> list[str]:
        """Leave out a share of the lines."""
        del rows
        lost = struck(lines, self.share, dice)
        gone = {id(line) for line in lost}
        lines[:] = [line for line in lines if id(line) not in gone]
        return [line.custom_id for line in lost]


@dataclass(frozen=True, slots=True)
class RowsDuplicated(ResultsFault):
    """Some rows stand in the file twice.

    Contract 7.3: the official client delivers both. Incident 17 of contract 15.
    """

    share: float

    def bend(self, lines: list[Line], rows: Rows, dice: Random) -> list[str]:
        """Put a share of the lines in a second time, anywhere."""
        del rows
        twice = struck(lines, self.share, dice)
        scatter(lines, [Line(line.custom_id, line.row) for line in twice], dice)
        return [line.custom_id for line in twice]


@dataclass(frozen=True, slots=True)
class AnswersSwapped(ResultsFault):
    """Pairs of rows have exchanged their answers.

    Each line is right in form and the counts add up; only a binding between a row and its
    answer shows it. Contract 7.1: order means nothing, join on `custom_id` only.
    """

    share: float

    def bend(self, lines: list[Line], rows: Rows, dice: Random) -> list[str]:
        """Exchange the results within pairs of succeeded rows; `share` counts rows."""
        able = [line for line in lines if rows[line.row].outcome == "succeeded"]
        chosen = struck(able, self.share, dice)
        if len(chosen) == 1 and len(able) > 1:
            chosen.append(next(line for line in able if line is not chosen[0]))
        dice.shuffle(chosen)
        pairs = list(zip(chosen[::2], chosen[1::2], strict=False))
        for one, other in pairs:
            one.row, other.row = other.row, one.row
        return [line.custom_id for pair in pairs for line in pair]


@dataclass(frozen=True, slots=True)
class UnknownRows(ResultsFault):
    """The file holds rows that nobody asked for.

    Contract 15, catalogue of results: unknown `custom_id`.
    """

    count: int = 1

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        check_count("UnknownRows", self.count)

    def bend(self, lines: list[Line], rows: Rows, dice: Random) -> list[str]:
        """Copies of rows, under names that were never sent."""
        known = {row.custom_id for row in rows}
        strangers: list[Line] = []
        while lines and len(strangers) < self.count:
            model = dice.choice(lines)
            name = f"{model.custom_id[:55]}_{base58(dice, 8)}"
            if name not in known:
                strangers.append(Line(name, model.row))
        scatter(lines, strangers, dice)
        return [line.custom_id for line in strangers]

    def planned(self) -> str:
        """What it would strike."""
        return f"{self.count} unknown row{'s' * (self.count != 1)} in each results file"


@dataclass(frozen=True, slots=True)
class BrokenLines(ResultsFault):
    """Some lines of the file are no JSON: cut short, garbled, or blank.

    Contract 15, incident 2: the official client dies on the first one and leaves the
    response open.
    """

    count: int = 1

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        check_count("BrokenLines", self.count)

    def bend(self, lines: list[Line], rows: Rows, dice: Random) -> list[str]:
        """Spoil some lines, in turn: cut, garbled, blank."""
        del rows
        chosen = dice.sample(range(len(lines)), min(self.count, len(lines)))
        for turn, place in enumerate(chosen):
            lines[place].spoil = _SPOILERS[turn % len(_SPOILERS)]
        return [lines[place].custom_id for place in chosen]

    def planned(self) -> str:
        """What it would strike."""
        return f"{self.count} broken line{'s' * (self.count != 1)} in each results file"


_SPOILERS: Final[tuple[Callable[[bytes], bytes], ...]] = (
    lambda line: line[: len(line) // 2],
    lambda line: line.replace(b'"result":{', b'"result":{{', 1),
    lambda _: b"",
)


def struck(lines: Sequence[Line], share: float, dice: Random) -> list[Line]:
    """Each line with this probability."""
    roll = dice.random
    return [line for line in lines if roll() < share]


def scatter(lines: list[Line], more: Sequence[Line], dice: Random) -> None:
    """Put lines in at any place."""
    if not more:
        return
    lines.extend(more)
    for place in range(len(lines) - len(more), len(lines)):
        other = dice.randint(0, place)
        lines[place], lines[other] = lines[other], lines[place]


def check_count(fault: str, count: int) -> None:
    """Refuse a count that never strikes."""
    if count < 1:
        raise SimulatorError(f"{fault}: count={count} strikes nothing.", fix="Use 1 or more.")
