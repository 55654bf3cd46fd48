"""Drill: the prompt grew by a field, the bill by a factor."""

from controls import CostCeiling
from scenarios import (
    DamageIsHeard,
    NothingWasSent,
    OversizePrompt,
    SpendWithinApproval,
    World,
    drill,
)


@drill(
    defends_against="cost runaway",
    sabotage=[OversizePrompt(kilobytes=8)],
    controls=[CostCeiling],
    checks=[NothingWasSent(), SpendWithinApproval(), DamageIsHeard()],
    at_least=200,
)
def oversize_prompt_is_refused(world: World) -> None:
    """Prompts that carry their whole history along are refused before anything is sent.

    The text column suddenly holds the complete thread. Each answer is as short and as right as
    ever; what grew is the input, twenty times over, in every row.
    """
    world.run(world.rows())
