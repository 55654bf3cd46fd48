"""What the first rows showed, put together."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from controls.core.book import Tally
from controls.core.grading import Measured, expected_shares
from controls.core.moment import Grades
from tests.controls.builders import a_row, rows

REASONS = st.dictionaries(st.sampled_from(["schema", "errored", "empty"]), st.integers(1, 9))
TALLIES = st.builds(
    Tally,
    rows=st.integers(0, 50),
    bad=REASONS,
    known=st.integers(0, 50),
    correct=st.integers(0, 50),
    labels=st.dictionaries(st.sampled_from("ab"), st.integers(1, 9)),
    regraded=st.none() | REASONS,
)
PARTS = st.lists(
    st.tuples(TALLIES, st.integers(0, 60), st.integers(0, 900).map(Decimal)), max_size=5
)


def test_tallies_are_shown_to_the_canary_as_grades() -> None:
    """Two batches of three rows each, of a job of ten; one row did not come back."""
    one = Tally(rows=3, accepted=2, bad={"schema": 1}, known=2, correct=1, labels={"pos": 2})
    two = Tally(rows=2, accepted=2, known=2, correct=2, labels={"pos": 1, "neg": 1})

    measured = Measured.together([(one, 3, Decimal("0.25")), (two, 3, Decimal("0.5"))])

    assert Grades(
        rows=6,
        bad=2,
        bad_reasons={"schema": 1, "lost": 1},
        known=4,
        correct=3,
        labels={"pos": 3, "neg": 1},
        expected={"pos": 1.0},
        cost_usd=Decimal("0.75"),
        remaining_rows=4,
    ) == measured.grades(rows(10, truth="pos"), 10, "truth")


def test_a_second_opinion_takes_the_place_of_the_first() -> None:
    """What the gate under test says does not count where another gate was asked."""
    lenient = Tally(rows=3, accepted=3, regraded={"schema": 3})
    strict = Tally(rows=3, bad={"schema": 3}, regraded={})

    assert {"schema": 3} == Measured.together([(lenient, 3, Decimal(0))]).bad
    assert {} == Measured.together([(strict, 3, Decimal(0))]).bad


@given(PARTS, PARTS)
def test_batches_may_be_added_up_in_any_order(
    one: list[tuple[Tally, int, Decimal]], two: list[tuple[Tally, int, Decimal]]
) -> None:
    """How rows were cut into batches does not matter to the canary."""
    assert Measured.together([*one, *two]) == Measured.together([*two, *one])


@given(PARTS)
def test_a_row_that_did_not_come_back_is_bad(parts: list[tuple[Tally, int, Decimal]]) -> None:
    """Missing is not good."""
    missing = sum(max(0, requests - tally.rows) for tally, requests, _ in parts)

    assert missing == Measured.together(parts).bad["lost"]


def test_expected_shares_are_those_of_the_known_answers() -> None:
    """Rows without a known answer say nothing."""
    known = [a_row(0, truth="a"), a_row(1, truth="a"), a_row(2, truth="b"), a_row(3, truth="")]

    assert {"a": 2 / 3, "b": 1 / 3} == expected_shares(known, "truth")
    assert {} == expected_shares(known, None)
    assert {} == expected_shares(known, "nothing")
