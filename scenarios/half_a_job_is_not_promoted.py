"""Drill: the half that worked is no sample of the whole."""

from controls import QuarantineThreshold
from scenarios import DamageIsHeard, EveryRowAccountedFor, NoTornJobPromoted, World, drill
from simulator.faults import CreditExhausted


@drill(
    defends_against="silent partial drop",
    faults=[CreditExhausted(after_requests=80, spare_batches=1)],
    controls=[QuarantineThreshold],
    checks=[NoTornJobPromoted(), EveryRowAccountedFor(), DamageIsHeard()],
    at_least=200,
)
def half_a_job_is_not_promoted(world: World) -> None:
    """A job of which half was kept back is not promoted until somebody has looked.

    The credit ends in the middle. All other rows are answered and right, and what is downstream
    would take them for the whole table.
    """
    world.run(world.rows(200))
