"""The cost ceiling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls import ControlError, CostCeiling
from controls.ceiling import (
    DENSITY_MARGIN,
    OVERHEAD_TOKENS,
    Exposure,
    estimate_cost,
    in_flight_exposure,
)
from controls.core.answer import Usage
from controls.core.decision import AskApproval, Decision, Halt, Proceed
from controls.core.moment import Estimate
from controls.core.rows import DressedRow
from controls.policy import JobType, SpendPolicy
from controls.prices import default_prices
from simulator import Api, FromCallable, hours, minutes
from tests.controls.builders import (
    MODEL,
    a_dresser,
    a_job_type,
    a_row,
    after_canary,
    an_estimate,
    approvals,
    before_promote,
    before_submit,
)
from tests.simulator.builders import call, create, document

CEILING = CostCeiling(Decimal(10), max_tokens_cap=128)
APPROVABLE = CostCeiling(Decimal(10), max_tokens_cap=128, approvable_usd=Decimal(20))


def costing(usd: str) -> Callable[[], Estimate]:
    """An estimate of this worst case."""
    return lambda: an_estimate(usd)


@pytest.mark.parametrize(
    ("worst", "committed", "approved", "expected"),
    [
        ("10", "0", [], Proceed),
        ("10.000001", "0", [], Halt),
        ("6", "4", [], Proceed),
        ("6", "4.01", [], Halt),
        ("11", "0", ["1000"], Halt),
    ],
)
def test_a_ceiling_is_a_ceiling(
    worst: str, committed: str, approved: list[str], expected: type[Decision]
) -> None:
    """To the microdollar, what was spent before included; nobody approves what nobody may."""
    moment = before_submit(estimate=costing(worst), committed=committed, approved=approved)

    assert expected is type(CEILING.decide(moment))


@pytest.mark.parametrize(
    ("worst", "approved", "expected"),
    [
        ("10", [], Proceed),
        ("15", [], AskApproval),
        ("15", ["14.99"], AskApproval),
        ("15", ["15"], Proceed),
        ("15", ["3", "16"], Proceed),
        ("20", ["1000"], Proceed),
        ("20.01", ["1000"], Halt),
        ("15", ["Infinity"], Proceed),
    ],
)
def test_a_person_may_approve_up_to_a_limit(
    worst: str, approved: list[str], expected: type[Decision]
) -> None:
    """Above the ceiling a consent is asked for; above the approvable nobody is asked."""
    moment = before_submit(estimate=costing(worst), approved=approved)

    assert expected is type(APPROVABLE.decide(moment))


def test_a_request_for_approval_names_the_amount() -> None:
    """So that a person agrees to a number."""
    decision = APPROVABLE.decide(before_submit(estimate=costing("15")))

    assert (
        AskApproval("the worst case of 10 rows is $15.00, above the ceiling of $10.00", usd="15.00")
        == decision
    )


@pytest.mark.parametrize(
    ("max_tokens", "expected"), [(None, Halt), (128, Proceed), (129, Halt), (1, Proceed)]
)
def test_output_is_capped(max_tokens: int | None, expected: type[Decision]) -> None:
    """No max_tokens, or more than the cap, is refused before anything is counted."""
    moment = before_submit(job_type=a_job_type(max_tokens=max_tokens))

    assert expected is type(CEILING.decide(moment))


def test_a_cost_that_cannot_be_known_is_refused() -> None:
    """An estimate that fails is no estimate of zero."""

    def unknown() -> Estimate:
        raise ControlError("There is no price.", fix="Add one.")

    assert Halt("the cost cannot be known: There is no price.") == CEILING.decide(
        before_submit(estimate=unknown)
    )


@pytest.mark.parametrize(
    ("cost", "approved", "expected"),
    [
        ("0.29", [], Proceed),
        ("0.2901", [], Halt),
        ("0.50", ["18"], Proceed),
        ("0.60", ["18"], Halt),
    ],
)
def test_real_usage_of_the_canary_is_projected(
    cost: str, approved: list[str], expected: type[Decision]
) -> None:
    """29 of 1,000 rows cost so much: the whole may not exceed what was agreed."""
    moment = after_canary(cost_usd=Decimal(cost), approved=approved)

    assert expected is type(APPROVABLE.decide(moment))


@pytest.mark.parametrize(
    ("spent", "approved", "expected"),
    [("10", [], Proceed), ("10.01", [], Halt), ("15", ["15"], Proceed), ("15.01", ["15"], Halt)],
)
def test_nothing_is_promoted_that_cost_more_than_agreed(
    spent: str, approved: list[str], expected: type[Decision]
) -> None:
    """What might have been approved does not count, only what was."""
    moment = before_promote(spent_usd=Decimal(spent), approvals=approvals(*approved))

    assert expected is type(APPROVABLE.decide(moment))


def test_the_ceiling_comes_from_the_job_type() -> None:
    """Amounts and cap are the policy's."""
    policy = a_job_type(ceiling="7", approvable="9")

    assert CostCeiling(Decimal(7), 128, Decimal(9)) == CostCeiling.of(policy)


DAILY = CostCeiling(Decimal(10), 128, approvable_usd=Decimal(20), team_usd_per_day=Decimal(12))


@pytest.mark.parametrize(
    ("worst", "committed", "team_today", "approved", "expected"),
    [
        ("6", "0", "6", [], Proceed),
        ("6", "0", "6.01", [], Halt),
        ("3", "3", "6", [], Proceed),
        ("3", "3.01", "6", [], Halt),
        ("12", "0", "0", ["20"], Proceed),
        ("12.01", "0", "0", ["20"], Halt),
        ("12", "0", "0", [], AskApproval),
    ],
)
def test_a_team_has_a_ceiling_for_the_day(
    worst: str, committed: str, team_today: str, approved: list[str], expected: type[Decision]
) -> None:
    """Over all of its jobs: each may be small and their sum is not. Nobody can approve more."""
    moment = before_submit(
        estimate=costing(worst), committed=committed, approved=approved, team_today=team_today
    )

    assert expected is type(DAILY.decide(moment))


def test_the_ceiling_of_a_day_says_what_there_was_and_what_would_be() -> None:
    """So that the owner knows whether to wait for tomorrow or to make the job smaller."""
    moment = before_submit(estimate=costing("5"), committed="1", team_today="8")

    assert Halt(
        "the worst case of 10 rows is $6.00; with $8.00 of other jobs the team 'support' would "
        "be at $14.00 today, its ceiling for a day is $12.00; sent already, and billed even if "
        "stopped: at most $1.00"
    ) == DAILY.decide(moment)


def test_without_a_ceiling_for_the_day_other_jobs_do_not_matter() -> None:
    """The neutral setting."""
    assert isinstance(CEILING.decide(before_submit(team_today="1000000")), Proceed)


@pytest.mark.parametrize(
    ("age", "limit", "stops"), [(30, 30, False), (31, 30, True), (999, None, False)]
)
def test_prices_older_than_agreed_count_as_none(age: int, limit: int | None, stops: bool) -> None:  # noqa: FBT001
    """To the day; without a limit no table is too old."""
    moment = replace(before_submit(), prices_age_days=age)

    assert stops == isinstance(replace(CEILING, prices_days=limit).decide(moment), Halt)


def test_the_ceiling_of_a_day_comes_from_the_job_type() -> None:
    """As the others do."""
    spend = SpendPolicy(ceiling_usd=Decimal(7), max_tokens_cap=128, team_usd_per_day=Decimal(30))

    assert Decimal(30) == CostCeiling.of(a_job_type(spend=spend)).team_usd_per_day


@pytest.mark.parametrize(
    ("committed", "over", "says"),
    [
        ("0", "0", ""),
        ("3", "0", "; sent already, and billed even if stopped: at most $3.00"),
        (
            "12.5",
            "2.5",
            "; sent already, and billed even if stopped: at most $12.50, $2.50 more than agreed",
        ),
    ],
)
def test_what_is_in_flight_is_bounded_and_told(committed: str, over: str, says: str) -> None:
    """A stop cannot take back what was sent; its worst case is known."""
    exposure = in_flight_exposure(Decimal(committed), Decimal(10))

    assert Exposure(Decimal(committed), Decimal(over)) == exposure
    assert says == exposure.says


def test_a_canceled_batch_costs_no_more_than_its_exposure() -> None:
    """The service finishes what it has begun and bills it: within the worst case that was told."""
    api = Api(responder=FromCallable(lambda _: "word " * 100))
    job_type = a_job_type()
    made = [a_dresser(job_type).dress(a_row(ordinal)) for ordinal in range(50)]
    worst = estimated(made, job_type, set(), lambda _: 0).worst_case_usd
    batch = document(create(api, [msgspec.json.decode(request.body) for request in made]))["id"]
    api.clock.sleep(minutes(1))
    call(api, "POST", f"/v1/messages/batches/{batch}/cancel")
    api.clock.sleep(hours(25))

    assert 0 < api.books().billed_usd <= in_flight_exposure(worst, worst).at_most_usd


def estimated(
    made: list[DressedRow],
    job_type: JobType,
    sampled: set[int],
    tokens: Callable[[DressedRow], int],
) -> Estimate:
    """The worst case of these requests."""
    return estimate_cost(made, job_type, default_prices(), tokens, frozenset(sampled))


def test_output_is_part_of_the_estimate() -> None:
    """Seed 000 multiplies rows by input tokens by a price: where answers are longer than
    prompts, it misses most of the cost. Ours counts rows times max_tokens at the output price."""

    def seed_recipe(rows: int, tokens_per_row: int, usd_per_million: float) -> float:
        return rows * tokens_per_row * usd_per_million / 1e6

    job_type = a_job_type(max_tokens=128)
    made = [a_dresser(job_type).dress(a_row(ordinal)) for ordinal in range(10)]
    naive = seed_recipe(10, 20, 0.05)
    ours = estimated(made, job_type, set(range(10)), lambda _: 20)
    real = Decimal(10 * (20 * 5 + 128 * 25)) / 10**8

    assert Decimal(naive) < real / 10
    assert real <= ours.worst_case_usd
    assert 1_280 == ours.output_tokens


def test_rows_outside_the_sample_are_bounded_by_their_bytes() -> None:
    """A row that is ten times as large counts about ten times as much."""
    job_type = a_job_type()
    dress = a_dresser(job_type).dress
    small, large = dress(a_row(0)), dress(a_row(1, text="word " * 5_000))
    only_small = estimated([small], job_type, {0}, lambda _: 30)
    both = estimated([small, large], job_type, {0}, lambda _: 30)

    assert 30 + OVERHEAD_TOKENS == only_small.input_tokens
    assert both.input_tokens > 25_000 * 30 / len(small.params)
    assert (2, 1) == (both.rows, both.counted_rows)


def test_without_a_sample_every_byte_is_a_token() -> None:
    """The bound of last resort."""
    made = a_dresser().dress(a_row())

    assert len(made.params) <= estimated([made], a_job_type(), set(), lambda _: 0).input_tokens


def test_one_long_prompt_makes_the_worst_case_long() -> None:
    """Where one prompt may pass the limit for long ones, all are priced as long."""
    job_type = a_job_type()
    dress = a_dresser(job_type).dress
    long = [dress(a_row(0, text="word " * 200_000))]
    tokens = 200_000
    price = default_prices().price(MODEL)

    worst = estimated(long, job_type, {0}, lambda _: tokens).worst_case_usd

    assert price.worst(tokens + OVERHEAD_TOKENS, 64, largest_prompt=tokens) == worst
    assert worst > 4 * price.worst(tokens, 64, largest_prompt=1)


@settings(max_examples=40)
@given(
    st.lists(st.text(min_size=1, max_size=200), min_size=1, max_size=8),
    st.integers(1, 200),
    st.text(max_size=300),
)
def test_the_estimate_of_counted_rows_covers_what_the_service_bills(
    texts: list[str], max_tokens: int, said: str
) -> None:
    """Whatever the texts are and however much the model says, the bill is within the bound."""
    api = Api(responder=FromCallable(lambda _: said * 10))
    job_type = a_job_type(max_tokens=max_tokens)
    dresser = a_dresser(job_type)
    made = [dresser.dress(a_row(place, text=text)) for place, text in enumerate(texts)]

    def count_tokens(request: DressedRow) -> int:
        body = msgspec.json.decode(request.params)
        del body["max_tokens"]
        tokens: int = document(call(api, "POST", "/v1/messages/count_tokens", body))["input_tokens"]
        return tokens

    estimate = estimated(made, job_type, set(range(len(made))), count_tokens)
    created = create(api, [msgspec.json.decode(request.body) for request in made])
    api.clock.sleep(hours(25))

    assert 200 == created.status
    assert api.books().billed_usd <= estimate.worst_case_usd


@given(
    st.lists(st.tuples(st.integers(0, 3_000), st.floats(0.0, 1.0)), min_size=1, max_size=30),
    st.data(),
    st.integers(1, 128),
    st.sampled_from(["claude-haiku-5-5", "claude-opus-5-5"]),
)
def test_the_estimate_bounds_the_bill_while_the_counted_density_holds(
    rows: list[tuple[int, float]], data: st.DataObject, max_tokens: int, model: str
) -> None:
    """Any rows, any sample: if no row has more tokens per byte than the densest sampled one and
    a quarter, and `OVERHEAD_TOKENS`, and no answer more than `max_tokens`, no bill is higher."""
    job_type = a_job_type(max_tokens=max_tokens, model=model)
    dress = a_dresser(job_type).dress
    made = [dress(a_row(place, text="x" * size)) for place, (size, _) in enumerate(rows)]
    sampled = data.draw(st.sets(st.sampled_from(range(len(rows))), min_size=1))
    tokens = [int(len(made[place].params) * share) for place, (_, share) in enumerate(rows)]
    densest = max(tokens[place] / len(made[place].params) for place in sampled)
    billed = [
        Usage(
            (tokens[place] if place in sampled else int(min(1.0, densest * DENSITY_MARGIN) * size))
            + OVERHEAD_TOKENS,
            max_tokens,
        )
        for place, size in enumerate(len(request.params) for request in made)
    ]
    price = default_prices().price(model)

    estimate = estimated(made, job_type, sampled, lambda request: tokens[request.row.ordinal])

    assert sum(price.bill(usage) for usage in billed) <= estimate.worst_case_usd


def test_a_counted_row_that_is_denser_than_bytes_bounds_the_others_too() -> None:
    """More tokens than bytes should not happen; where they are counted, they are believed."""
    job_type = a_job_type()
    dress = a_dresser(job_type).dress
    made = [dress(a_row(0)), dress(a_row(1))]
    dense = 2 * len(made[0].params)

    estimate = estimated(made, job_type, {0}, lambda _: dense)

    assert 2 * dense + 2 * OVERHEAD_TOKENS == estimate.input_tokens


def test_a_long_prompt_that_was_counted_counts_as_long() -> None:
    """Also where its bytes alone would not say so."""
    job_type = a_job_type()
    made = a_dresser(job_type).dress(a_row())
    price = default_prices().price(MODEL)

    worst = estimated([made], job_type, {0}, lambda _: 100_001).worst_case_usd

    assert price.worst(100_017, 64, largest_prompt=100_001) == worst
