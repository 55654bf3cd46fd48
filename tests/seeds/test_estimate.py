"""The usual estimates and bills, against what the service charges."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import anthropic
import msgspec
import pytest

from controls import Canary, ControlError, CostCeiling, Row
from controls.core.answer import BilledUsage, Usage
from controls.core.decision import Halt, Proceed
from controls.prices import default_prices
from simulator import Question
from tests.controls.builders import (
    MODEL,
    Bench,
    a_job_type,
    a_row,
    an_estimate,
    before_submit,
    rows,
)
from tests.seeds.builders import Usual

BATCH_INPUT = {MODEL: 0.05, "claude-opus-5-5": 2.0}
"""USD per million tokens."""


def chatty(question: Question) -> str:
    """A model that uses all of the tokens it may."""
    return "word " * 1_000


def by_one_sample(usual: Usual, given: Sequence[Row], model: str = MODEL) -> float:
    """The first row's input tokens, times rows, times the input price."""
    counted = usual.client.messages.count_tokens(
        model=model, messages=[{"role": "user", "content": given[0].fields["text"]}]
    )
    return counted.input_tokens * len(given) * BATCH_INPUT[model] / 1e6


def by_one_price(tokens: int, max_tokens: int, count: int) -> float:
    """Input and capped output together, times rows, times one price."""
    return (tokens + max_tokens) * count * BATCH_INPUT[MODEL] / 1e6


def refused(given: Sequence[Row], ceiling: float, max_tokens: int, model: str = MODEL) -> bool:
    """Whether our runner stops at this ceiling before anything is sent."""
    job_type = a_job_type(ceiling=f"{ceiling:.12f}", max_tokens=max_tokens, model=model)
    bench = Bench(says=chatty, job_type=job_type)
    outcome = bench.run(given)
    return outcome.status == "halted" and "worst case" in outcome.why and bench.creates == 0


def test_an_estimate_without_output_lets_most_of_the_cost_pass() -> None:
    """Output costs five times as much per token, and is not in the formula: a job goes through at
    a ceiling that its bill exceeds many times."""
    given = rows(40)
    usual = Usual(chatty)
    guess = by_one_sample(usual, given)
    ceiling = guess * 2
    usual.run(given, max_tokens=128)

    assert guess < ceiling
    assert usual.api.books().billed_usd > 5 * Decimal(ceiling)

    assert refused(given, ceiling, 128)


def test_one_price_for_both_kinds_of_token_is_too_low_by_far() -> None:
    """Input plus capped output, times *a* price: where answers are long, a fifth of the bill."""
    given = rows(40)
    usual = Usual(chatty)
    guess = by_one_price(20, 128, len(given))
    usual.run(given, max_tokens=128)

    assert usual.api.books().billed_usd > 4 * Decimal(guess)

    assert refused(given, guess * 1.5, 128)


def test_the_first_row_is_no_sample() -> None:
    """One row stands for all, and the long ones stand behind: the estimate is a small part of the
    bill, and a ceiling that compares with it never refuses."""
    given = [a_row(0), *(a_row(number, text="word " * 2_000) for number in range(1, 40))]
    usual = Usual(lambda _: "ok")
    guess = by_one_sample(usual, given)
    usual.run(given, max_tokens=1)

    assert usual.api.books().billed_usd > 50 * Decimal(guess)

    assert refused(given, guess * 10, 1)


def test_an_optional_system_prompt_is_not_counted_as_nothing() -> None:
    """`system=None` for rows without one: the count call itself is refused, so the estimate never
    runs for such a job; wrapped in a bare `except` it becomes no ceiling at all."""
    usual = Usual()

    with pytest.raises(anthropic.BadRequestError, match="system"):
        usual.client.messages.count_tokens(
            model=MODEL,
            messages=[{"role": "user", "content": "hello"}],
            system=None,  # type: ignore[arg-type]
        )

    assert "done" == Bench(without=[Canary]).run(3).status


def test_prices_of_one_model_are_not_the_prices_of_another() -> None:
    """Costs are logged with two numbers of a retired model: each team's bill is reported 30 times
    too high, and the budget that is planned with it is too."""
    usual = Usual()
    tokens = [0, 0]
    for line in usual.results(usual.run(rows(20))):
        assert line.result.type == "succeeded"
        tokens[0] += line.result.message.usage.input_tokens
        tokens[1] += line.result.message.usage.output_tokens
    logged = tokens[0] * 1.50 / 1e6 + tokens[1] * 7.50 / 1e6

    assert Decimal(logged) > 25 * usual.api.books().billed_usd

    bench = Bench(without=[Canary])
    bench.run(20)
    (settled,) = bench.entries("collected")
    assert abs(Decimal(settled["cost_usd"]) - bench.books.billed_usd) < Decimal("0.000001")


def test_a_bill_of_input_and_output_alone_misses_the_cache() -> None:
    """`input_tokens` excludes what was written to the cache and read from it: with a long shared
    prompt the log shows a small part of what is charged. Ours prices each kind, as the answer
    splits them, and comes to the service's own bill."""
    rules = {"type": "text", "text": "rule " * 5_000}
    cached = rules | {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    usual = Usual()
    batch = usual.run(rows(20), system=[cached])
    logged, ours = Decimal(0), Decimal(0)
    price = default_prices().price(MODEL)
    for line in usual.results(batch):
        assert line.result.type == "succeeded"
        usage = line.result.message.usage
        logged += price.of(Usage(usage.input_tokens, usage.output_tokens))
        ours += price.bill(msgspec.convert(usage.to_dict(), BilledUsage))

    assert logged < usual.api.books().billed_usd / 5

    assert usual.api.books().billed_usd == ours


def test_a_retired_model_is_accepted_and_answers_nothing() -> None:
    """The create call succeeds, the price is known from a blog, and a day later every row has
    failed: a day lost, and the loop over the results dies at the first line."""
    usual = Usual()
    batch = usual.run(rows(20), model="claude-3-5-sonnet-20241022")

    assert {"errored"} == {line.result.type for line in usual.results(batch)}

    bench = Bench(job_type=a_job_type(model="claude-3-5-sonnet-20241022"))
    with pytest.raises(ControlError, match="There is no price for"):
        bench.run(20)
    assert 0 == bench.creates


def test_a_ceiling_on_one_batch_does_not_hold_the_resubmissions() -> None:
    """Each round is estimated alone and fits; the sum does not. Ours counts what was spent."""
    usual = Usual(chatty)
    usual.run(rows(20), max_tokens=128)
    one_round = usual.api.books().billed_usd
    ceiling = one_round * 2
    for _ in range(8):
        assert one_round < ceiling
        usual.run(rows(20), max_tokens=128)

    assert usual.api.books().billed_usd > 4 * ceiling

    control = CostCeiling(ceiling, 128)
    decisions = [
        control.decide(
            before_submit(
                estimate=lambda: an_estimate(str(one_round)), committed=str(one_round * spent)
            )
        )
        for spent in range(9)
    ]
    assert [Proceed] * 2 + [Halt] * 7 == [type(decision) for decision in decisions]
