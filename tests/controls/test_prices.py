"""The dated table of batch prices."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls import ControlError
from controls.core.answer import Usage
from controls.prices import Price, default_prices, load_prices

TOKENS = st.integers(0, 10**7)
HAIKU = default_prices().price("claude-haiku-5-5")


@pytest.mark.parametrize(
    ("model", "input_usd", "output_usd"),
    [
        ("claude-haiku-5-5", "0.05", "0.25"),
        ("claude-sonnet-5-5", "1.00", "5.00"),
        ("claude-opus-5-5", "2.00", "10.00"),
        ("claude-haiku-4-5", "0.50", "2.50"),
        ("claude-haiku-4-5-20251001", "0.50", "2.50"),
    ],
)
def test_the_table_has_the_documented_batch_prices(
    model: str, input_usd: str, output_usd: str
) -> None:
    """Contract 10.2, per million tokens; a dated id is found under its alias."""
    price = default_prices().price(model)

    assert (Decimal(input_usd), Decimal(output_usd)) == (price.input, price.output)


@pytest.mark.parametrize("model", ["", "claude-haiku", "gpt", "claude-haiku-5-5-latest"])
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


def test_cached_tokens_have_prices_of_their_own() -> None:
    """Writes count as the dearer kind, reads as a tenth; None counts as no tokens."""
    price = Price(input=Decimal(1), output=Decimal(5))

    assert Decimal(2) == price.of(Usage(0, 0, 1_000_000, None))
    assert Decimal("0.1") == price.of(Usage(0, 0, None, 1_000_000))
    assert Decimal(6) == price.of(Usage(1_000_000, 1_000_000, None, None))
    assert not price.is_long(Usage(10**9))


@given(TOKENS, TOKENS, TOKENS)
def test_the_worst_case_covers_the_real_case(prompt: int, answer: int, more: int) -> None:
    """Real usage within the bounds never costs more than the worst case of the bounds."""
    usage = Usage(prompt, answer)
    worst = HAIKU.worst(prompt + more, answer + more, largest_prompt=prompt)

    assert HAIKU.of(usage, long=HAIKU.is_long(usage)) <= worst


@pytest.mark.parametrize(
    "text",
    [
        "",
        "as_of = 2026-11-20",
        "as_of = 2026-11-20\n[models.m]\ninput = 1",
        "as_of = 2026-11-20\n[models.m]\ninput = 1\noutput = 2\nextra = 3",
        "not toml",
        "\x00",
    ],
)
def test_a_table_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    """A missing price or a misspelt field stops the start, not the invoice."""
    path = tmp_path / "prices.toml"
    path.write_text(text)

    with pytest.raises(ControlError, match="cannot be used"):
        load_prices(path)


def test_a_table_can_be_replaced(tmp_path: Path) -> None:
    """Prices change; the table is a file."""
    path = tmp_path / "prices.toml"
    path.write_text('as_of = 2027-01-01\n[models.m]\ninput = "0.5"\noutput = 2\n')

    assert Price(input=Decimal("0.5"), output=Decimal(2)) == load_prices(path).price("m")


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The path is named."""
    with pytest.raises(ControlError, match=r"nowhere\.toml"):
        load_prices(tmp_path / "nowhere.toml")
