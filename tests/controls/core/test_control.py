"""What every control promises: it is pure, and it has an opinion on every moment."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls import Canary, CostCeiling, FieldAllowlist, IdempotentSubmit, Reconciliation, Requeue
from controls.core.control import Control
from controls.core.decision import Decision
from controls.core.moment import (
    AfterCanary,
    AfterCollect,
    AfterDownload,
    BeforePromote,
    BeforeSubmit,
    Candidate,
    CreateFailed,
    Moment,
    Unfinished,
)
from controls.policy import CanaryPolicy
from controls.sensitive import SensitiveText
from tests.controls.builders import (
    NOW,
    a_balance,
    a_job_type,
    an_estimate,
    approvals,
    before_submit,
    rows,
    some_grades,
)

CONTROLS = (
    FieldAllowlist(("text",)),
    SensitiveText(),
    CostCeiling(Decimal(10), 128, Decimal(20)),
    Canary(CanaryPolicy(min_rows=5)),
    IdempotentSubmit(),
    Reconciliation(),
    Requeue(),
)
SMALL = st.integers(0, 6)
DOLLARS = st.sampled_from([Decimal(value) for value in ("0", "0.5", "10", "15", "25")])
IDS = st.lists(st.sampled_from(["t-j-1", "t-j-2"]), max_size=2).map(tuple)


def some_approvals(amounts: list[Decimal]) -> tuple[Any, ...]:
    """Consents to these amounts."""
    return approvals(*map(str, amounts))


APPROVALS = st.lists(DOLLARS, max_size=2).map(some_approvals)


@st.composite
def submissions(draw: st.DrawFn) -> BeforeSubmit:
    """Rows that may leak, of jobs that may cost too much."""
    secret = draw(st.text(max_size=6))
    usd = draw(DOLLARS)
    template = draw(st.sampled_from(["{text}", "{text} {secret}", "{secret} {secret}"]))
    text = draw(st.sampled_from(["hello", "4111 1111 1111 1111", "ada@example.org"]))
    return before_submit(
        rows(draw(st.integers(1, 12)), secret=secret, text=text),
        a_job_type(template=template, max_tokens=draw(st.sampled_from([None, 64, 4_096]))),
        estimate=lambda: an_estimate(str(usd)),
        committed=str(draw(DOLLARS)),
        approved=[str(amount) for amount in draw(st.lists(DOLLARS, max_size=2))],
        round=draw(st.integers(0, 2)),
    )


@st.composite
def gradings(draw: st.DrawFn) -> AfterCanary:
    """Slices of every quality."""
    count = draw(st.integers(0, 60))
    known = draw(st.integers(0, count))
    labels = draw(st.dictionaries(st.sampled_from(["pos", "neg"]), st.integers(1, 30)))
    grades = some_grades(
        rows=count,
        bad=draw(st.integers(0, count)),
        known=known,
        correct=draw(st.integers(0, known)),
        labels=labels,
        expected=draw(st.sampled_from([{}, {"pos": 1.0}, {"pos": 0.5, "neg": 0.5}])),
        cost_usd=draw(DOLLARS),
        remaining_rows=draw(st.integers(0, 1_000)),
    )
    return AfterCanary(a_job_type(), grades, draw(APPROVALS))


MOMENTS: st.SearchStrategy[Moment] = st.one_of(
    submissions(),
    gradings(),
    st.builds(
        CreateFailed,
        problem=st.just("APITimeoutError"),
        ambiguous=st.booleans(),
        refused=st.booleans(),
        intended_at=st.just(NOW),
        requests=st.just(10),
        attempt=st.integers(1, 7),
        looks=SMALL,
        candidates=st.lists(
            st.builds(Candidate, st.sampled_from(["b1", "b2"]), st.just(NOW), st.just(10)),
            max_size=2,
        ).map(tuple),
    ),
    st.builds(
        lambda lost, unexpected, downloads, problem: AfterDownload(
            a_balance(lost=lost, unexpected=unexpected, downloads=downloads, problem=problem)
        ),
        IDS,
        IDS,
        st.integers(1, 4),
        st.sampled_from(["", "it broke off"]),
    ),
    st.builds(
        AfterCollect,
        job_type=st.just(a_job_type()),
        round=SMALL,
        unfinished=st.lists(
            st.builds(
                Unfinished,
                SMALL,
                st.sampled_from(["expired", "errored", "canceled"]),
                st.sampled_from(["", "api_error", "invalid_request_error"]),
                SMALL,
            ),
            max_size=4,
        ).map(tuple),
    ),
    st.builds(
        BeforePromote,
        rows=SMALL,
        staged=SMALL,
        quarantined=SMALL,
        lost=IDS,
        spent_usd=DOLLARS,
        reserved_usd=DOLLARS,
        approvals=APPROVALS,
    ),
)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: type(control).__name__)
@settings(max_examples=60)
@given(moment=MOMENTS)
def test_deciding_is_pure(control: Control, moment: Moment) -> None:
    """Asking twice gives the same answer, and neither the control nor the moment has changed."""
    was = deepcopy(control), repr_of(moment)

    first, second = control.decide(moment), control.decide(moment)

    assert first == second
    assert isinstance(first, Decision)
    assert was == (control, repr_of(moment))


def repr_of(moment: Moment) -> str:
    """Everything a moment holds, except functions."""
    names = [name for name in moment.__slots__ if name not in {"dress", "estimate"}]
    return repr([getattr(moment, name) for name in names])


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: type(control).__name__)
@settings(max_examples=60)
@given(moment=MOMENTS)
def test_every_word_but_proceed_has_a_reason(control: Control, moment: Moment) -> None:
    """A clause for the report: not empty, no full stop, one line."""
    why = getattr(control.decide(moment), "why", "fine")

    assert why.strip()
    assert "\n" not in why
    assert not why.endswith(".")
