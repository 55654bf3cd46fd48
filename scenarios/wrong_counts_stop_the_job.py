"""Drill: two numbers of one truth do not agree."""

from controls import BatchRunner
from scenarios import DamageIsHeard, EndsWithin, EveryRowAccountedFor, GoesByTheCounts, World, drill
from simulator import hours
from simulator.faults import CountsDoNotAddUp


@drill(
    defends_against="silent partial drop",
    faults=[CountsDoNotAddUp(by=1, spare_batches=1)],
    controls=[BatchRunner],
    instead=[GoesByTheCounts()],
    checks=[EveryRowAccountedFor(), EndsWithin(hours(30)), DamageIsHeard()],
)
def wrong_counts_stop_the_job(world: World) -> None:
    """Counts that contradict the results stop the job within minutes, and a person hears of it.

    The batch says that one row more succeeded than the file holds. Either may be right. Whoever
    reads the file again until it has as many lines as were counted never stops.
    """
    world.run(world.rows(60))
