"""Drill: bad days come in pairs."""

from controls import Requeue
from scenarios import (
    DamageIsHeard,
    EndsWithin,
    EveryRowAnswered,
    NoRowPaidTwice,
    World,
    drill,
)
from simulator import hours
from simulator.faults import Stall


@drill(
    defends_against="expiry and timeout",
    faults=[Stall(after_share=0.5, lasting=hours(25), times=2, spare_batches=1)],
    controls=[Requeue],
    checks=[EveryRowAnswered(), NoRowPaidTwice(), EndsWithin(hours(72)), DamageIsHeard()],
)
def second_bad_day_is_survived(world: World) -> None:
    """Rows that expire twice are sent a third time, as the job type allows.

    The day after the service has stopped half-way through, it does so again with what was sent a
    second time. The last quarter of the rows is still missing, and there is one round left.
    """
    world.run(world.rows(400))
