"""Faults of a call that are answered with a status (contract 8.2), by the service or its edge."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import ClassVar, Final

from simulator.errors import ApiError, SimulatorError, no_such_batch
from simulator.faults.seams import WireCall, WireFault
from simulator.wire import Endpoint, Headers, Response

OK: Final = 200


@dataclass(frozen=True, slots=True)
class StatusFault(WireFault):
    """The base of this file. With `done` the work is done, and only the reply is bad."""

    error_code: str | None = None
    """What stands in `error.details.error_code`; the official client has a class for some."""
    done: bool = False

    status: ClassVar[int] = 500
    error_type: ClassVar[str] = "api_error"
    message: ClassVar[str] = "Internal server error"

    @property
    def late(self) -> bool:
        """Whether the work is done."""
        return self.done

    def headers(self, call: WireCall) -> Headers:
        """What this error says beside its body."""
        del call
        return ()

    def strike(self, call: WireCall) -> ApiError | Response:
        """The error."""
        details = None if self.error_code is None else {"error_code": self.error_code}
        return ApiError(self.status, self.error_type, self.message, details, self.headers(call))


class OnHold(StatusFault):
    """The organisation is on hold, or a spend limit that somebody set is reached: 400.

    Contract 8.2 and 9.2: every batch method can say so, by `error_code` or by its text, and
    repeating does not help.
    """

    __slots__ = ()

    status: ClassVar[int] = 400
    error_type: ClassVar[str] = "invalid_request_error"
    message: ClassVar[str] = "You have reached your specified API usage limits."


class Unauthorized(StatusFault):
    """The key was revoked while the work went on: 401.

    Contract 8.2 and 6.1; the official client does not try again.
    """

    __slots__ = ()

    status: ClassVar[int] = 401
    error_type: ClassVar[str] = "authentication_error"
    message: ClassVar[str] = "API key is invalid."


class PaymentRequired(StatusFault):
    """There is a problem with the payment: 402 `billing_error`.

    Contract 8.2; the official client does not try again.
    """

    __slots__ = ()

    status: ClassVar[int] = 402
    error_type: ClassVar[str] = "billing_error"
    message: ClassVar[str] = "There is a problem with your payment."


class Forbidden(StatusFault):
    """The key may not do this any more: 403 `permission_error`.

    Contract 8.2 and 9.4: downloads, for example, can be switched off for a workspace.
    """

    __slots__ = ()

    status: ClassVar[int] = 403
    error_type: ClassVar[str] = "permission_error"
    message: ClassVar[str] = "Your API key does not have permission to use this resource."


@dataclass(frozen=True, slots=True)
class EventualNotFound(WireFault):
    """A batch that exists is not found: the first retrieves of a fresh one, or any now and then.

    Contract 15, incident 1: 404 one second after create, between polls, and in the hidden
    retrieve of `results()`, with `x-should-retry: false`. For ones now and then, set `share`.
    """

    on: Endpoint | None = Endpoint.RETRIEVE
    per_batch: int | None = field(default=2, kw_only=True)

    where: ClassVar[tuple[Endpoint, ...]] = (
        Endpoint.RETRIEVE, Endpoint.RESULTS, Endpoint.CANCEL, Endpoint.DELETE,
    )  # fmt: skip

    @property
    def late(self) -> bool:
        """The batch is there."""
        return True

    def reaches(self, call: WireCall) -> bool:
        """Only what would have been found."""
        return not call.struck_by and call.reply.status == OK

    def strike(self, call: WireCall) -> ApiError:
        """404, as for a batch that nobody knows."""
        return no_such_batch(call.batch_id)


class RequestTimeout(StatusFault):
    """The service gave up waiting for the request: 408.

    Contract 8.2: undocumented, and the official client tries again.
    """

    __slots__ = ()

    status: ClassVar[int] = 408
    error_type: ClassVar[str] = "timeout_error"
    message: ClassVar[str] = "Request timed out"


class Conflict(StatusFault):
    """Somebody else is changing the same thing: 409 `conflict_error`.

    Contract 8.2: the official client tries again.
    """

    __slots__ = ()

    status: ClassVar[int] = 409
    error_type: ClassVar[str] = "conflict_error"
    message: ClassVar[str] = "The resource was modified concurrently."


@dataclass(frozen=True, slots=True)
class RateLimited(StatusFault):
    """Too many calls: 429, and how long to wait.

    Contract 8.4: any positive `retry_after` is obeyed by the official client, 3600 as well;
    zero, negative and unreadable ones are not. None sends no header; `as_date` an HTTP date.
    """

    retry_after: float | None = 30
    as_date: bool = False

    status: ClassVar[int] = 429
    error_type: ClassVar[str] = "rate_limit_error"
    message: ClassVar[str] = "This request would exceed your organization's rate limit."

    def __post_init__(self) -> None:
        WireFault.__post_init__(self)
        if self.as_date and self.retry_after is None:
            raise SimulatorError(
                "RateLimited: a date of when?", fix="Give retry_after as well as as_date."
            )
        if self.retry_after is not None and not math.isfinite(self.retry_after):
            raise SimulatorError(
                f"RateLimited: retry_after={self.retry_after} is no number of seconds.",
                fix="Use any finite number, or None for no header.",
            )

    def headers(self, call: WireCall) -> Headers:
        """When to come back."""
        if self.retry_after is None:
            return ()
        if self.as_date:
            try:
                then = call.now + timedelta(seconds=self.retry_after)
            except OverflowError:
                then = call.now + timedelta(days=36_500)
            return (("retry-after", format_datetime(then, usegmt=True)),)
        return (("retry-after", f"{self.retry_after:.15g}"),)


class SpendCapReached(StatusFault):
    """The spend cap of the tier is reached: 429 without `retry-after`, for the rest of the month.

    Contract 9.2 and 8.2: `enforced_spend_limit_reached`; the official client still tries again.
    """

    __slots__ = ()

    status: ClassVar[int] = 429

    def strike(self, call: WireCall) -> ApiError:
        """With its machine-readable cause."""
        del call
        return ApiError(
            self.status,
            "rate_limit_error",
            "Monthly usage threshold of this tier has been crossed.",
            {"error_code": self.error_code or "enforced_spend_limit_reached"},
        )


class ServerError(StatusFault):
    """The service has an internal error: 500 `api_error`.

    Contract 8.2: the official client tries again; whether anything was done is not known.
    """

    __slots__ = ()


class Unavailable(StatusFault):
    """The service is not available: 503 `api_error`.

    Contract 8.2: the official client tries again; a class of its own, `ServiceUnavailableError`.
    """

    __slots__ = ()

    status: ClassVar[int] = 503
    message: ClassVar[str] = "Service temporarily unavailable"


class Overloaded(StatusFault):
    """The service is overloaded and answers 529 `overloaded_error`.

    Contract 8.2; the official client repeats such a call twice, creates included.
    """

    __slots__ = ()

    status: ClassVar[int] = 529
    error_type: ClassVar[str] = "overloaded_error"
    message: ClassVar[str] = "Overloaded"
