"""Two maps: which fault, at which moment, against which control; and which broken controls died."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.kills import Fate, KillMatrix, MutantReport
from reports.model import Cell, Coverage

STEPS = (1, 2, 4, 8)
"""From how many drills on a cell is one shade darker."""


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One line of the map: per control, how many drills that passed."""

    name: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment of a job's life: the sum over its faults, and each of them."""

    name: str
    total: HeatRow
    faults: tuple[HeatRow, ...]

    @property
    def both(self) -> tuple[str, tuple[HeatRow, ...]]:
        """As a group of the map: its title and its lines."""
        return self.name, self.faults


@dataclass(frozen=True, slots=True)
class Matrix:
    """Faults at moments against controls; a control that no drill covers has an empty column."""

    controls: tuple[str, ...]
    moments: tuple[Moment, ...]


def matrix(coverage: Coverage) -> Matrix:
    """The cells as a map."""
    covered = dict.fromkeys(cell.control for cell in coverage.cells)
    controls = tuple(dict.fromkeys([*covered, *coverage.open_controls]))
    moments = dict.fromkeys(cell.moment for cell in coverage.cells)
    return Matrix(
        controls,
        tuple(
            _moment(name, controls, [cell for cell in coverage.cells if cell.moment == name])
            for name in moments
        ),
    )


def shade(count: int) -> int:
    """0 for a hole, up to 4 for many drills."""
    return sum(count >= step for step in STEPS)


def _moment(name: str, controls: tuple[str, ...], cells: Sequence[Cell]) -> Moment:
    drills: dict[tuple[str, str], set[str]] = {}
    for cell in cells:
        drills.setdefault((cell.fault, cell.control), set()).update(cell.drills)
    faults = tuple(dict.fromkeys(cell.fault for cell in cells))
    return Moment(
        name,
        HeatRow(
            name,
            tuple(
                len(set().union(*(drills.get((fault, control), set()) for fault in faults)))
                for control in controls
            ),
        ),
        tuple(
            HeatRow(fault, tuple(len(drills.get((fault, control), ())) for control in controls))
            for fault in faults
        ),
    )


@dataclass(frozen=True, slots=True)
class KillCell:
    """The mutants of one control that are broken in one way."""

    killed: int
    total: int


@dataclass(frozen=True, slots=True)
class KillMap:
    """Controls against the ways in which they were broken."""

    kinds: tuple[str, ...]
    rows: tuple[tuple[str, tuple[KillCell, ...]], ...]


def kill_map(kills: KillMatrix) -> KillMap:
    """The kill matrix without its trials."""
    kinds = tuple(dict.fromkeys(mutant.kind for mutant in kills.mutants))
    groups: dict[tuple[str, str], list[MutantReport]] = {}
    for mutant in kills.mutants:
        groups.setdefault((mutant.control, mutant.kind), []).append(mutant)
    controls = dict.fromkeys(mutant.control for mutant in kills.mutants)
    return KillMap(
        kinds,
        tuple(
            (control, tuple(_kill_cell(groups.get((control, kind), [])) for kind in kinds))
            for control in controls
        ),
    )


def _kill_cell(mutants: Sequence[MutantReport]) -> KillCell:
    return KillCell(sum(mutant.fate is Fate.KILLED for mutant in mutants), len(mutants))
