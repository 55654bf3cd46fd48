"""The numbers at the top of every format, counted from the report and stored nowhere."""

from __future__ import annotations

from dataclasses import dataclass

from reports.kills import Fate
from reports.model import GameDayReport, Verdict


@dataclass(frozen=True, slots=True)
class Scorecard:
    """How much of what was planned was shown."""

    planned: int
    run: int
    passed: int
    not_run: int
    """Planned drills that could not be run, or were left out."""
    controls_proven: int
    """Controls that a passed drill names, and of which no broken form survived `gameday prove`."""
    controls_not_proven: int
    """Of all that a drill can go without; 0 and 0 where a pipeline of the user's own was judged."""
    faults_covered: int
    """Faults of the catalogue that a passed drill injected."""
    faults_open: int
    mutants_killed: int | None
    """Broken controls that the drills noticed; None without a kill matrix."""
    mutants_alive: int | None


def scorecard(report: GameDayReport) -> Scorecard:
    """The numbers of this report."""
    run, not_run = len(report.drills), len(report.not_applicable)
    coverage, kills = report.coverage, report.kills
    open_controls = len(unproven_controls(report))
    return Scorecard(
        planned=run + not_run,
        run=run,
        passed=report.count(Verdict.PASS),
        not_run=not_run,
        controls_proven=max(coverage.controls - open_controls, 0),
        controls_not_proven=open_controls,
        faults_covered=max(coverage.faults - len(coverage.open_faults), 0),
        faults_open=len(coverage.open_faults),
        mutants_killed=None if kills is None else kills.count(Fate.KILLED),
        mutants_alive=None if kills is None else len(kills.mutants) - kills.count(Fate.KILLED),
    )


def unproven_controls(report: GameDayReport) -> tuple[str, ...]:
    """Controls in no passed drill, and those of which a broken form went unnoticed."""
    unnoticed = () if report.kills is None else report.kills.of(Fate.SURVIVED)
    survivors = (mutant.control for mutant in unnoticed)
    return tuple(dict.fromkeys((*report.coverage.open_controls, *survivors)))
