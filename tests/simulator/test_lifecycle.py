"""Every status with every event."""

from __future__ import annotations

import pytest

from simulator.lifecycle import TRANSITIONS, Event, IllegalTransition, Status, advance, after

IN_PROGRESS, CANCELING, ENDED, DELETED = Status
CANCEL, FINAL, DAY, DELETE = Event

LEGAL = {
    (IN_PROGRESS, CANCEL): CANCELING,
    (IN_PROGRESS, FINAL): ENDED,
    (IN_PROGRESS, DAY): ENDED,
    (CANCELING, CANCEL): CANCELING,
    (CANCELING, FINAL): ENDED,
    (CANCELING, DAY): ENDED,
    (ENDED, CANCEL): ENDED,
    (ENDED, DELETE): DELETED,
}


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("status", Status)
def test_the_table(status: Status, event: Event) -> None:
    """Legal events lead where the contract says; all others are refused and name the legal ones."""
    if (status, event) in LEGAL:
        assert LEGAL[status, event] is advance(status, event)
        return
    with pytest.raises(IllegalTransition) as refused:
        advance(status, event)

    assert (status, event) == (refused.value.status, refused.value.event)
    for legal in TRANSITIONS[status]:
        assert legal.value in str(refused.value)


@pytest.mark.parametrize("event", Event)
def test_a_deleted_batch_accepts_nothing(event: Event) -> None:
    """`deleted` is final, and the refusal says so."""
    with pytest.raises(IllegalTransition, match="is final"):
        advance(DELETED, event)


def test_every_status_is_in_the_table() -> None:
    """Final states are written down too."""
    assert set(Status) == set(TRANSITIONS)


def test_a_life_is_a_fold_over_its_events() -> None:
    """The status is computed from what has happened, in order."""
    assert ENDED is after([CANCEL, CANCEL, FINAL])
    assert IN_PROGRESS is after([])
