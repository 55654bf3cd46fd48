"""Drill: a list can lead back to its own beginning."""

from controls import BatchRunner
from scenarios import (
    DamageIsHeard,
    EndsWithin,
    EveryRowAnswered,
    NoRowPaidTwice,
    WalksTheList,
    World,
    drill,
)
from simulator import hours
from simulator.faults import LostReply, StuckPage


@drill(
    defends_against="accidental resubmission",
    faults=[LostReply(spare_batches=1)],
    each=[StuckPage(spare_batches=1)],
    controls=[BatchRunner],
    instead=[WalksTheList()],
    checks=[EveryRowAnswered(), NoRowPaidTwice(), EndsWithin(hours(30)), DamageIsHeard()],
)
def endless_list_is_left(world: World) -> None:
    """The search for a lost batch ends although the list of batches does not.

    Each page says that there is more and leads to itself. Whoever walks through the whole list
    before it decides walks for ever; the runner stops at the first batch that it has seen before,
    and at those that are older than its intention.
    """
    world.run(world.rows(200))
