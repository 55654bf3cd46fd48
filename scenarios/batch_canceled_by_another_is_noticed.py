"""Drill: a workspace has more than one operator."""

from controls import Reconciliation, Requeue
from scenarios import DamageIsHeard, EveryRowAccountedFor, NoRowPaidTwice, World, drill
from simulator import hours
from simulator.faults import CanceledByAnotherOperator, Stall


@drill(
    defends_against="silent partial drop",
    faults=[
        Stall(after_share=0.5, lasting=hours(2), times=1, spare_batches=1),
        CanceledByAnotherOperator(after=hours(1), spare_batches=1),
    ],
    controls=[Reconciliation, Requeue],
    checks=[EveryRowAccountedFor(), NoRowPaidTwice(), DamageIsHeard()],
)
def batch_canceled_by_another_is_noticed(world: World) -> None:
    """Rows of a batch that somebody else canceled are set aside, and its owner hears of it.

    Any key of the workspace may cancel any batch, and nothing tells who it was. It is a slow
    day; the batch ends as if nothing were wrong, half of its rows answered, the others `canceled`.
    """
    world.run(world.rows(200))
