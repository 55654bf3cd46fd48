"""Faults of a request. The seam is `fate`: what the request ends with, instead of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from simulator.errors import SimulatorError
from simulator.faults.fault import Fault
from simulator.faults.seams import Fate, RowFault

ERROR_TYPES: Final = (
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "rate_limit_error",
    "timeout_error",
    "api_error",
    "overloaded_error",
)
"""Contract 7.2: what stands in `result.error.error.type`."""


DETAILS: Final = ("user_facing", "absent", "null", "other")
REQUEST_IDS: Final = ("worker", "null", "absent")


@dataclass(frozen=True, slots=True)
class RowsErrored(RowFault):
    """Some requests come back `errored`, although nothing is wrong with them.

    Contract 15, incident 13: overload reaches a row as `overloaded_error`, or as `api_error`
    with the text "Overloaded". Contract 7.2: `details` and `request_id` may be there or not.
    """

    error_type: str = "overloaded_error"
    message: str = "Overloaded"
    details: str = "user_facing"
    request_id: str = "worker"

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        if self.error_type not in ERROR_TYPES:
            raise SimulatorError(
                f"{self.name}: {self.error_type!r} is no error type of the service.",
                fix=f"Use one of {', '.join(ERROR_TYPES)}.",
            )
        for setting, known in (("details", DETAILS), ("request_id", REQUEST_IDS)):
            if getattr(self, setting) not in known:
                raise SimulatorError(
                    f"{self.name}: {setting}={getattr(self, setting)!r} is not known.",
                    fix=f"Use one of {', '.join(known)}.",
                )

    @property
    def fate(self) -> Fate:
        """Errored while it was running."""
        usual = self.details == DETAILS[0] and self.request_id == REQUEST_IDS[0]
        return Fate("errored", self.error_type, self.message, None if usual else self._reshape)

    def _reshape(self, envelope: dict[str, Any]) -> None:
        error = envelope["error"]
        if self.details == "absent":
            error.pop("details", None)
        elif self.details != DETAILS[0]:
            error["details"] = None if self.details == "null" else {"error_code": "unknown_cause"}
        if self.request_id == "absent":
            envelope.pop("request_id", None)
        elif self.request_id == "null":
            envelope["request_id"] = None


@dataclass(frozen=True, slots=True)
class OverloadedAsApiError(RowFault):
    """Overload reaches a row as `api_error`, and only its text says so.

    Contract 15, incident 13: a retry that looks for `overloaded_error` passes these by.
    """

    @property
    def fate(self) -> Fate:
        """The other spelling of overload."""
        return Fate("errored", "api_error", "Overloaded")


@dataclass(frozen=True, slots=True)
class VagueError(RowFault):
    """A row ends with an error that does not say what was wrong.

    Contract 15, incident 6: too many tokens, and an uninformative text. The detail is two
    levels down, or nowhere (incident 9).
    """

    @property
    def fate(self) -> Fate:
        """As little as possible."""
        return Fate("errored", "invalid_request_error", "Error")


@dataclass(frozen=True, slots=True)
class CreditExhausted(RowFault):
    """The prepaid credit runs out in the middle: from some row on, all are `errored`.

    Contract 15, incident 10: thousands of errored rows, and the run called itself finished.
    """

    share: float = 1.0
    after_requests: int = 0

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        if self.after_requests < 0:
            raise SimulatorError(
                f"CreditExhausted: after_requests={self.after_requests}.", fix="Use 0 or more."
            )

    def reaches(self, row: int) -> bool:
        """The rest of the batch."""
        return row >= self.after_requests

    @property
    def fate(self) -> Fate:
        """An error that repeating does not help."""
        text = "Your credit balance is too low to access the Anthropic API."
        return Fate("errored", "invalid_request_error", text)


@dataclass(frozen=True, slots=True)
class RowsExpired(RowFault):
    """Some requests are never worked, so the batch ends only when its 24 hours have passed.

    Contract 15, incident 11: the batch ends as usual, and these rows have no answer.
    """

    @property
    def fate(self) -> Fate:
        """Expired: nobody came to it in time."""
        return Fate("expired")
