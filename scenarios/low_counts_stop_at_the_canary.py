"""Drill: counted a tenth, billed in full."""

from controls import CostCeiling
from scenarios import (
    CountsAreLow,
    DamageIsHeard,
    OnlyTheFirstBatch,
    OversizePrompt,
    SpendWithinApproval,
    World,
    drill,
)


@drill(
    defends_against="cost runaway",
    sabotage=[OversizePrompt(), CountsAreLow(by=10)],
    controls=[CostCeiling],
    checks=[SpendWithinApproval(), OnlyTheFirstBatch(), DamageIsHeard()],
)
def low_counts_stop_at_the_canary(world: World) -> None:
    """When the service bills ten times what it counted, the canary's real cost stops the job.

    The estimate rests on what the service counts, and it counts too little. Before the first
    batch nobody can know; after it there is a bill for two rows in a hundred.
    """
    world.run(world.rows())
