"""The golden files: one small report, from one seed, in each format, as it was agreed to look.

`python -m tests.reports.golden` plays the drills and writes the files again; what has changed is
for a reviewer to see in the diff. The report has one drill of each verdict, and one that was not
run; versions of other packages are left out, so that an update of them changes no file.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from controls import Quarantine, Requeue
from reports import Fact, Finding, Format, GameDayReport, NotApplicable, Outcome, render
from scenarios import EveryRowAccountedFor, EveryRowAnswered, World, drill
from scenarios.harness.arms import CalmRuns, run_drill
from scenarios.harness.game import Plan, open_game, report_of
from scenarios.harness.record import Record
from simulator import hours
from simulator.faults import SchemaDrift, Stall

FOLDER = Path(__file__).parent / "golden"
SEED = 7
ROWS = 200
HALF = Stall(after_share=0.5, lasting=hours(25), times=1, spare_batches=1)
NAMES: dict[Format, str] = {form: f"report.{form.value}" for form in Format}
VERSIONS = ("batch-gameday", "anthropic", "Python")


class Blind:
    """A check that contradicts itself."""

    def judge(self, record: Record) -> Finding:
        """Look at nothing, and be content."""
        return Finding("Blind", Outcome.HELD, f"no eyes for {len(record.rows)} rows", 0)


@drill(
    defends_against="expiry",
    faults=[HALF],
    controls=[Requeue],
    checks=[EveryRowAnswered()],
)
def expired_rows_are_sent_again(world: World) -> None:
    """Rows that run out of time are sent again, once.

    The service stops half-way through a batch for longer than a batch lives.
    """
    world.run(world.rows(ROWS))


@drill(
    defends_against="expiry",
    faults=[HALF],
    controls=[Requeue(max_rounds=0)],
    checks=[EveryRowAnswered()],
)
def nobody_sends_them_again(world: World) -> None:
    """A control that was set to do nothing does nothing, and the drill says so.

    The same day, with a requeue of no rounds.
    """
    world.run(world.rows(ROWS))


@drill(
    defends_against="broken answers",
    faults=[replace(HALF, spare_batches=9), SchemaDrift(share=0.1, spare_batches=9)],
    controls=[Quarantine],
    checks=[EveryRowAccountedFor()],
)
def nothing_is_out_of_reach(world: World) -> None:
    """A fault that never strikes proves nothing.

    Both faults spare more batches than there are.
    """
    world.run(world.rows(ROWS))


@drill(defends_against="a blind check", faults=[HALF], controls=[Requeue], checks=[Blind()])
def blind(world: World) -> None:
    """A check that contradicts itself is the harness's fault, not the pipeline's.

    It is content with nothing.
    """
    world.run(world.rows(ROWS))


DRILLS = (
    expired_rows_are_sent_again,
    nobody_sends_them_again,
    nothing_is_out_of_reach,
    blind,
)


def golden_report() -> GameDayReport:
    """The report, played anew."""
    game = open_game(None, None, SEED)
    runs = CalmRuns(game)
    left_out = (NotApplicable("a_slow_one", "It takes its time.", "slow: only when named"),)
    reports = [run_drill(each, game, runs) for each in DRILLS]
    report = report_of(
        game, Plan(DRILLS, left_out), reports, f"gameday run golden.py --seed {SEED}"
    )
    kept = [fact for fact in report.appendix if fact.name not in VERSIONS]
    return replace(report, appendix=(Fact("versions", "left out of this file"), *kept))


def main() -> None:
    """Write all of them again."""
    report = golden_report()
    for form, name in NAMES.items():
        (FOLDER / name).write_text(render(report, form), "utf-8")


if __name__ == "__main__":
    main()
