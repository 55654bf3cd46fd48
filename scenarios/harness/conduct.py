"""Conducting a game day: drills, journal, progress and reports, and an orderly end in any case."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from reports import DrillReport, GameDayReport, Journal
from scenarios.harness.game import Plan, in_order, report_of, start
from scenarios.harness.interruption import Interrupted, Interruptions
from scenarios.harness.output import JOURNAL, remove_reports, write_reports
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
    reports: list[DrillReport] = []
    with Journal(folder / JOURNAL, command=command, seed=game.seed) as journal:
        for drill in planned.drills:
            journal.write("planned", drill=drill.name)
        try:
            with (
                closing(start(planned, game, workers)) as running,
                progress(len(planned.drills)) as step,
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
                report = report_of(game, planned, in_order(planned, reports), command)
                page = write_reports(report, folder)
        except Interrupted as stop:
            remove_reports(folder)
            counts = {"judged": len(reports), "planned": len(planned.drills)}
            journal.write("interrupted", signal=stop.sign.name, **counts)
            done_so_far = f"{len(reports)} of {len(planned.drills)} drills"
            raise Interrupted(
                stop.sign, f"interrupted after {done_so_far}; journal: {folder / JOURNAL}"
            ) from None
        journal.finish(verdict=report.verdict.name, drills=len(reports))
    return report, page
