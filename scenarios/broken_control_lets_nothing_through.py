"""Drill: the check raised, so nothing was wrong."""

from controls import CostCeiling
from scenarios import ControlBreaks, DamageIsHeard, SentAtMost, World, drill


@drill(
    defends_against="the checker itself is broken",
    sabotage=[ControlBreaks(CostCeiling)],
    controls=[CostCeiling],
    checks=[SentAtMost(0), DamageIsHeard()],
)
def broken_control_lets_nothing_through(world: World) -> None:
    """A control that raises stops the job: what cannot be checked is not sent.

    Somebody has divided by zero in the check of the costs. The usual pipeline catches the error of
    a check, writes a warning, and goes on as if it had been asked and had agreed.
    """
    world.run(world.rows(200))
