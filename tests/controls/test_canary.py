"""The canary: slice, bounds, grades."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from controls import Canary
from controls.canary import Grade, bounds, rows_to_decide
from controls.core.decision import Decision, Halt, Proceed, Split
from controls.policy import CanaryPolicy
from tests.controls.builders import after_canary, before_promote, before_submit, rows, some_grades

CONFIDENCE = st.floats(0.5, 0.999)


@settings(max_examples=150)
@given(st.integers(1, 2_000), st.data(), CONFIDENCE)
def test_the_bounds_are_those_of_clopper_and_pearson(
    trials: int, data: st.DataObject, confidence: float
) -> None:
    """One-sided at `confidence` is two-sided at twice the error; scipy's test is the reference."""
    hits = data.draw(st.integers(0, trials))
    low, high = bounds(hits, trials, confidence)
    test = stats.binomtest(hits, trials)
    reference = test.proportion_ci(1 - 2 * (1 - confidence), method="exact")

    assert reference.low == pytest.approx(low, abs=1e-9)
    assert reference.high == pytest.approx(high, abs=1e-9)


@settings(max_examples=150)
@given(st.floats(0.001, 0.9), CONFIDENCE)
@example(0.5, 0.75)
@example(0.1, 0.9)
@example(0.1, 0.99)
def test_a_slice_of_the_right_size_can_pass_and_a_smaller_one_cannot(
    limit: float, confidence: float
) -> None:
    """`rows_to_decide` is exactly the smallest size at which a clean slice proves the limit."""
    policy = CanaryPolicy(max_bad_share=limit, confidence=confidence)
    size = rows_to_decide(limit, confidence)

    assert isinstance(Canary(policy).decide(after_canary(rows=size)), Proceed)
    if size > 1:
        assert isinstance(Canary(policy).decide(after_canary(rows=size - 1)), Halt)


@given(st.integers(1, 5_000), st.integers(0, 2**32), st.floats(0.001, 1.0), st.integers(1, 60))
def test_the_slice_is_one_row_of_each_stretch(
    count: int, seed: int, share: float, least: int
) -> None:
    """Distinct, in order, spread over the whole file, at least the size asked for."""
    canary = Canary(CanaryPolicy(share=share, min_rows=least))
    positions = canary.slice(count, seed)
    size = canary.size(count)

    assert size == len(set(positions)) == len(positions)
    assert min(count, least) <= size <= count
    assert all(
        place * count // size <= position < (place + 1) * count // size
        for place, position in enumerate(positions)
    )
    assert positions == canary.slice(count, seed)


@pytest.mark.parametrize(
    ("count", "expected"), [(1, 1), (28, 28), (29, 29), (1_000, 29), (1_450, 29), (100_000, 2_000)]
)
def test_the_default_slice_is_two_percent_but_large_enough_to_decide(
    count: int, expected: int
) -> None:
    """29 rows without a bad one prove at most 10 % at 95 %."""
    assert expected == Canary().size(count)


def test_the_slice_goes_first() -> None:
    """As ordinals of the rows, whatever they are numbered."""
    given_rows = rows(1_000)[500:]

    decision = Canary().decide(before_submit(given_rows))

    assert isinstance(decision, Split)
    assert 29 == len(decision.first)
    assert all(500 <= ordinal < 1_000 for ordinal in decision.first)
    assert "29 of 500 rows go first" == decision.why


def test_a_resubmission_is_not_split() -> None:
    """The slice was judged once; rows that expired go again together."""
    assert Proceed() == Canary().decide(before_submit(rows(100), round=1))


@pytest.mark.parametrize(
    ("grades", "expected", "says"),
    [
        ({}, Proceed, ""),
        ({"rows": 100, "bad": 4}, Proceed, ""),
        ({"rows": 100, "bad": 5}, Halt, "inconclusive: 5 of 100 rows are bad"),
        ({"rows": 100, "bad": 30}, Halt, "is bad: 30 of 100 rows are bad"),
        (
            {"bad": 29, "bad_reasons": {"not_json": 20, "empty": 9}},
            Halt,
            "(9 empty, 20 not_json); at most 10% are agreed",
        ),
        ({"rows": 28}, Halt, "it takes 29 rows without a bad one"),
        ({"rows": 0}, Halt, "inconclusive: 0 of 0 rows are bad"),
        ({"known": 29, "correct": 29}, Proceed, ""),
        ({"known": 29, "correct": 12}, Halt, "12 of 29 known answers are right; at least 70%"),
        ({"known": 29, "correct": 22}, Halt, "inconclusive: 22 of 29 known answers are right"),
        ({"known": 2, "correct": 2}, Halt, "inconclusive: 2 of 2 known answers"),
    ],
)
def test_a_slice_passes_only_if_every_measure_is_proved_good(
    grades: dict[str, Any], expected: type[Decision], says: str
) -> None:
    """Bad halts, and so does what the slice is too small to decide."""
    decision = Canary().decide(after_canary(**grades))

    assert expected is type(decision)
    assert says in getattr(decision, "why", "")


def test_a_shifted_distribution_is_bad() -> None:
    """Half of the answers should be `neg`, and none is."""
    decision = Canary().decide(after_canary(labels={"pos": 29}, expected={"pos": 0.5, "neg": 0.5}))

    assert isinstance(decision, Halt)
    assert "'neg' is 0 of 29 answers, 50% were expected" in decision.why
    assert "'pos' is 29 of 29 answers, 50% were expected" in decision.why


def test_a_label_that_nobody_expected_is_bad() -> None:
    """A new label in most answers is a shift."""
    decision = Canary().decide(after_canary(labels={"huh": 20, "pos": 9}, expected={"pos": 1.0}))

    assert isinstance(decision, Halt)
    assert "'huh' is 20 of 29 answers, 0% were expected" in decision.why


def test_chance_is_no_shift() -> None:
    """A slice that differs a little from the whole proves nothing."""
    labels, expected = {"pos": 18, "neg": 11}, {"pos": 0.5, "neg": 0.5}

    assert isinstance(Canary().decide(after_canary(labels=labels, expected=expected)), Proceed)


def test_the_canary_has_nothing_to_say_of_other_moments() -> None:
    """It proceeds."""
    assert Proceed() == Canary().decide(before_promote())


def test_a_passed_canary_says_what_it_could_not_rule_out() -> None:
    """For the report: rare damage may still be there."""
    assert (
        "up to 9.8% bad rows could have gone unseen",
        "correctness was not graded: no known answers",
    ) == Canary().exclusions(some_grades())
    assert (
        "up to 9.8% bad rows could have gone unseen",
        "accuracy could be as low as 90.2%",
    ) == Canary().exclusions(some_grades(known=29, correct=29))


def test_every_measure_has_a_grade() -> None:
    """Bad share, accuracy, and each proven shift."""
    grades = some_grades(known=29, correct=29, labels={"pos": 29}, expected={"neg": 1.0})

    assert [Grade.GOOD, Grade.GOOD, Grade.BAD, Grade.BAD] == [
        grade for grade, _ in Canary().measures(grades)
    ]


def test_a_good_canary_says_what_it_could_not_rule_out() -> None:
    """A pass is never more than was shown."""
    decision = Canary().decide(after_canary())

    assert isinstance(decision, Proceed)
    assert "not ruled out: up to" in decision.note


def test_where_the_slice_is_everything_the_shares_are_known() -> None:
    """Five rows that are all good pass; a bad one among them is twenty percent."""
    canary = Canary()
    good = after_canary(rows=5, bad=0, known=0, remaining_rows=0)
    bad = after_canary(rows=5, bad=1, known=0, remaining_rows=0)

    assert "not ruled out: nothing" in getattr(canary.decide(good), "note", "")
    assert isinstance(canary.decide(bad), Halt)
