"""Drill: an estimate is a number that somebody else made."""

from controls import CostCeiling
from scenarios import (
    DamageIsHeard,
    OversizePrompt,
    SpendWithinApproval,
    TokensMiscounted,
    TrustsTheEstimate,
    World,
    drill,
)


@drill(
    defends_against="cost runaway",
    sabotage=[OversizePrompt(kilobytes=32)],
    faults=[TokensMiscounted(by=0.1)],
    controls=[CostCeiling],
    instead=[TrustsTheEstimate()],
    checks=[SpendWithinApproval(), DamageIsHeard()],
)
def wrong_count_stops_at_the_canary(world: World) -> None:
    """A job whose tokens were counted ten times too low is stopped by what its canary cost.

    The prompts have grown, and the service's own count says that they have not. The estimate is
    far below the ceiling; the bill is far above it. The first rows tell, for whoever looks at what
    they cost.
    """
    world.run(world.rows(150))
