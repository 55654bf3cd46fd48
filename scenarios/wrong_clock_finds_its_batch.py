"""Drill: the machine thinks it is later than it is."""

from controls import IdempotentSubmit
from scenarios import ClockIsOff, EveryRowAnswered, NoRowPaidTwice, World, drill
from simulator import minutes
from simulator.faults import Endpoint, LostReply


@drill(
    defends_against="accidental resubmission",
    sabotage=[ClockIsOff(by=minutes(50))],
    faults=[LostReply(on=Endpoint.CREATE, times=1, spare_batches=1)],
    controls=[IdempotentSubmit],
    checks=[NoRowPaidTwice(), EveryRowAnswered()],
)
def wrong_clock_finds_its_batch(world: World) -> None:
    """A batch whose reply was lost is found also when the worker's clock is far ahead.

    The worker looks for a batch that was created since it intended to create one. By its own clock
    the batch is almost an hour older than that, so it is not looked at, and everything goes again.
    """
    world.run(world.rows(200))
