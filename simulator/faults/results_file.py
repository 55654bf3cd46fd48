"""Faults of the rows of a download. The seam is `bend(lines)`: which rows stand in the file.

The dice are the same for each download of a batch, so a row that is lost stays lost, until
`times` downloads were struck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar

from simulator.errors import SimulatorError
from simulator.faults.fault import Fault
from simulator.faults.seams import Line, ResultsFault, Rows
from simulator.randomness import base58

__all__ = ["Line", "ResultsFault", "TargetedFault"]


@dataclass(frozen=True, slots=True)
class TargetedFault(ResultsFault):
    """The base of what happens to some lines, and not to the file."""

    custom_ids: tuple[str, ...] = field(default=(), kw_only=True)
    """Only lines of these requests; empty for all."""

    def able(self, lines: Sequence[Line]) -> list[Line]:
        """The lines that it may touch."""
        if not self.custom_ids:
            return list(lines)
        return [line for line in lines if line.custom_id in self.custom_ids]


class Reshuffled(ResultsFault):
    """Each download has another order.

    Contract 7.1: order means nothing; whoever resumes a download at a line number mixes rows.
    """

    __slots__ = ()

    unit: ClassVar[str] = "downloads"
    fresh: ClassVar[bool] = True

    def bend(self, lines: list[Line], rows: Rows, dice: Random) -> list[str]:
        """Shuffle them once more."""
        del rows
        if len(lines) < 2 or dice.random() >= self.share:  # noqa: PLR2004 - one has no order
            return []
        dice.shuffle(lines)
        return [lines[0].custom_id]


@dataclass(frozen=True, slots=True)
class RowsMissing(TargetedFault):
    """Some rows are not in the file that is downloaded.

    Contract 7.3: a connection closed at a line's end loses rows without an error.
    Incident 28: 41 of 20,000 rows were lost and nobody saw it.
    """

    share: float
    times: int | None = field(default=1, kw_only=True)

    def bend(self, lines: list[Line], rows: Rows, dice: Random) -> list[str]:
        """Leave out a share of the lines."""
        del rows
        lost = struck(self.able(lines), self.share, dice)
        gone = {id(line) for line in lost}
        lines[:] = [line for line in lines if id(line) not in gone]
        return [line.custom_id for line in lost]


@dataclass(frozen=True, slots=True)
class RowsDuplicated(TargetedFault):
    """Some rows stand in the file twice.

    Contract 7.3: the official client delivers both. Incident 17 of contract 15.
    """

    share: float

    def bend(self, lines: list[Line], rows: Rows, dice: Random) -> list[str]:
        """Put a share of the lines in a second time, anywhere."""
        del rows
        twice = struck(self.able(lines), self.share, dice)
        scatter(lines, [Line(line.custom_id, line.row) for line in twice], dice)
        return [line.custom_id for line in twice]


@dataclass(frozen=True, slots=True)
class AnswersSwapped(TargetedFault):
    """Pairs of rows have exchanged their answers.

    Each line is right in form and the counts add up; only a binding between a row and its
    answer shows it. Contract 7.1: order means nothing, join on `custom_id` only.
    """

    share: float

    def bend(self, lines: list[Line], rows: Rows, dice: Random) -> list[str]:
        """Exchange the results within pairs of succeeded rows; `share` counts rows."""
        whole = [line for line in lines if rows[line.row].outcome == "succeeded"]
        chosen = struck(self.able(whole), self.share, dice)
        if len(chosen) == 1 and len(whole) > 1:
            chosen.append(next(line for line in whole if line is not chosen[0]))
        dice.shuffle(chosen)
        pairs = list(zip(chosen[::2], chosen[1::2], strict=False))
        for one, other in pairs:
            one.row, other.row = other.row, one.row
        return [line.custom_id for pair in pairs for line in pair]


@dataclass(frozen=True, slots=True)
class UnknownRows(TargetedFault):
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
        models = self.able(lines)
        strangers: list[Line] = []
        while models and len(strangers) < self.count:
            model = dice.choice(models)
            name = f"{model.custom_id[:55]}_{base58(dice, 8)}"
            if name not in known:
                strangers.append(Line(name, model.row))
        scatter(lines, strangers, dice)
        return [line.custom_id for line in strangers]

    def planned(self) -> str:
        """What it would strike."""
        return f"{self.count} unknown row{'s' * (self.count != 1)} in each results file"


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
