"""Every drill: passes; and is not green when what it proves is taken away."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from benchmarks import calm
from controls import Requeue
from reports import Verdict
from scenarios import EveryRowAnswered, NoSabotage, World
from scenarios.harness.arms import CalmRuns, run_drill
from scenarios.harness.checks import Check
from scenarios.harness.discovery import all_drills, select
from scenarios.harness.drill import Drill
from scenarios.harness.game import open_game
from scenarios.harness.record import Record
from scenarios.harness.world import Game
from simulator import hours
from simulator.faults import Fault, RowsErrored, Stall

QUICK = {drill.family: drill for drill in all_drills() if not drill.slow}
"""One of each family, the last; `make gameday` runs all."""


@pytest.fixture(scope="module")
def game() -> Game:
    """The default game: seeded tickets."""
    return open_game(None, None, seed=3)


@pytest.fixture(scope="module")
def calm_runs(game: Game) -> CalmRuns:
    """Calm days that drills share."""
    return CalmRuns(game)


@pytest.mark.parametrize("drill", QUICK.values(), ids=lambda drill: drill.name)
def test_every_family_proves_its_claim(drill: Drill, game: Game, calm_runs: CalmRuns) -> None:
    """It breaks without its controls and holds with them, also with another seed."""
    report = run_drill(drill, game, calm_runs)

    assert Verdict.PASS is report.verdict, f"{report.because} {report.error}"
    undone = report.runbook[-1]
    assert undone.worked or undone.result.endswith("purged on schedule: too late"), undone.result


def expiry(**changes: object) -> Drill:
    """The expiry drill, weakened."""
    return replace(select(["expired_rows_are_resent"])[0], **changes)  # type: ignore[arg-type]


def test_a_drill_without_a_working_control_fails(game: Game) -> None:
    """A control that is there in name only does not hold the guarded arm."""
    report = run_drill(expiry(controls=(Requeue(max_rounds=0),)), game)

    assert (Verdict.FAIL, "the guarded arm did not hold") == (report.verdict, report.because)


@pytest.mark.parametrize(
    "fault",
    [
        Stall(after_share=0.5, lasting=hours(25), times=1, spare_batches=50),
        RowsErrored(share=0.0),
    ],
    ids=["a batch that never comes", "a share of nothing"],
)
def test_a_fault_that_cannot_fire_proves_nothing(fault: Fault, game: Game) -> None:
    """Nothing injected, nothing proved."""
    report = run_drill(expiry(faults=(fault,)), game)

    assert Verdict.INCONCLUSIVE is report.verdict
    assert "never fired" in report.because


def test_a_harmless_fault_proves_nothing(game: Game) -> None:
    """A fault that fires and does no harm without the control proves nothing about it."""
    report = run_drill(
        expiry(faults=(Stall(after_share=0.5, lasting=hours(1), times=1, spare_batches=1),)), game
    )

    assert (Verdict.INCONCLUSIVE, "the faults did no harm even without the controls") == (
        report.verdict,
        report.because,
    )


def test_the_neutral_members_make_a_good_day(game: Game) -> None:
    """Who begins a drill from them has one that passes, and claims nothing but that."""
    report = run_drill(expiry(faults=(), sabotage=(NoSabotage(),)), game)

    assert Verdict.PASS is report.verdict, report.because
    assert report.because.endswith("they do no harm")


class Raises:
    """A check that is broken itself."""

    def judge(self, record: Record) -> object:
        raise LookupError(f"cannot see {len(record.rows)} rows")


class Blind:
    """A check that never sees anything."""

    def judge(self, record: Record) -> object:
        return EveryRowAnswered().judge(replace(record, rows=()))


def test_a_raising_check_is_an_error_of_the_harness(game: Game) -> None:
    """A check that raises neither passes nor fails the pipeline."""
    report = run_drill(expiry(checks=(Raises(),)), game)

    assert Verdict.ERROR is report.verdict
    assert "Raises" in report.because


def test_a_blind_check_proves_nothing(game: Game) -> None:
    """A check that looked at nothing is not taken for one that found nothing."""
    checks: tuple[Check, ...] = (*expiry().checks, Blind())  # type: ignore[arg-type]
    report = run_drill(expiry(checks=checks), game)

    assert Verdict.INCONCLUSIVE is report.verdict
    assert "saw nothing" in report.because


def test_a_drill_that_runs_nothing_is_not_green(game: Game) -> None:
    """A script that forgets to run the pipeline is a broken harness, not a pass."""

    def nothing(world: World) -> None:
        world.rows()

    report = run_drill(expiry(script=nothing), game)

    assert Verdict.ERROR is report.verdict


def test_a_script_that_exits_is_an_error_of_the_harness(game: Game) -> None:
    """Leaving with code 0 in the middle of a drill does not make the game day green."""

    def leave(world: World) -> None:
        world.rows()
        raise SystemExit(0)

    assert Verdict.ERROR is run_drill(expiry(script=leave), game).verdict


def test_a_second_run_in_one_world_is_refused(game: Game) -> None:
    """The books of a second job would hide what the first one cost."""

    def twice(world: World) -> None:
        world.run(world.rows(100))
        world.run(world.rows(100))

    report = run_drill(expiry(script=twice), game)

    assert Verdict.ERROR is report.verdict
    assert "one job" in report.error


def test_no_rows_are_not_green(game: Game) -> None:
    """A pipeline without rows crashes on a calm day, and that is a failure."""

    def no_rows(world: World) -> None:
        world.run(world.rows(0))

    report = run_drill(expiry(script=no_rows), game)

    assert Verdict.FAIL is report.verdict


def test_a_pipeline_that_crashes_on_a_calm_day_fails(game: Game) -> None:
    """A dead pipeline harms nothing; it is not green for that."""

    def crash(world: World) -> None:
        world.run(world.rows())
        world.status, world.why = "crashed", "planted"

    report = run_drill(expiry(script=crash), game)

    assert (Verdict.FAIL, "it breaks on a good day") == (report.verdict, report.because)


def test_the_same_seed_gives_the_same_report_and_another_seed_another(game: Game) -> None:
    """A drill is a function of its seed."""
    drill = select(["dropped_rows_are_noticed"])[0]
    first, again = run_drill(drill, game), run_drill(drill, game)
    other = run_drill(drill, open_game(None, None, seed=4))

    assert first == again
    assert first.arms != other.arms


@pytest.mark.parametrize("seed", range(20, 26))
def test_calm_days_raise_no_alarm_whatever_the_seed(seed: int) -> None:
    """The guardrails are quiet on good days; `python -m benchmarks.calm 1000` tries more seeds."""
    assert "" == calm.calm_day(seed)


def test_a_calm_day_that_is_not_calm_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runner of many seeds can hear: a canary that demands too much halts a good day."""
    made = calm.shipped()
    canary = msgspec.structs.replace(made.job_type.canary, min_accuracy=0.99)
    strict = replace(made, job_type=msgspec.structs.replace(made.job_type, canary=canary))
    monkeypatch.setattr(calm, "shipped", lambda: strict)

    assert "the canary of 40 rows is inconclusive" in calm.calm_day(20)
