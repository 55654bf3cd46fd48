"""Decisions: the strictest wins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.core.decision import (
    STRICTNESS,
    Adopt,
    AskApproval,
    Decision,
    Halt,
    LookAgain,
    Proceed,
    Redownload,
    Resubmit,
    SendAgain,
    Split,
    Wait,
    Warn,
    Withhold,
    merge,
    strictest,
)

WHY = st.sampled_from(["a", "b", "c"])
ORDINALS = st.lists(st.integers(0, 9), unique=True).map(sorted).map(tuple)
GIVEN_UP = st.dictionaries(st.integers(0, 9), st.sampled_from(["expired", "errored:x"])).map(
    lambda reasons: tuple(sorted(reasons.items()))
)
DECISIONS: st.SearchStrategy[Decision] = st.one_of(
    st.just(Proceed()),
    st.builds(Warn, WHY),
    st.builds(Split, ORDINALS, WHY),
    st.builds(Resubmit, ORDINALS, GIVEN_UP, WHY),
    st.builds(SendAgain, WHY),
    st.builds(LookAgain, WHY, st.just(1.0)),
    st.builds(Redownload, WHY),
    st.builds(Wait, WHY, st.floats(0, 9)),
    st.builds(Adopt, st.just("msgbatch_1"), WHY),
    st.builds(AskApproval, WHY),
    st.builds(Withhold, GIVEN_UP, WHY),
    st.builds(Halt, WHY),
)


@given(st.lists(DECISIONS))
def test_the_strictest_wins(decisions: list[Decision]) -> None:
    """No order of controls can soften what one of them said."""
    ranks = [STRICTNESS.index(type(decision)) for decision in decisions]

    assert STRICTNESS[max(ranks, default=0)] is type(strictest(decisions))
    assert type(strictest(decisions)) is type(strictest(reversed(decisions)))


@given(DECISIONS, DECISIONS, DECISIONS)
def test_decisions_may_be_merged_in_any_grouping(
    one: Decision, two: Decision, three: Decision
) -> None:
    """A list of controls is itself a control. For resubmissions that holds once none of them
    sends again what it gives up itself."""
    one, two, three = (merge(decision, decision) for decision in (one, two, three))

    assert merge(merge(one, two), three) == merge(one, merge(two, three))


@given(DECISIONS)
def test_proceed_is_neutral(decision: Decision) -> None:
    """It changes nothing, on either side."""
    assert decision == merge(Proceed(), decision) == merge(decision, Proceed())
    assert Proceed() == strictest([])


def test_two_halts_keep_both_reasons() -> None:
    """The owner hears everything."""
    assert Halt("one; two") == strictest([Halt("one"), Proceed(), Halt("two")])


def test_two_resubmissions_are_united_and_giving_up_is_stricter() -> None:
    """A row that one control gives up is not sent again because another would."""
    merged = strictest(
        [Resubmit((1, 2), ((5, "expired"),), "one"), Resubmit((2, 3, 5), ((1, "x"),), "two")]
    )

    assert Resubmit((2, 3), ((1, "x"), (5, "expired")), "one; two") == merged


def test_two_withholdings_are_united_and_the_first_reason_counts() -> None:
    """No row slips through because another control has another reason; approval comes later."""
    merged = strictest(
        [
            Withhold(((3, "sensitive:card"), (5, "sensitive:ssn")), "one"),
            AskApproval("too dear"),
            Withhold(((1, "x"), (3, "x")), "two"),
        ]
    )

    assert Withhold(((1, "x"), (3, "sensitive:card"), (5, "sensitive:ssn")), "one; two") == merged


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (AskApproval("a", "1"), AskApproval("b", "2")),
        (Redownload("a", 1.0), Redownload("b", 2.0)),
        (Adopt("msgbatch_1", "a"), Adopt("msgbatch_2", "b")),
    ],
)
def test_of_two_of_another_kind_the_first_counts(left: Decision, right: Decision) -> None:
    """The order of the stack decides."""
    assert left == merge(left, right)
