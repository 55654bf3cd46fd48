"""Conducting a game day: drills, journal, progress and reports, and an orderly end in any case."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from reports import DrillReport, Fact, Format, GameDayReport, Journal
from reports.journal import DIGEST
from scenarios.harness.game import Plan, in_order, report_of, start
from scenarios.harness.interruption import Interrupted, Interruptions
from scenarios.harness.output import FILES, JOURNAL, remove_reports, write_reports
from scenarios.harness.progress import progress
from scenarios.harness.world import Game


def conduct(
    planned: Plan,
    game: Game,
    workers: int,
    command: str,
    folder: Path,
    interruptions: Interruptions,
) -> tuple[GameDayReport, Path]:
    """Run the drills of a plan into an opened folder; the report, and where its page lies.

    Raises:
        UsageError: the folder can no longer be written.
        Interrupted: a signal came; the journal says so, and no report is left.
    """
    return conduct_drills(
        [drill.name for drill in planned.drills],
        lambda: start(planned, game, workers),
        lambda reports: report_of(game, planned, in_order(planned, reports), command),
        Journal(folder / JOURNAL, command=command, seed=game.seed),
        folder,
        interruptions,
    )


def conduct_drills(
    planned: Sequence[str],
    begin: Callable[[], Generator[DrillReport, None, None]],
    report_on: Callable[[Sequence[DrillReport]], GameDayReport],
    opened: Journal,
    folder: Path,
    interruptions: Interruptions,
) -> tuple[GameDayReport, Path]:
    """The same for drills of these names, however they are run and reported on."""
    reports: list[DrillReport] = []
    with opened as journal:
        for name in planned:
            journal.write("planned", drill=name)
        plan_hash = journal.last_hash
        try:
            with (
                closing(begin()) as running,
                progress(len(planned)) as step,
            ):
                for done in interruptions.between(running):
                    reports.append(done)
                    journal.write(
                        "judged",
                        drill=done.name,
                        verdict=done.verdict.name,
                        because=done.because,
                        arms={arm.arm.value: arm.ended for arm in done.arms},
                    )
                    step(f"{done.verdict.name} {done.name}")
            with interruptions.welcome():
                report = _with_journal(report_on(reports), plan_hash)
                page = write_reports(report, folder)
        except Interrupted as stop:
            remove_reports(folder)
            counts = {"judged": len(reports), "planned": len(planned)}
            journal.write("interrupted", signal=stop.sign.name, **counts)
            done_so_far = f"{len(reports)} of {len(planned)} drills"
            raise Interrupted(
                stop.sign, f"interrupted after {done_so_far}; journal: {folder / JOURNAL}"
            ) from None
        digest = sha256((folder / FILES[Format.JSON]).read_bytes()).hexdigest()
        journal.finish(verdict=report.verdict.name, drills=len(reports), **{DIGEST: digest})
    return report, page


def _with_journal(report: GameDayReport, plan_hash: str) -> GameDayReport:
    """The report with the seal of the journal's plan. What follows in the journal depends on which
    drill was done first; its last line carries the digest of this report."""
    fact = Fact("journal, hash after its plan", plan_hash)
    return replace(report, appendix=(*report.appendix, fact))
