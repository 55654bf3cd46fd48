"""Two kinds of error, never mixed.

What the *service* says is a value, `ApiError`, and becomes a reply.
What *we* did wrong is an exception, `SimulatorError`: what happened, and how to fix it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class SimulatorError(Exception):
    """The simulator was used in a way that cannot work."""

    def __init__(self, what: str, *, fix: str) -> None:
        super().__init__(f"{what} {fix}")
        self.what = what
        self.fix = fix


class ApiError(msgspec.Struct, frozen=True):
    """One error as the service reports it (contract 8.1)."""

    status: int
    type: str
    message: str
    details: Mapping[str, Any] | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def envelope(self, request_id: str | None) -> dict[str, Any]:
        """The body of the reply; `request_id` equals the `request-id` header."""
        error: dict[str, Any] = {} if self.details is None else {"details": dict(self.details)}
        error |= {"type": self.type, "message": self.message}
        return {"type": "error", "error": error, "request_id": request_id}


DO_NOT_RETRY = (("x-should-retry", "false"),)


def invalid_request(message: str) -> ApiError:
    """400: the caller has to change something."""
    return ApiError(400, "invalid_request_error", message)


def authentication(message: str) -> ApiError:
    """401: no key, or a wrong one."""
    return ApiError(401, "authentication_error", message)


def permission(message: str) -> ApiError:
    """403: the key may not use this."""
    return ApiError(403, "permission_error", message)


def not_found(message: str) -> ApiError:
    """404, with the hint that repeating does not help (contract 3.2)."""
    return ApiError(404, "not_found_error", message, headers=DO_NOT_RETRY)


def no_such_batch(batch_id: str) -> ApiError:
    """404: unknown, deleted, or in another workspace; nobody can tell which."""
    return not_found(f"Message Batch {batch_id} not found.")


def no_results(batch_id: str) -> ApiError:
    """404: not ended yet, or archived."""
    return not_found(f"Message Batch {batch_id} has no available results.")


def method_not_allowed(message: str = "Method Not Allowed") -> ApiError:
    """405: the path exists, the method does not."""
    return ApiError(405, "invalid_request_error", message)


def too_large() -> ApiError:
    """413: the body is over the limit (contract 8.3)."""
    return ApiError(413, "request_too_large", "Request exceeds the maximum size")


def rate_limited(message: str, retry_after: int) -> ApiError:
    """429 with the seconds to wait."""
    headers = (("retry-after", str(retry_after)),)
    return ApiError(429, "rate_limit_error", message, headers=headers)


def overloaded() -> ApiError:
    """529."""
    return ApiError(529, "overloaded_error", "Overloaded")
