"""Drill: what is left of a sample is another sample."""

from controls import QuarantineThreshold
from scenarios import DamageIsHeard, NothingPromotedBeyond, World, drill
from simulator.faults import SchemaDrift


@drill(
    defends_against="schema drift in outputs",
    faults=[SchemaDrift(share=0.4, spare_batches=1)],
    controls=[QuarantineThreshold],
    checks=[NothingPromotedBeyond(0.25), DamageIsHeard()],
    at_least=400,
)
def spoiled_half_is_not_promoted(world: World) -> None:
    """When a quarter of the rows and more is kept back, none of the others is promoted.

    After the canary two answers of five are broken. Each of them is caught, and what is left is
    all right, row by row; as a whole it says something else than the rows do.
    """
    world.run(world.rows(400))
