"""Drill: only `ended` means ended."""

from controls import BatchRunner
from scenarios import (
    EndsWithin,
    EveryRowAnswered,
    GoesByTheCounts,
    GoesByTheServicesClock,
    NoRowPaidTwice,
    WaitsWhileInProgress,
    World,
    drill,
)
from simulator import hours
from simulator.faults import ClockSkew, GradualCounts, Stall, UnknownStatus


@drill(
    defends_against="lost track of a batch",
    faults=[Stall(after_share=0.5, lasting=hours(1), times=1, spare_batches=1)],
    each=[
        [UnknownStatus(spare_batches=1), WaitsWhileInProgress()],
        [GradualCounts(spare_batches=1), GoesByTheCounts()],
        [ClockSkew(by=hours(-25), spare_batches=1), GoesByTheServicesClock()],
    ],
    controls=[BatchRunner],
    checks=[EveryRowAnswered(), NoRowPaidTwice(), EndsWithin(hours(30))],
)
def status_and_counts_are_hints(world: World) -> None:
    """A batch is read when it has ended, whatever else its status, counts and times say.

    The batch takes an hour longer than usual. A status that nobody knows is no end; counts of a
    running batch are no results; the clock of the service is not ours. Each of these has been taken
    for the end of a batch, or for its failure.
    """
    world.run(world.rows(200))
