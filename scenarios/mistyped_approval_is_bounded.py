"""Drill: two zeros too many."""

from decimal import Decimal

from controls import CostCeiling
from scenarios import (
    DamageIsHeard,
    OversizePrompt,
    ReviewerMistypes,
    SentAtMost,
    World,
    drill,
)


@drill(
    defends_against="cost runaway",
    sabotage=[OversizePrompt(), ReviewerMistypes(usd=Decimal(1_000))],
    controls=[CostCeiling(Decimal("0.30"), 128, approvable_usd=Decimal("0.40"))],
    checks=[SentAtMost(0), DamageIsHeard()],
)
def mistyped_approval_is_bounded(world: World) -> None:
    """Who approves a wrong amount cannot approve more than the policy leaves to one person.

    The prompts have grown twenty times over, and the job asks for consent. The reviewer means ten
    dollars and types a thousand; what one person may approve was agreed by two.
    """
    world.run(world.rows(400))
