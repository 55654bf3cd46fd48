"""Drill: an off-by-a-join error, and nobody notices until the invoice."""

from controls import CostCeiling
from scenarios import (
    DamageIsHeard,
    NothingWasSent,
    RunawayJoin,
    SpendWithinApproval,
    World,
    drill,
)


@drill(
    defends_against="cost runaway",
    sabotage=[RunawayJoin(rows=20_000)],
    controls=[CostCeiling],
    checks=[SpendWithinApproval(), NothingWasSent(), DamageIsHeard()],
)
def runaway_join_is_refused(world: World) -> None:
    """A join that makes 20,000 rows out of 1,000 is refused before anything is sent.

    The loop that was supposed to build a thousand requests lost its join condition. Every single
    request is fine, so nothing but the sum can stop it; and the sum is known before the first call.
    """
    world.run(world.rows(1_000))
