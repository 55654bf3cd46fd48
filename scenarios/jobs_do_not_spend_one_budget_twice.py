"""Drill: each of them looked, and there was enough for one."""

from decimal import Decimal

from controls import CostCeiling
from scenarios import DamageIsHeard, SentAtMost, StartedAgain, World, drill


@drill(
    defends_against="cost runaway",
    sabotage=[StartedAgain(times=3)],
    controls=[CostCeiling(Decimal("2.50"), 128, team_usd_per_day=Decimal("0.20"))],
    checks=[SentAtMost(250), DamageIsHeard()],
)
def jobs_do_not_spend_one_budget_twice(world: World) -> None:
    """Jobs of one team that begin at the same instant cannot each have the last of its budget.

    The scheduler has started the same job four times. Each asks what it will cost, and the service
    takes its time; when it answers, each of them fits into what the team has left for today.
    """
    world.run(world.rows(250))
