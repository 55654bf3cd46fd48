"""The dated, replaceable table of batch prices."""

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

from controls.core.answer import Usage
from controls.core.errors import ControlError

MILLION = Decimal(1_000_000)
_DATED = re.compile(r"-20\d{6}$")


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """US dollars per million tokens of one model, at the batch price."""

    input: Decimal
    output: Decimal
    long_context_tokens: int | None = None
    """Prompts above this size cost `long_context_factor` times as much, every token of them."""
    long_context_factor: int = 1

    def worst(self, input_tokens: int, output_tokens: int, *, largest_prompt: int) -> Decimal:
        """What so many tokens cost at most, when no prompt is larger than `largest_prompt`."""
        factor = 1
        if self.long_context_tokens is not None and largest_prompt > self.long_context_tokens:
            factor = self.long_context_factor
        return factor * (input_tokens * self.input + output_tokens * self.output) / MILLION

    def is_long(self, usage: Usage) -> bool:
        """Whether the prompt of this answer was so large that every token costs more."""
        if self.long_context_tokens is None:
            return False
        written = usage.cache_creation_input_tokens or 0
        read = usage.cache_read_input_tokens or 0
        return usage.input_tokens + written + read > self.long_context_tokens

    def of(self, usage: Usage, *, long: bool = False) -> Decimal:
        """What answers with these tokens cost together, all of them `long` or none.

        Cache writes of unknown duration count as the dearer kind: 1 h writes cost twice, 5 min
        writes 1.25 times, reads at most a tenth of the input.
        """
        written = usage.cache_creation_input_tokens or 0
        read = usage.cache_read_input_tokens or 0
        weighed = (
            usage.input_tokens * self.input + written * self.input * 2 + read * self.input / 10
        )
        factor = self.long_context_factor if long else 1
        return factor * (weighed + usage.output_tokens * self.output) / MILLION


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
