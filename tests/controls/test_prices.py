"""The dated table of batch prices."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls import ControlError
from controls.core.answer import BilledUsage, CacheWrites, Usage
from controls.prices import Price, default_prices, load_prices
from simulator import prices as service
from simulator.models import MODELS, Model

TOKENS = st.integers(0, 10**7)
HAIKU = default_prices().price("claude-haiku-5-5")
M = 1_000_000

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
    "claude-opus-4-1": ("7.50", "37.50", "9.375", "15.00", "0.75"),
    "claude-opus-4": ("7.50", "37.50", "9.375", "15.00", "0.75"),
    "claude-sonnet-5-5": ("1.00", "5.00", "1.25", "2.00", "0.05"),
    "claude-sonnet-5": ("1.00", "5.00", "1.25", "2.00", "0.10"),
    "claude-sonnet-4-6": ("1.50", "7.50", "1.875", "3.00", "0.15"),
    "claude-sonnet-4-5": ("1.50", "7.50", "1.875", "3.00", "0.15"),
    "claude-sonnet-4": ("1.50", "7.50", "1.875", "3.00", "0.15"),
    "claude-haiku-5-5": ("0.05", "0.25", "0.0625", "0.10", "0.005"),
    "claude-haiku-4-5": ("0.50", "2.50", "0.625", "1.00", "0.05"),
    "claude-haiku-3-5": ("0.40", "2.00", "0.50", "0.80", "0.04"),
}


def writes(for_5m: int, for_1h: int, total: int | None = None) -> BilledUsage:
    """An answer that only wrote to the cache."""
    split = CacheWrites(for_5m, for_1h)
    return BilledUsage(0, 0, for_5m + for_1h if total is None else total, 0, split)


def adding_up(usage: BilledUsage) -> BilledUsage:
    """The same usage, with no more tokens in the split of cache writes than in their total."""
    split = usage.cache_creation
    if split is None:
        return usage
    least = split.ephemeral_5m_input_tokens + split.ephemeral_1h_input_tokens
    total = max(least, usage.cache_creation_input_tokens or 0)
    return msgspec.structs.replace(usage, cache_creation_input_tokens=total)


USAGES = st.builds(
    BilledUsage,
    TOKENS,
    TOKENS,
    st.none() | TOKENS,
    st.none() | TOKENS,
    st.none() | st.builds(CacheWrites, TOKENS, TOKENS),
    st.sampled_from([None, "not_available", "us", "eu"]),
).map(adding_up)


@pytest.mark.parametrize(("model", "prices"), TABLE.items(), ids=TABLE)
def test_the_table_has_the_documented_batch_prices(model: str, prices: tuple[str, ...]) -> None:
    """Every column, for a million tokens of one kind at a time."""
    price = default_prices().price(model)
    usages = [Usage(M), Usage(0, M), writes(M, 0), writes(0, M), Usage(0, 0, 0, M)]

    assert [Decimal(usd) for usd in prices] == [price.of(usage) for usage in usages]


def test_the_table_has_these_models_and_no_other() -> None:
    """Mythos 5.2 is in the service's list, and no price of it is known: it is refused."""
    assert TABLE.keys() == default_prices().models.keys()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_the_simulated_service_and_the_table_charge_the_same(model: Model) -> None:
    """Two tables, written apart from each other, agree on every kind of token."""
    price = default_prices().price(model.id)

    for answer in (Usage(7, 5), writes(3, 0), writes(0, 3), Usage(0, 1, 0, 9), Usage(100_001, 9)):
        split = getattr(answer, "cache_creation", None) or CacheWrites()
        theirs = service.Usage(
            answer.input_tokens,
            answer.output_tokens,
            split.ephemeral_5m_input_tokens,
            split.ephemeral_1h_input_tokens,
            answer.cache_read_input_tokens or 0,
        )
        usd = Decimal(model.price.batch_picodollars(theirs)).scaleb(-12)

        assert usd == price.bill(answer)


def test_a_dated_id_is_found_under_its_alias() -> None:
    """Answers name the dated id, jobs the alias."""
    prices = default_prices()

    assert prices.price("claude-haiku-4-5") is prices.price("claude-haiku-4-5-20251001")


@pytest.mark.parametrize(
    "model", ["", "claude-haiku", "gpt", "claude-haiku-5-5-latest", "claude-mythos-5-2"]
)
def test_an_unknown_model_is_never_free(model: str) -> None:
    """No price is an error with a way out, not zero."""
    with pytest.raises(ControlError, match="There is no price") as caught:
        default_prices().price(model)

    assert "prices.toml" in caught.value.fix


def test_a_long_prompt_costs_more_for_every_token() -> None:
    """Haiku 5.5 above 100,000 tokens of prompt, cached tokens included: five times."""
    short = Usage(60_000, 10, 20_000, 20_000)
    long = Usage(60_000, 10, 20_000, 20_001)

    assert (False, True) == (HAIKU.is_long(short), HAIKU.is_long(long))
    assert 5 * HAIKU.of(long) == HAIKU.of(long, long=True)


def test_cache_writes_of_unknown_duration_count_as_the_dearer_kind() -> None:
    """Without `cache_creation`, or where it does not explain all tokens; None is no tokens."""
    price = default_prices().price("claude-sonnet-5-5")

    assert Decimal("2.00") == price.of(Usage(0, 0, M, None))
    assert Decimal("1.25") == price.of(writes(M, 0))
    assert Decimal("3.25") == price.of(writes(M, 0, total=2 * M))
    assert Decimal("3.25") == price.of(writes(M, M, total=0))
    assert not price.is_long(Usage(10**9))


def test_cache_writes_count_towards_a_long_prompt_by_their_split() -> None:
    """Also where the sum beside it is missing."""
    assert HAIKU.is_long(BilledUsage(0, 0, None, None, CacheWrites(60_000, 40_001)))
    assert not HAIKU.is_long(BilledUsage(0, 0, None, None, CacheWrites(60_000, 40_000)))


def test_an_answer_computed_in_the_us_costs_a_tenth_more() -> None:
    """Contract 10.1, for models from 4.6 on; older ones have no such price."""
    inside = BilledUsage(M, 0, inference_geo="us")
    outside = BilledUsage(M, 0, inference_geo="not_available")
    new, old = (default_prices().price(f"claude-sonnet-4-{minor}") for minor in (6, 5))

    assert (Decimal("1.65"), Decimal("1.5")) == (new.bill(inside), new.bill(outside))
    assert old.bill(outside) == old.bill(inside)


def test_one_answer_is_billed_by_its_own_size() -> None:
    """The limit for long prompts is per request, not per batch."""
    short, long = BilledUsage(100_000), BilledUsage(100_001)

    assert HAIKU.of(short) == HAIKU.bill(short)
    assert HAIKU.of(long, long=True) == HAIKU.bill(long)


def test_the_usage_of_an_answer_is_read_as_the_service_writes_it() -> None:
    """Keys that are not about money are skipped; absent ones count as nothing."""
    usage = msgspec.convert(
        {
            "input_tokens": 21,
            "output_tokens": 4,
            "cache_creation_input_tokens": 5,
            "cache_read_input_tokens": None,
            "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3},
            "server_tool_use": None,
            "service_tier": "batch",
            "inference_geo": "not_available",
        },
        BilledUsage,
    )

    assert BilledUsage(21, 4, 5, None, CacheWrites(2, 3), "not_available") == usage
    assert BilledUsage() == msgspec.convert({"cache_creation": None}, BilledUsage)


@given(st.sampled_from(sorted(TABLE)), USAGES)
def test_no_usage_has_a_negative_price(model: str, usage: BilledUsage) -> None:
    """And only an answer without any token is free."""
    price = default_prices().price(model)
    tokens = usage.input_tokens + usage.output_tokens + (usage.cache_read_input_tokens or 0)
    tokens += usage.cache_creation_input_tokens or 0
    if usage.cache_creation is not None:
        tokens += sum(msgspec.structs.astuple(usage.cache_creation))

    assert price.bill(usage) >= 0
    assert (tokens == 0) == (price.bill(usage) == 0)


@given(st.sampled_from(sorted(TABLE)), USAGES, USAGES)
def test_more_tokens_never_cost_less(model: str, usage: BilledUsage, more: BilledUsage) -> None:
    """Whichever kind of token is added."""
    price = default_prices().price(model)
    split, further = (one.cache_creation or CacheWrites() for one in (usage, more))
    both = BilledUsage(
        usage.input_tokens + more.input_tokens,
        usage.output_tokens + more.output_tokens,
        (usage.cache_creation_input_tokens or 0) + (more.cache_creation_input_tokens or 0),
        (usage.cache_read_input_tokens or 0) + (more.cache_read_input_tokens or 0),
        CacheWrites(
            split.ephemeral_5m_input_tokens + further.ephemeral_5m_input_tokens,
            split.ephemeral_1h_input_tokens + further.ephemeral_1h_input_tokens,
        ),
        usage.inference_geo,
    )
    known = msgspec.structs.replace(usage, cache_creation=split)

    assert price.bill(known) <= price.bill(both)


@given(TOKENS, TOKENS, TOKENS)
def test_the_worst_case_covers_the_real_case(prompt: int, answer: int, more: int) -> None:
    """Real usage within the bounds never costs more than the worst case of the bounds."""
    usage = Usage(prompt, answer)
    worst = HAIKU.worst(prompt + more, answer + more, largest_prompt=prompt)

    assert HAIKU.of(usage, long=HAIKU.is_long(usage)) <= worst


A_MODEL = """
as_of = 2027-01-01
[models.m]
input = "0.5"
output = 2
cache_write_5m = 1
cache_write_1h = 1
cache_read = 0
"""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "as_of = 2026-11-20",
        "as_of = 2026-11-20\n[models.m]\ninput = 1\noutput = 2",
        A_MODEL + "extra = 3",
        A_MODEL + "us_factor = '0.9'",
        A_MODEL + "us_factor = 'Infinity'",
        A_MODEL + "long_context_factor = 0",
        A_MODEL.replace('"0.5"', '"-0.5"'),
        A_MODEL.replace('"0.5"', '"NaN"'),
        "not toml",
        "\x00",
    ],
)
def test_a_table_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    """A missing, negative or misspelt price stops the start, not the invoice."""
    path = tmp_path / "prices.toml"
    path.write_text(text)

    with pytest.raises(ControlError, match="cannot be used"):
        load_prices(path)


def test_a_table_can_be_replaced(tmp_path: Path) -> None:
    """Prices change; the table is a file."""
    path = tmp_path / "prices.toml"
    path.write_text(A_MODEL)
    one, nothing = Decimal(1), Decimal(0)

    assert Price(
        input=Decimal("0.5"),
        output=Decimal(2),
        cache_write_5m=one,
        cache_write_1h=one,
        cache_read=nothing,
    ) == load_prices(path).price("m")


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The path is named."""
    with pytest.raises(ControlError, match=r"nowhere\.toml"):
        load_prices(tmp_path / "nowhere.toml")
