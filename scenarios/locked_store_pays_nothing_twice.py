"""Drill: somebody had the database open."""

from controls import IdempotentSubmit
from scenarios import DamageIsHeard, EveryRowAnswered, NoRowPaidTwice, StoreFails, World, drill


@drill(
    defends_against="crash of the pipeline",
    sabotage=[StoreFails(entry="created", number=1, says="database is locked")],
    controls=[IdempotentSubmit],
    checks=[NoRowPaidTwice(), EveryRowAnswered(), DamageIsHeard()],
)
def locked_store_pays_nothing_twice(world: World) -> None:
    """A batch that could not be written down, as the store was locked, is found again.

    A backup holds the store for longer than anybody waits for it, just as the canary was created.
    The job crashes and is started again; its canary is at the service already.
    """
    world.run(world.rows(200))
