"""Requeue: rows that failed without being at fault are sent again, boundedly.

Protects from losing the tail that expired at 24 hours and the rows that an overloaded service
gave up. Transient rows go into a new batch; permanent ones (`invalid_request_error` and its like
would fail again unchanged) and exhausted ones go to quarantine with their reason.

Weakness: rounds are bounded, so a bad day ends with rows in quarantine, not with all answers.
Neighbour: `CostCeiling` is asked again before every round.
"""

from __future__ import annotations

from dataclasses import dataclass

from controls.core.decision import Decision, Proceed, Resubmit
from controls.core.moment import AfterCollect, Moment, Unfinished

TRANSIENT = frozenset({"api_error", "overloaded_error", "timeout_error", "rate_limit_error"})
"""Inner error types worth another try. Source: the documentation tells bad requests from server
errors; the list for the rest is inference, see the fidelity notes in the README."""


@dataclass(frozen=True, slots=True)
class Requeue:
    """Sends expired and transiently errored rows again, at most `max_rounds` times.

    Canceled rows are given up: somebody wanted them to stop.
    """

    max_rounds: int = 2

    def decide(self, moment: Moment, /) -> Decision:
        """Which rows go again and which are given up, after a round was collected."""
        if not isinstance(moment, AfterCollect) or not moment.unfinished:
            return Proceed()
        again: list[int] = []
        given_up: list[tuple[int, str]] = []
        for row in moment.unfinished:
            if moment.round < self.max_rounds and _transient(row):
                again.append(row.ordinal)
            else:
                given_up.append((row.ordinal, reason_of(row)))
        says = f"{len(again):,} rows are sent again" if again else "no row is sent again"
        if given_up:
            says += f", {len(given_up):,} are given up"
        return Resubmit(tuple(again), tuple(given_up), f"{says} (round {moment.round + 1})")


def _transient(row: Unfinished) -> bool:
    return row.kind == "expired" or row.error_type in TRANSIENT


def reason_of(row: Unfinished) -> str:
    """The quarantine reason of a row without an answer, e.g. `errored:api_error`."""
    return f"errored:{row.error_type}" if row.kind == "errored" else row.kind
