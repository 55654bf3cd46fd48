"""Drill: what is over before one looks was never seen to run."""

from controls import BatchRunner
from scenarios import EndsWithin, EveryRowAnswered, NoRowPaidTwice, WaitsToSeeItRun, World, drill
from simulator import hours
from simulator.faults import EndsAtOnce


@drill(
    defends_against="lost track of a batch",
    faults=[EndsAtOnce(spare_batches=1)],
    controls=[BatchRunner],
    instead=[WaitsToSeeItRun()],
    checks=[EveryRowAnswered(), NoRowPaidTwice(), EndsWithin(hours(30))],
)
def batch_that_ends_at_once_is_read(world: World) -> None:
    """A batch that has ended by the first poll is read like any other.

    A small batch on a quiet day is done before anybody asks. Whoever waits to see it `in_progress`
    before it waits for the end waits in vain, with all answers ready.
    """
    world.run(world.rows(200))
