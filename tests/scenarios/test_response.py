"""What was done about harm, and when: from the books, in virtual time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from controls import CostCeiling, Quarantine, Requeue
from reports import ArmName, ArmReport, DrillReport, Phase, Verdict
from scenarios import (
    EveryRowAccountedFor,
    EveryRowAnswered,
    NothingWasSent,
    UncappedOutput,
    World,
    drill,
)
from scenarios.harness.arms import CalmRuns, run_drill
from scenarios.harness.game import open_game
from simulator import hours
from simulator.faults import SchemaDrift, Stall

ROWS = 60


@pytest.fixture(scope="module")
def day() -> CalmRuns:
    """One game for all drills of this file."""
    return CalmRuns(open_game(None, None, 0))


@drill(
    defends_against="expiry",
    faults=[Stall(after_share=0.5, lasting=hours(25), times=1, spare_batches=1)],
    controls=[Requeue],
    checks=[EveryRowAnswered()],
)
def expiring(world: World) -> None:
    """Rows that run out of time are sent again.

    They come back a day later.
    """
    world.run(world.rows(ROWS))


@drill(
    defends_against="broken answers",
    faults=[SchemaDrift(share=0.2, spare_batches=1)],
    controls=[Quarantine],
    checks=[EveryRowAccountedFor()],
)
def drifting(world: World) -> None:
    """Answers of another shape are set aside.

    A fifth of them is.
    """
    world.run(world.rows(ROWS))


@drill(
    defends_against="overspend",
    sabotage=[UncappedOutput(max_tokens=128_000)],
    controls=[CostCeiling],
    checks=[NothingWasSent()],
)
def spending(world: World) -> None:
    """A job that could cost too much is not begun.

    Its answers may be long.
    """
    world.run(world.rows(ROWS))


def guarded(report: DrillReport) -> ArmReport:
    """The arm with controls."""
    arm = report.arm(ArmName.GUARDED)
    assert arm is not None, report.error
    return arm


def test_a_stall_is_noticed_held_back_and_made_good_in_this_order(day: CalmRuns) -> None:
    """A day after it struck; and the calm arm has nothing of it."""
    report = run_drill(expiring, day.game, day)
    response = guarded(report).response

    assert response.struck is not None
    assert "fault" == response.struck.who
    spans = (response.time_to_detect, response.time_to_mitigate, response.time_to_recover)
    assert all(span is not None and span > timedelta(hours=11) for span in spans)
    assert sorted(span for span in spans if span is not None) == list(spans)
    calm = report.arm(ArmName.CALM)
    assert calm is not None
    assert calm.response.struck is None


def test_rows_set_aside_are_held_back(day: CalmRuns) -> None:
    """Quarantine is an act, and the job is whole with them aside; or it stopped, and is rolled
    back."""
    response = guarded(run_drill(drifting, day.game, day)).response

    assert response.mitigated is not None
    assert response.recovered is not None
    assert response.detected is not None


def test_what_was_changed_before_the_start_strikes_at_zero(day: CalmRuns) -> None:
    """It is refused at once, and the record is as it was."""
    report = run_drill(spending, day.game, day)
    response = guarded(report).response

    assert Verdict.PASS is report.verdict
    assert response.struck is not None
    assert ("sabotage", timedelta()) == (response.struck.who, response.struck.at)
    assert timedelta() == response.time_to_mitigate
    assert response.recovered is not None
    assert "equals its state before the job" in response.recovered.what


def test_an_arm_that_harm_got_past_is_neither_held_back_nor_whole(day: CalmRuns) -> None:
    """Without the control the job sends what it may not, and is content."""
    report = run_drill(spending, day.game, day)
    bare = report.arm(ArmName.BARE)

    assert bare is not None
    assert bare.response.mitigated is None
    assert bare.response.recovered is None


@pytest.mark.parametrize("chosen", [expiring, drifting, spending], ids=lambda one: one.name)
def test_the_runbook_is_executed_and_proved(chosen: object, day: CalmRuns) -> None:
    """Each step is a command, what it showed, and whether it did what it is for."""
    report = run_drill(chosen, day.game, day)  # type: ignore[arg-type]
    stop, assess, reverse = report.runbook

    assert [Phase.STOP, Phase.ASSESS, Phase.REVERSE] == [step.phase for step in report.runbook]
    assert all(step.worked for step in report.runbook)
    assert stop.command.startswith("gameday halt game_1 ")
    assert "sent 0 batches and promoted 0 rows" in stop.result
    assert assess.command.startswith("gameday assess game_1 ")
    assert f"{ROWS} rows by custom_id" in assess.result
    assert reverse.command.startswith("gameday rollback game_1 ")
    assert report.restored
