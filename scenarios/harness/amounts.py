"""Whether a drill about money proves something under the job type that it is run with.

Some drills bring amounts of their own, which fit the job type that ships; others count on prompts
that outgrow the ceiling of the job. Under another job type neither has to be so.
"""

from __future__ import annotations

from controls import CostCeiling
from scenarios.harness.costs import prompts_usd, worst_usd
from scenarios.harness.drill import Drill
from scenarios.harness.sabotage import OversizePrompt
from scenarios.harness.world import Game
from simulator.tokens import text_tokens


def amounts_unfit(drill: Drill, game: Game) -> str:
    """Why its amounts prove nothing on these rows; empty when they do, or it has none."""
    rows = game.rowset.rows[: drill.count]
    count = len(rows)
    for control in drill.controls:
        if isinstance(control, CostCeiling):
            limits = (control.usd, control.team_usd_per_day)
            ceiling = min(limit for limit in limits if limit is not None)
            worst = worst_usd(game.job_type, rows)
            if worst > ceiling:
                return (
                    f"the worst case of its {count:,} rows is about ${worst:.2f} under this job "
                    f"type, and the drill brings a ceiling of its own, ${ceiling:.2f}"
                )
    grown = [act.kilobytes for act in drill.sabotage if isinstance(act, OversizePrompt)]
    if grown and CostCeiling in drill.controls:
        ceiling = game.job_type.spend.ceiling_usd
        cost = prompts_usd(game.job_type, rows, text_tokens(OversizePrompt(max(grown)).history))
        if cost < ceiling:
            return (
                f"its {count:,} rows cost about ${cost:.2f} with prompts grown by "
                f"{max(grown)} kB, and the ceiling of this job type is ${ceiling:.2f}"
            )
    return ""
