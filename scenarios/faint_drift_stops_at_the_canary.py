"""Drill: five answers that look well."""

from controls import Canary
from scenarios import (
    LABELS_OF_THE_JOB,
    DamageIsHeard,
    EveryRowAccountedFor,
    EveryValueFromItsOwnRow,
    LooksAtFive,
    World,
    drill,
)
from simulator.faults import WrongButValid


@drill(
    defends_against="poisoned prompt template",
    faults=[WrongButValid(share=0.5, labels=LABELS_OF_THE_JOB)],
    controls=[Canary],
    instead=[LooksAtFive()],
    checks=[EveryValueFromItsOwnRow(), EveryRowAccountedFor(), DamageIsHeard()],
)
def faint_drift_stops_at_the_canary(world: World) -> None:
    """Labels that are wrong in half of the rows do not pass a canary that counts.

    Every answer is valid and the mix of labels is hardly off, so a look at five answers finds
    nothing. A slice that is graded against known answers, with a bound on what it may have missed,
    does not let the rest go.
    """
    world.run(world.rows(200))
