"""Drill: a page without batches is not the end of the list."""

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
from simulator.faults import EmptyPageWithMore, LostReply


@drill(
    defends_against="accidental resubmission",
    faults=[LostReply(spare_batches=1), EmptyPageWithMore(times=1, spare_batches=1)],
    controls=[BatchRunner],
    instead=[WalksTheList()],
    checks=[EveryRowAnswered(), NoRowPaidTwice(), EndsWithin(hours(30)), DamageIsHeard()],
)
def empty_page_is_not_the_end(world: World) -> None:
    """The search for a lost batch does not end at an empty page that says that there is more.

    The client's iterator takes such a page for the end of the list. Whoever believes it has lost
    the batch that was paid for, and does not even know it.
    """
    world.run(world.rows(200))
