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
    sabotage=[RunawayJoin()],
    controls=[CostCeiling],
    checks=[SpendWithinApproval(), NothingWasSent(), DamageIsHeard()],
)
def runaway_join_is_refused(world: World) -> None:
    """A join that makes thousands of rows out of 150 is refused before anything is sent.

    The loop that was supposed to build 150 requests lost its join condition. Every single request
    is fine, so nothing but the sum can stop it; and the sum is known before the first call.
    """
    world.run(world.rows(150))
