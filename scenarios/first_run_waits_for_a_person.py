"""Drill: every number was fine, and nobody had looked."""

from controls import FirstRun
from scenarios import (
    DamageIsHeard,
    EveryRowAnswered,
    FirstOfItsKind,
    OnlyTheCanaryBeforeAPerson,
    World,
    drill,
)
from simulator import hours


@drill(
    defends_against="unapproved policy",
    sabotage=[FirstOfItsKind()],
    controls=[FirstRun],
    checks=[OnlyTheCanaryBeforeAPerson(), EveryRowAnswered(), DamageIsHeard()],
    at_least=400,
)
def first_run_waits_for_a_person(world: World) -> None:
    """The first run of a job type stops after its canary, and goes on when a person says so.

    All bounds are kept, and that is all that bounds can say. Three hours later somebody has read
    real answers of real rows; until then only the canary was sent.
    """
    world.operator.lets_it_go(after=hours(3))
    world.run(world.rows(400))
