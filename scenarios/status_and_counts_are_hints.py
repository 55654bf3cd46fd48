"""Drill: only `ended` means ended."""

from controls import BatchRunner
from scenarios import (
    EndsWithin,
    EveryRowAnswered,
    GoesByTheCounts,
    GoesByTheServicesClock,
    NoRowPaidTwice,
    WaitsToSeeItRun,
    WaitsWhileInProgress,
    World,
    drill,
)
from simulator import hours
from simulator.faults import ClockSkew, EndsAtOnce, GradualCounts, UnknownStatus


@drill(
    defends_against="lost track of a batch",
    each=[
        [UnknownStatus(spare_batches=1), WaitsWhileInProgress()],
        [EndsAtOnce(spare_batches=1), WaitsToSeeItRun()],
        [GradualCounts(spare_batches=1), GoesByTheCounts()],
        [ClockSkew(by=hours(-25)), GoesByTheServicesClock()],
    ],
    controls=[BatchRunner],
    checks=[EveryRowAnswered(), NoRowPaidTwice(), EndsWithin(hours(30))],
)
def status_and_counts_are_hints(world: World) -> None:
    """A batch is read when it has ended, whatever else its status, counts and times say.

    A status that nobody knows is no end; a batch may end before it was ever seen to run; counts of
    a running batch are no results; the clock of the service is not ours. Each of these has been
    taken for the end of a batch, or for its failure, or was waited for in vain.
    """
    world.run(world.rows(200))
