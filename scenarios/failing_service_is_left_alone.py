"""Drill: one job fails, and the next forty pay to learn the same."""

from controls import CircuitBreaker
from scenarios import DamageIsHeard, Errand, SentAtMost, World, drill
from simulator import hours
from simulator.faults import SchemaDrift


@drill(
    defends_against="outage of the service",
    faults=[SchemaDrift(share=1.0)],
    controls=[CircuitBreaker],
    checks=[SentAtMost(7 * 20), DamageIsHeard()],
    at_least=160,
)
def failing_service_is_left_alone(world: World) -> None:
    """After five bad batches in a row new spending stops; two probes are all that follows.

    Every answer of this day is broken, and every answer is billed. Each job of the schedule has
    its own canary, so each of them pays for one; only together could they know better.
    """
    rows = world.rows(160)
    world.run_together(*(Errand(rows[20 * n : 20 * n + 20], after=hours(2 * n)) for n in range(8)))
