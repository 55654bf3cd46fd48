"""The dated, replaceable table of batch prices.

Protects from a cost that is guessed: a model without a price is refused, never taken for free.

Weakness: prices change without notice; the table says of which day it is, and a team replaces it
by its own. Neighbour: `CostCeiling` multiplies by it, and the runner settles from real usage."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import msgspec

from controls.core.answer import BilledUsage, Usage
from controls.core.errors import ControlError

MILLION = Decimal(1_000_000)
_DATED = re.compile(r"-20\d{6}$")


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """US dollars per million tokens of one model, at the batch price.

    Raises:
        ValueError: a number is below zero or none at all, or a factor makes something cheaper.
    """

    input: Decimal
    output: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal
    cache_read: Decimal
    long_context_tokens: int | None = None
    """Prompts above this size cost `long_context_factor` times as much, every token of them."""
    long_context_factor: int = 1
    us_factor: Decimal = Decimal(1)
    """How much dearer an answer is that was computed in the US, as the customer asked."""

    def __post_init__(self) -> None:
        prices = (
            self.input,
            self.output,
            self.cache_write_5m,
            self.cache_write_1h,
            self.cache_read,
        )
        if not all(price.is_finite() and price >= 0 for price in prices):
            raise ValueError("a price is a number of dollars from 0 on")
        if not self.us_factor.is_finite() or self.us_factor < 1 or self.long_context_factor < 1:
            raise ValueError("a factor is at least 1")

    def worst(self, input_tokens: int, output_tokens: int, *, largest_prompt: int) -> Decimal:
        """What so many tokens cost at most, when no prompt is larger than `largest_prompt`.

        For requests that ask for neither cache nor region, as those of a job type do.
        """
        factor = 1
        if self.long_context_tokens is not None and largest_prompt > self.long_context_tokens:
            factor = self.long_context_factor
        return factor * (input_tokens * self.input + output_tokens * self.output) / MILLION

    def is_long(self, usage: Usage) -> bool:
        """Whether the prompt of this answer was so large that every token costs more."""
        if self.long_context_tokens is None:
            return False
        read = usage.cache_read_input_tokens or 0
        return usage.input_tokens + sum(_written(usage)) + read > self.long_context_tokens

    def of(self, usage: Usage, *, long: bool = False) -> Decimal:
        """What answers with these tokens cost together, all of them `long` or none.

        Cache writes of unknown duration count as the dearer kind.
        """
        for_5m, for_1h = _written(usage)
        weighed = (
            usage.input_tokens * self.input
            + for_5m * self.cache_write_5m
            + for_1h * self.cache_write_1h
            + (usage.cache_read_input_tokens or 0) * self.cache_read
            + usage.output_tokens * self.output
        )
        return (self.long_context_factor if long else 1) * weighed / MILLION

    def bill(self, usage: Usage) -> Decimal:
        """What one answer costs: its own size decides whether it is long, its region counts."""
        in_us = isinstance(usage, BilledUsage) and usage.inference_geo == "us"
        return self.of(usage, long=self.is_long(usage)) * (self.us_factor if in_us else 1)


def _written(usage: Usage) -> tuple[int, int]:
    """Tokens written to the cache for 5 minutes and for 1 hour; unknown ones for 1 hour."""
    total = usage.cache_creation_input_tokens or 0
    writes = usage.cache_creation if isinstance(usage, BilledUsage) else None
    if writes is None:
        return 0, total
    for_5m, for_1h = writes.ephemeral_5m_input_tokens, writes.ephemeral_1h_input_tokens
    return for_5m, max(for_1h, total - for_5m)


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    as_of: date
    models: dict[str, Price]


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Batch prices by model, as of a date."""

    as_of: date
    models: Mapping[str, Price]

    def price(self, model: str) -> Price:
        """The price of a model; a dated id is looked up under its alias too.

        Raises:
            ControlError: the model is not in the table. An unknown price is never zero.
        """
        found = self.models.get(model) or self.models.get(_DATED.sub("", model))
        if found is None:
            raise ControlError(
                f"There is no price for {model!r} in the table of {self.as_of}.",
                fix="Add it to controls/prices.toml or pass a table that has it.",
            )
        return found


def load_prices(path: Path) -> PriceTable:
    """Read a price table from a TOML file of the form of `controls/prices.toml`.

    Raises:
        ControlError: the file cannot be read or has another form.
    """
    try:
        document = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _Document)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ControlError(
            f"The price table {path} cannot be used: {error}.",
            fix="Compare it with controls/prices.toml.",
        ) from None
    return PriceTable(document.as_of, document.models)


@lru_cache(maxsize=1)
def default_prices() -> PriceTable:
    """The table that ships with the package."""
    return load_prices(Path(__file__).with_name("prices.toml"))
