"""Drill: the sum is right, and rows are missing."""

from controls import Reconciliation
from scenarios import (
    DamageIsHeard,
    EveryRowAccountedFor,
    EveryRowAnswered,
    NoRowPaidTwice,
    World,
    drill,
)
from simulator.faults import RowsDuplicated, RowsMissing


@drill(
    defends_against="silent partial drop",
    faults=[
        RowsMissing(share=0.02, spare_batches=1),
        RowsDuplicated(share=0.03, times=1, spare_batches=1),
    ],
    controls=[Reconciliation],
    checks=[EveryRowAccountedFor(), EveryRowAnswered(), NoRowPaidTwice(), DamageIsHeard()],
    at_least=200,
)
def doubled_rows_do_not_hide_lost_ones(world: World) -> None:
    """Rows that are missing are noticed although others stand there twice.

    The first download has at least as many lines as were sent, so whoever counts lines is content.
    Only an account per id sees which rows never came.
    """
    world.run(world.rows(600))
