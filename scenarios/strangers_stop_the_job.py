"""Drill: an answer that nobody asked for."""

from controls import BatchRunner
from scenarios import (
    DamageIsHeard,
    EveryRowAccountedFor,
    EveryValueFromItsOwnRow,
    TakesIdsForKeys,
    World,
    drill,
)
from simulator.faults import UnknownRows


@drill(
    defends_against="wrong source mapping",
    faults=[UnknownRows(3, spare_batches=1)],
    controls=[BatchRunner],
    instead=[TakesIdsForKeys()],
    checks=[EveryValueFromItsOwnRow(), EveryRowAccountedFor(), DamageIsHeard()],
)
def strangers_stop_the_job(world: World) -> None:
    """Results of rows that were never sent reach nobody's table, and stop the job.

    The file holds rows under ids that this job never used: of another job, or of nobody. A load
    that takes the id for the key writes them down as if they were its own.
    """
    world.run(world.rows(200))
