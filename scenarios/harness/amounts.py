"""Whether a drill about money proves something under the job type that it is run with.

Some drills bring amounts of their own, which fit the job type that ships; others count on prompts
that outgrow the ceiling of the job. Under another job type neither has to be so.
"""

from __future__ import annotations

from decimal import Decimal

from controls import CostCeiling
from controls.ceiling import DENSITY_MARGIN, OVERHEAD_TOKENS
from controls.prices import default_prices
from scenarios.harness.drill import Drill
from scenarios.harness.sabotage import OversizePrompt
from scenarios.harness.world import Game
from simulator.tokens import text_tokens

BESIDES = 64
"""Tokens of a prompt that stand in no template: what fence and row binding say to the model."""


def amounts_unfit(drill: Drill, game: Game) -> str:
    """Why its amounts prove nothing on these rows; empty when they do, or it has none."""
    count = min(drill.count or len(game.rowset.rows), len(game.rowset.rows))
    for control in drill.controls:
        if isinstance(control, CostCeiling):
            limits = (control.usd, control.team_usd_per_day)
            ceiling = min(limit for limit in limits if limit is not None)
            worst = _usd(game, count, worst=True)
            if worst > ceiling:
                return (
                    f"the worst case of its {count:,} rows is about ${worst:.2f} under this job "
                    f"type, and the drill brings a ceiling of its own, ${ceiling:.2f}"
                )
    grown = [act.kilobytes for act in drill.sabotage if isinstance(act, OversizePrompt)]
    if grown and CostCeiling in drill.controls:
        ceiling = game.job_type.spend.ceiling_usd
        cost = _usd(game, count, text_tokens(OversizePrompt(max(grown)).history))
        if cost < ceiling:
            return (
                f"its {count:,} rows cost about ${cost:.2f} with prompts grown by "
                f"{max(grown)} kB, and the ceiling of this job type is ${ceiling:.2f}"
            )
    return ""


def _usd(game: Game, count: int, more_tokens: int = 0, *, worst: bool = False) -> Decimal:
    """What so many rows cost with so many tokens more in each prompt: the prompts alone, or in the
    worst case, as `CostCeiling` bounds it."""
    prompt = game.job_type.prompt
    fixed = text_tokens(prompt.system) + text_tokens(prompt.template) + more_tokens
    fields = game.job_type.rows.allowed_fields
    texts = ["".join(row.fields[name] for name in fields) for row in game.rowset.rows[:count]]
    tokens = count * fixed + sum(map(text_tokens, texts))
    output = 0
    if worst:
        tokens = int(tokens * DENSITY_MARGIN) + count * (OVERHEAD_TOKENS + BESIDES)
        output = count * (prompt.max_tokens or 0)
    price = default_prices().price(prompt.model)
    return price.worst(tokens, output, largest_prompt=tokens // max(count, 1))
