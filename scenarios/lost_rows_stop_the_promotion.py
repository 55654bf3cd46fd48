"""Drill: what does not come back at the third reading does not come back."""

from controls import Reconciliation
from scenarios import DamageIsHeard, EveryRowAccountedFor, NoRowPaidTwice, World, drill
from simulator.faults import RowsMissing


@drill(
    defends_against="silent partial drop",
    faults=[RowsMissing(share=0.02, times=None, spare_batches=1)],
    controls=[Reconciliation],
    checks=[EveryRowAccountedFor(), NoRowPaidTwice(), DamageIsHeard()],
    at_least=200,
)
def lost_rows_stop_the_promotion(world: World) -> None:
    """Rows that are missing from every download are an incident: nothing is promoted without them.

    Each download is short by other rows or the same ones, however often it is repeated. A pipeline
    that reads what is there and calls it done has lost them for good.
    """
    world.run(world.rows(600))
