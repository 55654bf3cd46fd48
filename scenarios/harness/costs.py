"""What rows cost under a job type, before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from controls import JobType, Row
from controls.ceiling import DENSITY_MARGIN, OVERHEAD_TOKENS
from controls.prices import default_prices
from simulator.tokens import text_tokens

BESIDES = 64
"""Tokens of a prompt that stand in no template: what fence and row binding say to the model."""
SHORTEST_ANSWER = 8
"""Tokens of a JSON object with one label in it."""


def prompts_usd(job_type: JobType, rows: Sequence[Row], more_tokens: int = 0) -> Decimal:
    """What these prompts cost with so many tokens more in each; no answer is as cheap as that."""
    tokens = _prompt_tokens(job_type, rows, more_tokens)
    return _usd(job_type, len(rows), tokens, 0)


def least_usd(job_type: JobType, rows: Sequence[Row]) -> Decimal:
    """What these rows cost at least, with the shortest of answers."""
    count = len(rows)
    tokens = _prompt_tokens(job_type, rows, BESIDES)
    return _usd(job_type, count, tokens, count * SHORTEST_ANSWER)


def worst_usd(job_type: JobType, rows: Sequence[Row]) -> Decimal:
    """The worst case of these rows, about as `CostCeiling` bounds it."""
    count = len(rows)
    tokens = int(_prompt_tokens(job_type, rows, 0) * DENSITY_MARGIN)
    tokens += count * (OVERHEAD_TOKENS + BESIDES)
    return _usd(job_type, count, tokens, count * (job_type.prompt.max_tokens or 0))


def _prompt_tokens(job_type: JobType, rows: Sequence[Row], more_tokens: int) -> int:
    prompt, fields = job_type.prompt, job_type.rows.allowed_fields
    fixed = text_tokens(prompt.system) + text_tokens(prompt.template) + more_tokens
    texts = ("".join(row.fields[name] for name in fields) for row in rows)
    return len(rows) * fixed + sum(map(text_tokens, texts))


def _usd(job_type: JobType, count: int, input_tokens: int, output_tokens: int) -> Decimal:
    price = default_prices().price(job_type.prompt.model)
    return price.worst(input_tokens, output_tokens, largest_prompt=input_tokens // max(count, 1))
