"""Drill: a deadline of the service is not a deadline of yours."""

from controls import BatchRunner
from scenarios import DamageIsHeard, EndsWithin, EveryRowAccountedFor, World, drill
from simulator import hours
from simulator.faults import NeverEnds


@drill(
    defends_against="expiry and timeout",
    faults=[NeverEnds(spare_batches=1)],
    controls=[BatchRunner],
    checks=[EveryRowAccountedFor(), EndsWithin(hours(30)), DamageIsHeard()],
)
def stuck_batch_is_given_up(world: World) -> None:
    """A batch that has not ended an hour after its 24 hours is told to a person.

    The service promises that a batch ends within a day. This one does not, and a loop that waits
    for `ended` and for nothing else waits for the rest of its life, without a word.
    """
    world.run(world.rows(200))
