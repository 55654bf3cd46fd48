"""The life of a batch as one table.

Theory of operation: everything that changes the status of a batch stands in `TRANSITIONS`.
Events are facts ("the day has passed"), not wishes; the ones that carry a wish are named
so (`CANCEL_ASKED`) and the table says what becomes of it. Statuses are computed by folding
the events that have happened by now over the table (`schedule.Timeline.events`), so reading
a status never changes it. `DELETED` is not a word of the wire: a deleted batch answers 404.
An ended batch that is archived stays `ended`; see `Batch.archived_at`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from functools import reduce
from typing import Final

from simulator.errors import SimulatorError


class Status(Enum):
    """`processing_status`, and the one state the API has no word for."""

    IN_PROGRESS = "in_progress"
    CANCELING = "canceling"
    ENDED = "ended"
    DELETED = "deleted"


class Event(Enum):
    """What can happen to a batch."""

    CANCEL_ASKED = "cancel asked"
    ALL_FINAL = "all requests final"
    DAY_PASSED = "24 hours passed"
    DELETE_ASKED = "delete asked"


TRANSITIONS: Final[Mapping[Status, Mapping[Event, Status]]] = {
    Status.IN_PROGRESS: {
        Event.CANCEL_ASKED: Status.CANCELING,
        Event.ALL_FINAL: Status.ENDED,
        Event.DAY_PASSED: Status.ENDED,
    },
    Status.CANCELING: {
        Event.CANCEL_ASKED: Status.CANCELING,
        Event.ALL_FINAL: Status.ENDED,
        Event.DAY_PASSED: Status.ENDED,
    },
    Status.ENDED: {
        Event.CANCEL_ASKED: Status.ENDED,
        Event.DELETE_ASKED: Status.DELETED,
    },
    Status.DELETED: {},
}


class IllegalTransition(SimulatorError):  # noqa: N818 - named for what happened
    """This cannot happen to a batch in this status; nothing was changed."""

    def __init__(self, status: Status, event: Event) -> None:
        legal = TRANSITIONS[status]
        names = ", ".join(sorted(known.value for known in legal))
        super().__init__(
            f"A batch that is {status.value} cannot take the event {event.value!r}.",
            fix=f"Legal here: {names}." if legal else f"{status.value} is final.",
        )
        self.status = status
        self.event = event


def advance(status: Status, event: Event) -> Status:
    """The status after `event`, or an error that names what would have been legal."""
    legal = TRANSITIONS[status]
    if event not in legal:
        raise IllegalTransition(status, event)
    return legal[event]


def after(events: Iterable[Event]) -> Status:
    """The status of a batch to which these things happened, in this order."""
    return reduce(advance, events, Status.IN_PROGRESS)
