"""Drill: half of it was there already."""

from controls import Staging
from scenarios import DamageIsHeard, NoTornJobPromoted, World, drill
from simulator.faults import UnknownRows


@drill(
    defends_against="bad write to production",
    faults=[UnknownRows(count=1, spare_batches=3)],
    controls=[Staging],
    checks=[NoTornJobPromoted(), DamageIsHeard()],
    at_least=200,
)
def halted_job_leaves_nothing_half_written(world: World) -> None:
    """A job that is halted in the middle has written nothing: the record never shows a part of it.

    The fourth batch brings rows that nobody has sent, and the job stops there. Whoever writes
    answers as they come has the first batches in the table, and nobody knows which rows they are.
    """
    world.run(world.rows(200), batches_of=30)
