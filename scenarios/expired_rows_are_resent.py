"""Drill: a batch that ends on time can still be half empty."""

from controls import Requeue
from scenarios import (
    DamageIsHeard,
    EndsWithin,
    EveryRowAnswered,
    NoRowPaidTwice,
    SpendWithinApproval,
    World,
    drill,
)
from simulator import hours
from simulator.faults import Stall


@drill(
    defends_against="expiry and timeout",
    faults=[Stall(after_share=0.5, lasting=hours(25), times=1, spare_batches=1)],
    controls=[Requeue],
    checks=[
        EveryRowAnswered(),
        NoRowPaidTwice(),
        SpendWithinApproval(),
        EndsWithin(hours(72)),
        DamageIsHeard(),
    ],
)
def expired_rows_are_resent(world: World) -> None:
    """Rows that run out of time are sent again, once, within the budget.

    The service stops half-way through. After 24 hours the batch ends on schedule, and half of its
    rows come back as `expired`. A pipeline that only waits for `ended` is left without them.
    """
    world.run(world.rows(100))
