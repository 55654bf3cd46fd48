"""Drill: at the end of the day it is too late."""

from controls import Watchdog
from scenarios import OFTEN, HeardWithin, World, drill
from simulator import hours
from simulator.faults import Stall


@drill(
    defends_against="expiry and timeout",
    each={
        "expires": Stall(after_share=0.5, lasting=hours(25), times=1, spare_batches=1),
        "ends_just_in_time": Stall(after_share=0.5, lasting=hours(22), times=1, spare_batches=1),
    },
    controls=[Watchdog],
    checks=[HeardWithin(hours(21))],
)
def late_batch_is_told_before_it_expires(world: World) -> None:
    """The owner hears of a batch that nears its 24 hours while there is still time to act.

    The service stops half-way through, for good or for most of a day. Four hours before the end
    nobody can tell which: somebody could still cancel, send the rest elsewhere, or tell those who
    wait for it; after the end there is nothing to do.
    """
    world.run(world.rows(400), polling=OFTEN)
