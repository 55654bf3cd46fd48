"""Drill: somebody else has the key."""

from controls import look_over
from scenarios import StrangerBatch, StrangersAreTold, World, drill
from simulator import hours


@drill(
    defends_against="nobody is watching",
    sabotage=[StrangerBatch()],
    controls=[look_over],
    checks=[StrangersAreTold()],
    at_least=100,
)
def stranger_batch_is_told(world: World) -> None:
    """A batch that no ledger knows is told to a person; those of the jobs are not.

    A colleague has sent a batch from a notebook, with the key of production. It is billed to the
    account, holds who knows what, and is in no ledger: no pipeline will ever look at it.
    """
    world.operator.patrols(every=hours(1), until=hours(2))
    world.run(world.rows(100))
