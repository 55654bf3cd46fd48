"""Drill: the sum was right, the prices were last year's."""

from decimal import Decimal

from controls import CostCeiling
from scenarios import (
    DamageIsHeard,
    OversizePrompt,
    PricesRose,
    SentAtMost,
    SpendWithinApproval,
    TrustsTheEstimate,
    World,
    drill,
)


@drill(
    defends_against="cost runaway",
    sabotage=[OversizePrompt(kilobytes=32), PricesRose(by=10)],
    controls=[CostCeiling(Decimal("2.50"), 128, prices_days=180)],
    instead=[TrustsTheEstimate()],
    checks=[SpendWithinApproval(), SentAtMost(0), DamageIsHeard()],
)
def stale_prices_are_not_believed(world: World) -> None:
    """A job whose price table is older than agreed is refused: what it costs is not known.

    The prompts have grown, and by the table of last year that is cheap. No reply of the service
    names a price, so nothing that a pipeline sees later can show that the table is wrong.
    """
    world.run(world.rows(150))
