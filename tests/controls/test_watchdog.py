"""The watchdog: what is told, what is stopped, and what is nobody's business."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls import BatchFacts, Finding, Watchdog, look_over
from controls.core.decision import Halt, Proceed, Warn
from controls.core.moment import Balance, WhileWaiting
from controls.policy import WatchdogPolicy
from tests.controls.builders import (
    NOW,
    a_balance,
    after_download,
    before_promote,
    some_times,
    some_while_waiting,
    while_waiting,
)

DOG = Watchdog(
    WatchdogPolicy(
        warn_errored_share=0.05,
        warn_errored_rows=20,
        stop_errored_share=0.5,
        stop_errored_rows=100,
        warn_hours=20,
        grace_hours=1,
    )
)


@pytest.mark.parametrize("hours", [-1.0, 0.0, 11.9])
def test_a_young_batch_is_left_alone(hours: float) -> None:
    """Most batches end within an hour, but none has to. Clocks may differ."""
    assert Proceed() == DOG.decide(while_waiting(hours))


def test_no_progress_by_half_of_the_time_is_told_as_a_hint() -> None:
    """The service may count only at the end."""
    assert Warn(
        "batch msgbatch_1 has run for half of its time and no row is reported as finished "
        "(the service may report them only at the end)"
    ) == DOG.decide(while_waiting(12))
    moving = {"processing": 99, "succeeded": 1}
    assert Proceed() == DOG.decide(while_waiting(12, counted=moving))


@pytest.mark.parametrize("hours", [20.0, 24.0, 25.0])
def test_a_batch_near_its_end_with_rows_in_processing_is_told(hours: float) -> None:
    """In the same words at every poll, so that it is sent once."""
    few_left = {"processing": 1, "succeeded": 99}
    told = Warn(
        "batch msgbatch_1 has run for 20 of its 24 h; rows that are unprocessed then will expire"
    )

    assert told == DOG.decide(while_waiting(hours))
    assert told == DOG.decide(while_waiting(hours, counted=few_left))
    assert Proceed() == DOG.decide(while_waiting(hours, counted={"succeeded": 100}))


@pytest.mark.parametrize("counted", [{}, {"processing": 101}, {"processing": -1}])
def test_counts_that_do_not_add_up_are_told(counted: dict[str, int]) -> None:
    """They are the service's word, and all there is while a batch runs."""
    assert Warn(
        "batch msgbatch_1 has request_counts that do not add up to its requests"
    ) == DOG.decide(while_waiting(counted=counted))


def test_a_batch_that_does_not_end_is_given_up_after_the_grace() -> None:
    """Else its job would wait for ever."""
    decision = DOG.decide(while_waiting(25.01))

    assert isinstance(decision, Halt)
    assert "batch msgbatch_1 is stuck: it is in_progress more than 1 h after the 24 h" in (
        decision.why
    )


def test_a_status_that_nobody_knows_is_quoted() -> None:
    """It comes from outside."""
    decision = DOG.decide(while_waiting(30, status="\x1b[2J<b>"))

    assert isinstance(decision, Halt)
    assert r"'\x1b[2J<b>'" in decision.why


def errored(count: int, of: int, **changes: Any) -> Balance:
    """A batch of which so many rows errored."""
    return a_balance(sent=of, seen=of, kinds={"errored": count}, counted={}, **changes)


@pytest.mark.parametrize(
    ("balance", "expected"),
    [
        (errored(19, 19), Proceed),
        (errored(20, 401), Proceed),
        (errored(20, 400), Warn),
        (errored(99, 99), Warn),
        (errored(100, 201), Warn),
        (errored(100, 200), Halt),
        (errored(0, 0), Proceed),
    ],
)
def test_errored_rows_are_told_or_stop_the_job_by_share_and_number(
    balance: Balance, expected: type
) -> None:
    """Both thresholds must be reached: one errored row of ten is no pattern."""
    assert expected is type(DOG.decide(after_download_of(balance)))


def after_download_of(balance: Balance) -> Any:
    """The moment at which a balance is judged."""
    fields = {name: getattr(balance, name) for name in Balance.__slots__}
    return after_download(**fields)


def test_the_service_is_believed_when_it_counts_more_errored_rows_than_we_read() -> None:
    """A cut download shows few of them."""
    moment = after_download(sent=400, seen=3, kinds={"errored": 1}, counted={"errored": 20})

    assert Warn("20 of 400 rows of batch msgbatch_1 errored, 5% or more") == DOG.decide(moment)


def test_the_halt_says_what_to_look_at() -> None:
    """Sending the same again would err again."""
    decision = DOG.decide(after_download_of(errored(1_500, 2_000)))

    assert (
        Halt(
            "1,500 of 2,000 rows of batch msgbatch_1 errored, 50% or more: look at their error "
            "types before anything is sent again"
        )
        == decision
    )


def test_the_watchdog_has_nothing_to_say_of_other_moments() -> None:
    """It looks at batches."""
    assert Proceed() == DOG.decide(before_promote())


@given(some_while_waiting())
def test_it_decides_anything_and_always_the_same(moment: WhileWaiting) -> None:
    """Pure: no facts make it raise, and no memory changes its mind."""
    decision = DOG.decide(moment)

    assert isinstance(decision, Proceed | Warn | Halt)
    assert decision == DOG.decide(moment)


@given(st.integers(-5, 500), st.integers(-5, 500), st.integers(-5, 500))
def test_it_judges_any_balance(errors: int, sent: int, seen: int) -> None:
    """Also counts that make no sense."""
    moment = after_download(sent=sent, seen=seen, kinds={"errored": errors})

    assert DOG.decide(moment) == DOG.decide(moment)


def facts(days: float = 0.0, **changes: Any) -> BatchFacts:
    """A batch that was created so many days before `NOW`, ended an hour later, and was read."""
    created = NOW - timedelta(days=days)
    fields: dict[str, Any] = {
        "batch_id": "msgbatch_1",
        "job": "job_1",
        "created_at": created,
        "ended_at": created + timedelta(hours=1),
        "collected_at": created + timedelta(hours=2),
    }
    return BatchFacts(**fields | changes)


@pytest.mark.parametrize("days", [0, 28, 40])
def test_a_batch_that_was_read_is_in_order(days: float) -> None:
    """Whatever its age."""
    assert () == look_over([facts(days)], NOW)


@pytest.mark.parametrize(
    ("batch", "kind", "what"),
    [
        (facts(24, collected_at=None), "unread", "are deleted on 2026-11-25 09:00, unread"),
        (facts(29, collected_at=None), "gone", "were deleted after 29 days, unread"),
        (facts(30, ended_at=None, collected_at=None), "gone", "were deleted after 29 days"),
        (facts(0.84, ended_at=None, collected_at=None), "nearing", "nears the end of its 24 h"),
        (facts(1.05, ended_at=None, collected_at=None), "stuck", "though its 24 h are over"),
        (
            facts(0.1, known_to_ledger=False, job="", collected_at=None),
            "orphan",
            "no ledger knows batch msgbatch_1, created 2026-11-20 06:36: find out who made it",
        ),
    ],
    ids=["unread", "gone", "gone though it never ended", "nearing", "stuck", "orphan"],
)
def test_what_nobody_would_see_is_found(batch: BatchFacts, kind: str, what: str) -> None:
    """Each with the batch and the job."""
    (finding,) = look_over([facts(), batch, facts()], NOW)

    assert (kind, batch.batch_id, batch.job) == (finding.kind, finding.batch_id, finding.job)
    assert what in finding.what


@pytest.mark.parametrize(
    "batch",
    [facts(23.9, collected_at=None), facts(0.83, ended_at=None, collected_at=None)],
    ids=["read soon enough", "it has time"],
)
def test_nobody_is_disturbed_before_the_time(batch: BatchFacts) -> None:
    """A calm day raises no alarm."""
    assert () == look_over([batch], NOW)


def test_one_batch_may_be_wrong_in_two_ways() -> None:
    """Unknown, and stuck."""
    batch = facts(2, known_to_ledger=False, job="", ended_at=None, collected_at=None)

    assert ["orphan", "stuck"] == [finding.kind for finding in look_over([batch], NOW)]


@given(
    st.lists(
        st.builds(
            BatchFacts,
            st.text(max_size=5),
            st.text(max_size=5),
            some_times().filter(lambda at: at.year < 9999),
            st.none() | some_times(),
            st.none() | some_times(),
            st.booleans(),
        ),
        max_size=5,
    ),
    some_times(),
)
def test_looking_over_changes_nothing_and_finds_the_same_again(
    batches: list[BatchFacts], now: Any
) -> None:
    """Any facts; every finding names one of the batches."""
    findings = look_over(batches, now)

    assert findings == look_over(tuple(batches), now)
    assert {finding.batch_id for finding in findings} <= {batch.batch_id for batch in batches}
    assert all(isinstance(finding, Finding) for finding in findings)
