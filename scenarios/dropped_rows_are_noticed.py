"""Drill: the most common incident makes no noise at all."""

from controls import Reconciliation, Requeue
from scenarios import (
    DamageIsHeard,
    EveryRowAccountedFor,
    NoRowPaidTwice,
    RowsAnswered,
    SpendWithinApproval,
    World,
    drill,
)
from simulator.faults import RowsErrored, RowsExpired, RowsMissing


@drill(
    defends_against="silent partial drop",
    faults=[
        RowsErrored(share=0.03, spare_batches=1),
        RowsExpired(share=0.02, spare_batches=1),
        RowsMissing(share=0.02, times=1, spare_batches=1),
    ],
    controls=[Reconciliation, Requeue],
    checks=[
        EveryRowAccountedFor(),
        RowsAnswered(at_least=0.99),
        NoRowPaidTwice(),
        SpendWithinApproval(),
        DamageIsHeard(),
    ],
    at_least=200,
)
def dropped_rows_are_noticed(world: World) -> None:
    """Rows that errored, expired or are missing from the results are counted and brought home.

    After a clean canary the batch ends with a mix of outcomes, and the first download of the
    results is short. A pipeline that only reads what succeeded loses every twentieth row; its
    numbers look slightly off, and no alarm is raised.
    """
    world.run(world.rows(600))
