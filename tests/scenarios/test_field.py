"""The pipelines of the field: bad habits, but no fault of their own."""

from __future__ import annotations

import pytest

from controls import BatchRunner
from reports import ArmName
from scenarios import EveryRowAnswered, NoAlarm, NoRowPaidTwice, SpendWithinApproval, World, drill
from scenarios.harness import field
from scenarios.harness.arms import CalmRuns, run_arm
from scenarios.harness.field import FieldPipeline
from scenarios.harness.game import open_game
from scenarios.harness.world import Game
from simulator.faults import NoFault

HABITS = [
    habit
    for habit in vars(field).values()
    if isinstance(habit, type) and issubclass(habit, FieldPipeline)
]


@pytest.fixture(scope="module")
def game() -> Game:
    """The default game: seeded tickets."""
    return open_game(None, None, seed=5)


@pytest.mark.parametrize("habit", HABITS)
def test_every_habit_does_well_on_a_good_day(habit: type[FieldPipeline], game: Game) -> None:
    """So where a bare arm breaks, it breaks because of the drill's fault."""

    @drill(
        defends_against="nothing",
        faults=[NoFault()],
        controls=[BatchRunner],
        instead=[habit()],
        checks=[EveryRowAnswered(), NoRowPaidTwice(), NoAlarm(), SpendWithinApproval()],
    )
    def a_good_day(world: World) -> None:
        """Nothing goes wrong."""
        world.run(world.rows(120))

    result = run_arm(a_good_day, ArmName.BARE, CalmRuns(game))

    assert result.report is not None, result.problem
    assert ("done", True) == (result.report.ended, result.report.held)
