"""Drill: a workspace has more than one operator."""

from controls import Reconciliation, Requeue
from scenarios import DamageIsHeard, EveryRowAccountedFor, NoRowPaidTwice, World, drill
from simulator import seconds
from simulator.faults import CanceledByAnotherOperator


@drill(
    defends_against="silent partial drop",
    faults=[CanceledByAnotherOperator(after=seconds(30), spare_batches=1)],
    controls=[Reconciliation, Requeue],
    checks=[EveryRowAccountedFor(), NoRowPaidTwice(), DamageIsHeard()],
)
def batch_canceled_by_another_is_noticed(world: World) -> None:
    """Rows of a batch that somebody else canceled are set aside, and its owner hears of it.

    Any key of the workspace may cancel any batch, and nothing tells who it was. The batch ends as
    if nothing were wrong, a few rows answered, the others `canceled`.
    """
    world.run(world.rows(200))
