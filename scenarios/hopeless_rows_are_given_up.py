"""Drill: who tries for ever pays attention to nothing else."""

from controls import Requeue
from scenarios import (
    DamageIsHeard,
    EveryRowAccountedFor,
    NoRowSentTooOften,
    RowsAnswered,
    World,
    drill,
)
from simulator.faults import RowsErrored


@drill(
    defends_against="expiry and timeout",
    faults=[RowsErrored(share=0.4, spare_batches=1)],
    controls=[Requeue],
    checks=[
        EveryRowAccountedFor(),
        RowsAnswered(at_least=0.89),
        NoRowSentTooOften(),
        DamageIsHeard(),
    ],
    at_least=400,
)
def hopeless_rows_are_given_up(world: World) -> None:
    """Rows that fail in every round are set aside with their reason; the others are brought home.

    The service is overloaded all day and gives up two rows of five in every batch. Most of them
    come through at the second or third try; for the few that do not there is no fourth.
    """
    world.run(world.rows(600))
