"""The job of a plan: the user's rows and job type, cut to the size that the plan says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import msgspec

from controls import JobType, Row
from controls.core.dressing import Dresser
from controls.fence import PromptFence
from controls.ids import Namespace, RowBinding
from controls.policy import CanaryPolicy
from controls.prices import default_prices
from scenarios.harness.fuzz.plan import Plan, Size
from scenarios.harness.rows import RowSet
from scenarios.harness.sabotage import Sabotage
from scenarios.harness.task import RowSource, Task
from scenarios.harness.world import JOB, Game
from simulator.tokens import BYTES_PER_TOKEN

LENIENT = CanaryPolicy(
    share=0.01, confidence=0.5, max_bad_share=0.95, min_accuracy=0.0, max_label_shift=1.0
)
"""A canary that lets all but the worst through, so that what comes after it is tried too."""
APPROVABLE = 3
"""A person may approve so many times what the rows cost at worst."""
CENT = Decimal("0.000001")


def game_of(plan: Plan, game: Game) -> Game:
    """The game of a plan: its rows, its job type, its seed. The first of the user's rows follow
    again after the last."""
    size, old = plan.size, game.rowset
    chosen = tuple(
        Row(place, row.key, row.fields)
        for place in range(min(size.rows, len(old.rows)))
        for row in [old.rows[(size.first + place) % len(old.rows)]]
    )
    return replace(
        game,
        seed=plan.seed,
        job_type=job_type_of(size, game.job_type, chosen),
        rowset=RowSet(old.source, old.digest, old.columns, chosen),
    )


def job_type_of(size: Size, job_type: JobType, rows: Sequence[Row]) -> JobType:
    """The user's job type, cut as the plan says."""
    canary = job_type.canary
    if size.canary:
        canary = msgspec.structs.replace(LENIENT, min_rows=size.canary)
    spend, quarantine = job_type.spend, job_type.quarantine
    if size.budget:
        worst = worst_case_usd(job_type, rows)
        ceiling = max((worst * Decimal(repr(size.budget))).quantize(CENT), CENT)
        most = max((worst * APPROVABLE).quantize(CENT), ceiling)
        spend = msgspec.structs.replace(spend, ceiling_usd=ceiling, approvable_usd=most)
    if size.keeps_all:
        quarantine = msgspec.structs.replace(quarantine, stop_share=None, stop_rows=None)
    return msgspec.structs.replace(
        job_type,
        canary=msgspec.structs.replace(canary, ramp=size.ramp),
        spend=spend,
        quarantine=quarantine,
        requeue=msgspec.structs.replace(job_type.requeue, max_rounds=size.rounds),
    )


def worst_case_usd(job_type: JobType, rows: Sequence[Row]) -> Decimal:
    """About what these rows cost at worst, by their size."""
    namespace = Namespace(job_type.team, JOB)
    dresser = Dresser(job_type, namespace, b"", PromptFence(), RowBinding())
    tokens = sum(len(dresser.dress(row).params) // BYTES_PER_TOKEN + 16 for row in rows)
    output = len(rows) * (job_type.prompt.max_tokens or 0)
    return default_prices().price(job_type.prompt.model).worst(tokens, output, largest_prompt=0)


def fitting(sabotage: Sequence[Sabotage], game: Game) -> tuple[Sabotage, ...]:
    """The accidents that can happen to these rows."""
    rows = game.rowset.rows
    task = Task(game.job_type, rows, RowSource(rows), planted={})
    return tuple(act for act in sabotage if not act.applies_to(task))
