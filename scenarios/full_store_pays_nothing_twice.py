"""Drill: the money is spent, the disk is full."""

from controls import IdempotentSubmit
from scenarios import DamageIsHeard, EveryRowAnswered, NoRowPaidTwice, StoreFails, World, drill


@drill(
    defends_against="crash of the pipeline",
    sabotage=[StoreFails(entry="created", says="database or disk is full")],
    controls=[IdempotentSubmit],
    checks=[NoRowPaidTwice(), EveryRowAnswered(), DamageIsHeard()],
)
def full_store_pays_nothing_twice(world: World) -> None:
    """A batch that could not be written down, as the disk was full, is found again.

    The create call went well, and the store refuses the entry that says so. Somebody makes room
    and starts the job again; the batch it made is at the service, and will be billed.
    """
    world.run(world.rows(200))
