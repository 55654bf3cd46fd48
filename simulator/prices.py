"""What a token costs: a dated table in picodollars (contract 10.2), and exact sums.

A picodollar is 10**-12 dollars; one dollar for a million tokens is 1,000,000 picodollars for
one. Every price in the table is then a whole number, and nothing is ever rounded.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import msgspec

PRICES_AS_OF: Final = date(2026, 11, 21)

LONG_PROMPT_TOKENS: Final = 100_000
"""Contract 10.1: above this, Haiku 5.5 charges the higher price for every token."""

US_ONLY: Final = (11, 10)
"""Contract 10.1: `inference_geo: "us"` costs 1.1 times as much, for models from 4.6 on."""


class Rate(msgspec.Struct, frozen=True):
    """Batch prices of one model, picodollars for one token."""

    input: int
    output: int
    cache_write_5m: int
    cache_write_1h: int
    cache_read: int


class Usage(msgspec.Struct, frozen=True, gc=False):
    """What one answered request used."""

    input_tokens: int
    output_tokens: int
    cache_5m_tokens: int = 0
    cache_1h_tokens: int = 0
    cache_read_tokens: int = 0
    us_only: bool = False

    @property
    def prompt_tokens(self) -> int:
        """The size of the prompt, cached or not."""
        return (
            self.input_tokens + self.cache_5m_tokens + self.cache_1h_tokens + self.cache_read_tokens
        )


class Price(msgspec.Struct, frozen=True):
    """Batch prices of one model; the live price is twice as high (contract 10.1)."""

    rate: Rate
    long_rate: Rate | None = None

    def batch_picodollars(self, usage: Usage) -> int:
        """What one succeeded request of a batch costs."""
        rate = self.rate
        if self.long_rate is not None and usage.prompt_tokens > LONG_PROMPT_TOKENS:
            rate = self.long_rate
        total = usage.input_tokens * rate.input + usage.output_tokens * rate.output
        if usage.prompt_tokens != usage.input_tokens:
            total += usage.cache_5m_tokens * rate.cache_write_5m
            total += usage.cache_1h_tokens * rate.cache_write_1h
            total += usage.cache_read_tokens * rate.cache_read
        return total * US_ONLY[0] // US_ONLY[1] if usage.us_only else total

    def live_picodollars(self, usage: Usage) -> int:
        """What the same costs on `/v1/messages`."""
        return 2 * self.batch_picodollars(usage)


def _rate(input_usd_e4: int, output_usd_e4: int, cache_read_usd_e4: int) -> Rate:
    """A rate from ten-thousandths of a dollar for a million tokens.

    Cache writes cost 1.25 times (5 minutes) and twice (1 hour) the input price.
    """
    price = input_usd_e4 * 100
    return Rate(price, output_usd_e4 * 100, price * 5 // 4, price * 2, cache_read_usd_e4 * 100)


FABLE_5_2: Final = Price(_rate(40_000, 200_000, 1_000))  # price trackers only, confidence D
FABLE_5_1: Final = Price(_rate(50_000, 250_000, 1_250))
FABLE_5: Final = Price(_rate(50_000, 250_000, 5_000))
OPUS_5_5: Final = Price(_rate(20_000, 100_000, 1_000))
OPUS_5: Final = Price(_rate(25_000, 125_000, 2_500))
SONNET_5_5: Final = Price(_rate(10_000, 50_000, 500))
SONNET_5: Final = Price(_rate(10_000, 50_000, 1_000))
SONNET_4: Final = Price(_rate(15_000, 75_000, 1_500))
HAIKU_5_5: Final = Price(_rate(500, 2_500, 50), long_rate=_rate(2_500, 12_500, 250))
HAIKU_4_5: Final = Price(_rate(5_000, 25_000, 500))
OPUS_4_1: Final = Price(_rate(75_000, 375_000, 7_500))
HAIKU_3_5: Final = Price(_rate(4_000, 20_000, 400))
