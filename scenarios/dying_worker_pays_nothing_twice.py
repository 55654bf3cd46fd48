"""Drill: the answer came, and nobody was left to hear it."""

from controls import IdempotentSubmit
from scenarios import DamageIsHeard, EveryRowAnswered, NoRowPaidTwice, WorkerDies, World, drill


@drill(
    defends_against="crash of the pipeline",
    sabotage=[WorkerDies()],
    controls=[IdempotentSubmit],
    checks=[NoRowPaidTwice(), EveryRowAnswered(), DamageIsHeard()],
)
def dying_worker_pays_nothing_twice(world: World) -> None:
    """A worker that dies between the reply and its own notes adopts its batch when it is back.

    The service has accepted the batch, and the process is killed before it could write down which.
    Started again it finds an intention without an outcome; who then simply sends pays twice.
    """
    world.run(world.rows(200))
