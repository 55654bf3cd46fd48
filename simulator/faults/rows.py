"""Faults of a request. The seam is `fate`: what the request ends with, instead of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import msgspec

from simulator.errors import SimulatorError
from simulator.faults.fault import Family, Fault

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


class Fate(msgspec.Struct, frozen=True):
    """How a request ends."""

    outcome: str
    error_type: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class RowFault(Fault):
    """The base of this family. Which requests it strikes is decided when a batch is created."""

    share: float

    family: ClassVar[Family] = Family.ROWS
    unit: ClassVar[str] = "rows"

    @property
    def fate(self) -> Fate:
        """What a struck request ends with."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class RowsErrored(RowFault):
    """Some requests come back `errored`, although nothing is wrong with them.

    Contract 15, incident 13: overload reaches a row as `overloaded_error`, or as `api_error`
    with the text "Overloaded". Incident 10: credit runs out (`invalid_request_error`).
    """

    error_type: str = "overloaded_error"
    message: str = "Overloaded"

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        if self.error_type not in ERROR_TYPES:
            raise SimulatorError(
                f"RowsErrored: {self.error_type!r} is no error type of the service.",
                fix=f"Use one of {', '.join(ERROR_TYPES)}.",
            )

    @property
    def fate(self) -> Fate:
        """Errored while it was running."""
        return Fate("errored", self.error_type, self.message)


@dataclass(frozen=True, slots=True)
class RowsExpired(RowFault):
    """Some requests are never worked, so the batch ends only when its 24 hours have passed.

    Contract 15, incident 11: the batch ends as usual, and these rows have no answer.
    """

    @property
    def fate(self) -> Fate:
        """Expired: nobody came to it in time."""
        return Fate("expired")
