"""Drill: not in the list is not the same as not there."""

from controls import IdempotentSubmit
from scenarios import (
    DamageIsHeard,
    EveryRowAnswered,
    LooksOnce,
    NoRowPaidTwice,
    NothingBeyondTheRows,
    World,
    drill,
)
from simulator import seconds
from simulator.faults import LostReply, MissingFromList


@drill(
    defends_against="accidental resubmission",
    faults=[LostReply(spare_batches=1), MissingFromList(lasting=seconds(15), spare_batches=1)],
    controls=[IdempotentSubmit],
    instead=[LooksOnce()],
    checks=[NoRowPaidTwice(), NothingBeyondTheRows(), EveryRowAnswered(), DamageIsHeard()],
)
def lagging_list_is_read_again(world: World) -> None:
    """A batch whose reply was lost is found although the list does not show it at once.

    The create landed and its reply was lost. A pipeline that knows this looks into the list of
    batches; but the list is some seconds behind. Who looks once sends the rows a second time.
    """
    world.run(world.rows(200))
