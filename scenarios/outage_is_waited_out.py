"""Drill: who asks a broken service twice a minute knows nothing new."""

from controls import CircuitBreaker
from scenarios import OFTEN, DamageIsHeard, Errand, RowsAnswered, World, drill
from simulator import minutes
from simulator.faults import EndsAtOnce, SchemaDrift, first


@drill(
    defends_against="outage of the service",
    faults=[SchemaDrift(share=1.0, during=first(minutes(6))), EndsAtOnce()],
    controls=[CircuitBreaker],
    checks=[RowsAnswered(at_least=0.25), DamageIsHeard()],
    at_least=140,
)
def outage_is_waited_out(world: World) -> None:
    """Jobs that come during an outage wait until it is over, and are answered then.

    For six minutes every answer is broken. A job a minute begins, pays for its canary and is
    lost. After five of them nobody is let through for ten minutes, and by then it is over.
    """
    rows = world.rows(140)
    world.run_together(
        *(Errand(rows[20 * n : 20 * n + 20], after=minutes(n)) for n in range(7)),
        polling=OFTEN,
    )
