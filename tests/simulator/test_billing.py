"""Money: exact, dated, and only for what succeeded."""

from __future__ import annotations

from decimal import Decimal

import pytest

from simulator import Api, hours
from simulator.faults import RowsErrored, Stall
from simulator.models import ALIASES, MODELS, find_model
from simulator.prices import PRICES_AS_OF, Usage
from tests.simulator.builders import MODEL, an_ended_batch, requests

MILLION = 1_000_000


def batch_usd(model: str, usage: Usage) -> Decimal:
    """What a row costs."""
    found = find_model(model)
    assert found is not None
    return Decimal(found.price.batch_picodollars(usage)).scaleb(-12)


# Contract 10.2: input, output, cache write 5 min, 1 h, cache read; USD per million tokens.
TABLE = {
    "claude-fable-5-2": ("4.00", "20.00", "5.00", "8.00", "0.10"),
    "claude-fable-5-1": ("5.00", "25.00", "6.25", "10.00", "0.125"),
    "claude-mythos-5-1": ("5.00", "25.00", "6.25", "10.00", "0.125"),
    "claude-fable-5": ("5.00", "25.00", "6.25", "10.00", "0.50"),
    "claude-mythos-5": ("5.00", "25.00", "6.25", "10.00", "0.50"),
    "claude-opus-5-5": ("2.00", "10.00", "2.50", "4.00", "0.10"),
    "claude-opus-5": ("2.50", "12.50", "3.125", "5.00", "0.25"),
    "claude-opus-4-8": ("2.50", "12.50", "3.125", "5.00", "0.25"),
    "claude-opus-4-7": ("2.50", "12.50", "3.125", "5.00", "0.25"),
    "claude-opus-4-6": ("2.50", "12.50", "3.125", "5.00", "0.25"),
    "claude-opus-4-5": ("2.50", "12.50", "3.125", "5.00", "0.25"),
    "claude-sonnet-5-5": ("1.00", "5.00", "1.25", "2.00", "0.05"),
    "claude-sonnet-5": ("1.00", "5.00", "1.25", "2.00", "0.10"),
    "claude-sonnet-4-6": ("1.50", "7.50", "1.875", "3.00", "0.15"),
    "claude-sonnet-4-5": ("1.50", "7.50", "1.875", "3.00", "0.15"),
    "claude-haiku-5-5": ("0.05", "0.25", "0.0625", "0.10", "0.005"),
    "claude-haiku-4-5": ("0.50", "2.50", "0.625", "1.00", "0.05"),
    "claude-opus-4-1-20250805": ("7.50", "37.50", "9.375", "15.00", "0.75"),
    "claude-haiku-3-5-20241022": ("0.40", "2.00", "0.50", "0.80", "0.04"),
}


@pytest.mark.parametrize(("model", "prices"), TABLE.items(), ids=TABLE)
def test_the_price_table(model: str, prices: tuple[str, ...]) -> None:
    """Each column of the contract, exactly: 50,000 tokens of each kind at a time."""
    usages = [
        Usage(50_000, 0),
        Usage(0, 50_000),
        Usage(0, 0, cache_5m_tokens=50_000),
        Usage(0, 0, cache_1h_tokens=50_000),
        Usage(0, 0, cache_read_tokens=50_000),
    ]

    assert [Decimal(price) / 20 for price in prices] == [
        batch_usd(model, usage) for usage in usages
    ]


def test_every_known_model_has_a_price() -> None:
    """The table of this test covers all of them, aliases included; it is dated."""
    named = {ALIASES.get(name, name) for name in TABLE}

    assert {model.id for model in MODELS} == named
    assert PRICES_AS_OF.isoformat() == "2026-11-21"


def test_a_model_without_a_price_is_not_known() -> None:
    """Nobody can say what it would cost."""
    assert find_model("claude-mythos-5-2") is None


def test_the_long_prompt_of_haiku() -> None:
    """Above 100,000 tokens, cached ones counted, every token costs five times as much."""
    assert Decimal("0.005") == batch_usd(MODEL, Usage(100_000, 0))
    assert Decimal("0.02500025") == batch_usd(MODEL, Usage(100_001, 0))
    assert Decimal("0.025000025") == batch_usd(MODEL, Usage(100_000, 0, cache_read_tokens=1))


def test_a_region_costs_a_tenth_more() -> None:
    """`inference_geo: us`, exactly 1.1 times, for models from 4.6 on."""
    api = Api()
    an_ended_batch(
        api,
        [
            *requests(1, inference_geo="us"),
            *[
                request | {"custom_id": "old"}
                for request in requests(1, inference_geo="us", model="claude-haiku-4-5")
            ],
        ],
    )

    new, old = api.books().requests

    assert (new.inference_geo, old.inference_geo) == ("us", "not_available")
    plain = Usage(new.input_tokens, new.output_tokens)
    assert batch_usd(MODEL, plain) * 11 / 10 == Decimal(new.billed_picodollars).scaleb(-12)


def test_live_costs_twice_as_much() -> None:
    """The batch price is half."""
    model = find_model(MODEL)
    assert model is not None
    usage = Usage(1_000, 1_000)

    assert 2 * model.price.batch_picodollars(usage) == model.price.live_picodollars(usage)


def test_only_succeeded_rows_are_billed() -> None:
    """Errored and expired rows cost nothing; nothing is billed before the end."""
    api = Api(
        faults=[RowsErrored(0.3), Stall(after_share=0.5, lasting=hours(25))],
    )
    batch_id = an_ended_batch(api, 200, after=hours(23))
    assert Decimal(0) == api.meter.billed_usd
    api.clock.sleep(hours(1))

    books = api.books()
    billed = [request for request in books.requests if request.billed_picodollars]

    assert {"succeeded", "errored", "expired"} == {request.outcome for request in books.requests}
    assert [request for request in books.requests if request.outcome == "succeeded"] == billed
    assert books.billed_usd == api.meter.batch_usd(batch_id) == books.batches[0].billed_usd
    total = sum(request.billed_picodollars for request in billed)
    assert Decimal(total).scaleb(-12) == books.billed_usd > 0


def test_a_bill_by_hand() -> None:
    """Three tokens for the call, four for the message, two of text in, two out."""
    api = Api()
    an_ended_batch(api, 1)

    (row,) = api.books().requests

    assert (row.input_tokens, row.output_tokens) == (9, 2)
    assert row.billed_picodollars == 9 * 50_000 + 2 * 250_000
