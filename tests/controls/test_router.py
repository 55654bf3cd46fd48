"""The router: certain first, cheap second."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls import Route, Router
from controls.core.moment import Estimate
from controls.policy import RequeuePolicy
from tests.controls.builders import a_demand, a_job_type, an_estimate, in_flight

ROUTER = Router(rounds=2, live_rows_per_minute=50.0)


def hours(number: float) -> timedelta:
    """A duration."""
    return timedelta(hours=number)


def test_what_can_wait_goes_as_a_batch_at_half_the_price() -> None:
    """Both prices are told."""
    assert Route(
        "batch", "it saves up to $30.00, half of the price", Decimal(30), Decimal(60)
    ) == ROUTER.route(an_estimate("30", 5_000))


def test_a_deadline_beyond_the_bound_is_met_by_a_batch() -> None:
    """Canary and the rest: twice 24 hours."""
    assert "batch" == ROUTER.route(an_estimate("30", 5_000), hours(48)).kind


def test_most_batches_end_within_an_hour_but_the_bound_counts() -> None:
    """A deadline of two days less a minute is met by live calls only."""
    route = ROUTER.route(an_estimate("30", 5_000), hours(48) - timedelta(minutes=1))

    assert ("synchronous", True) == (route.kind, route.in_time)
    assert (
        "a batch may take 48 h at worst (2 batches of 24 h each); live calls take about 100 min"
        == route.why
    )


def test_a_tight_latency_budget_is_met_by_live_calls() -> None:
    """One row, now."""
    assert "synchronous" == ROUTER.route(an_estimate("0.01", 1), timedelta(seconds=5)).kind


def test_where_neither_is_sure_the_cheaper_is_tried_and_that_is_said() -> None:
    """100,000 rows take 33 hours of live calls."""
    route = ROUTER.route(an_estimate("600", 100_000), hours(12))

    assert ("batch", False) == (route.kind, route.in_time)
    assert "neither way is sure to be done in 12 h" in route.why
    assert "Most batches end within an hour, which is no promise" in route.why


def test_a_full_queue_costs_another_day() -> None:
    """What is in flight and what waits stand before it."""
    before = (in_flight("b", 150_000),)
    route = ROUTER.route(an_estimate("30", 5_000), hours(48), before, (a_demand("c", 45_001),))

    assert "synchronous" == route.kind
    assert "195,001 requests are before it, which may take a day more" in route.why
    assert "batch" == ROUTER.route(an_estimate("30", 5_000), hours(72), before).kind


@pytest.mark.parametrize(
    ("rows", "usd", "kind"),
    [
        (99, "0.99", "synchronous"),
        (100, "0.99", "batch"),
        (99, "1.00", "batch"),
    ],
)
def test_a_handful_of_cheap_rows_is_not_worth_a_batch(rows: int, usd: str, kind: str) -> None:
    """Few rows and little saved: both."""
    assert kind == ROUTER.route(an_estimate(usd, rows)).kind


def test_the_rounds_of_a_job_type_are_counted() -> None:
    """Canary, the rest, and three of requeue."""
    job_type = a_job_type(requeue=RequeuePolicy(max_rounds=3))

    assert replace(ROUTER, rounds=5, live_rows_per_minute=10.0) == Router.of(job_type, 10.0)


@given(
    st.builds(
        Estimate,
        rows=st.integers(0, 10**6),
        input_tokens=st.just(0),
        output_tokens=st.just(0),
        worst_case_usd=st.decimals(0, 10**6, allow_nan=False),
        counted_rows=st.just(0),
    ),
    st.none() | st.timedeltas(),
    st.integers(0, 10**6),
)
def test_a_route_is_sure_only_within_the_bounds(
    estimate: Estimate, deadline: timedelta | None, before: int
) -> None:
    """Any job; the same facts give the same route, and live calls cost twice as much."""
    queue = (in_flight("b", before),)
    route = ROUTER.route(estimate, deadline, queue)

    assert route == ROUTER.route(estimate, deadline, queue)
    assert 2 * route.batch_usd == route.synchronous_usd
    if route.in_time and deadline is not None and route.kind == "batch":
        assert deadline >= hours(48)
    if route.in_time and deadline is not None and route.kind == "synchronous":
        assert deadline >= min(hours(48), timedelta(minutes=estimate.rows / 50.0))
