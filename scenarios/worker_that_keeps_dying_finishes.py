"""Drill: twelve deaths, one job."""

from controls import IdempotentSubmit
from scenarios import EveryRowAnswered, NoRowPaidTwice, WorkerKeepsDying, World, drill


@drill(
    defends_against="crash of the pipeline",
    sabotage=[WorkerKeepsDying(deaths=12)],
    controls=[IdempotentSubmit],
    checks=[EveryRowAnswered(), NoRowPaidTwice()],
    at_least=200,
)
def worker_that_keeps_dying_finishes(world: World) -> None:
    """A worker that is killed again and again, at any step, still brings every row home once.

    It dies after calls whose reply it never hears and in transactions that never end, also while
    it is cleaning up behind its last death. What it knows of the job stands in the store.
    """
    world.run(world.rows(200), batches_of=60)
