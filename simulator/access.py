"""Who calls: keys, workspaces, versions, and how often (contract 3, 9.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from simulator.clock import Clock
from simulator.errors import ApiError, authentication, invalid_request, permission, rate_limited
from simulator.limits import Limits
from simulator.randomness import Ids
from simulator.row_validation import VERSIONS
from simulator.wire import Headers, Request

BEARER: Final = "bearer "
SEEN_KEYS: Final = 10_000

Keys = Mapping[str, str | Sequence[str]]
"""Key -> its workspace, or several, the first of which is meant where none is asked for."""


class Caller(msgspec.Struct, frozen=True):
    """A call that may go on."""

    workspace: str
    account: str
    """By what limits are counted: the organisation, where keys are listed; else the key's own
    workspace, so that tests that share a server do not use up each other's allowance."""
    version: str
    beta: str
    profile: str = ""
    """The user for whom a batch is created (contract 3.1), or empty."""


class Gate:
    """Reads the headers of a call. Knows the keys, or accepts any."""

    __slots__ = ("_ids", "_keys", "_seen")

    def __init__(self, keys: Keys | None, ids: Ids) -> None:
        self._keys = None if keys is None else {key: _several(value) for key, value in keys.items()}
        self._ids = ids
        self._seen: dict[str, tuple[str, ...]] = {}

    def admit(self, request: Request) -> Caller | ApiError:
        """Who it is, or why not."""
        key = _key(request.headers)
        if not key:
            return authentication("x-api-key header is required")
        workspaces = self._workspaces(key)
        if not workspaces:
            return authentication("API key is invalid.")
        version = request.headers.get("anthropic-version")
        if not version:
            return invalid_request("anthropic-version: header is required")
        if version not in VERSIONS:
            return invalid_request(f'anthropic-version: "{version[:40]}" is not a valid version')
        asked = request.headers.get("anthropic-workspace-id") or workspaces[0]
        if asked not in workspaces:
            return permission("This credential has no access to the workspace that was asked for.")
        account = asked if self._keys is None else ""
        beta = request.headers.get("anthropic-beta", "")
        profile = request.headers.get("anthropic-user-profile-id", "")
        return Caller(asked, account, version, beta, profile)

    def workspace(self, request: Request) -> str | None:
        """The workspace of a call whose key is good."""
        key = _key(request.headers)
        workspaces = self._workspaces(key) if key else ()
        if not workspaces:
            return None
        asked = request.headers.get("anthropic-workspace-id")
        return asked if asked in workspaces else workspaces[0]

    def _workspaces(self, key: str) -> tuple[str, ...]:
        """Those in which a key is valid, its own first."""
        if self._keys is not None:
            return self._keys.get(key, ())
        if key not in self._seen:
            if len(self._seen) >= SEEN_KEYS:
                self._seen.clear()  # they are computed from the key: nothing is lost
            self._seen[key] = (self._ids.workspace(key),)
        return self._seen[key]


def _several(workspaces: str | Sequence[str]) -> tuple[str, ...]:
    return (workspaces,) if isinstance(workspaces, str) else tuple(workspaces)


def spend_refusal(limits: Limits, spent_usd: Decimal) -> ApiError | None:
    """The error of an account that has spent what it may (contract 9.2)."""
    if limits.own_spend_usd is not None and spent_usd >= limits.own_spend_usd:
        return invalid_request(
            "You have reached your specified API usage limits. You will regain access on "
            "2026-12-01 at 00:00 UTC."
        )
    if limits.tier_spend_usd is not None and spent_usd >= limits.tier_spend_usd:
        return ApiError(
            429,
            "rate_limit_error",
            "Monthly usage threshold of this tier has been crossed.",
            {"error_code": "enforced_spend_limit_reached"},
        )
    return None


class Bucket:
    """The token bucket over all batch endpoints: full at the start, refilled by time."""

    __slots__ = ("_clock", "_filled_at", "_level", "_per_minute")

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._level = float(per_minute)
        self._filled_at: datetime = clock.now()

    def take(self) -> ApiError | None:
        """One call, or 429 with the seconds until the next one is allowed."""
        now = self._clock.now()
        refill = (now - self._filled_at).total_seconds() * self._per_minute / 60
        self._level = min(self._level + refill, float(self._per_minute))
        self._filled_at = now
        if self._level < 1:
            wait = int((1 - self._level) * 60 / self._per_minute) + 1
            return rate_limited(
                "This request would exceed your organization's rate limit of "
                f"{self._per_minute:,} requests per minute.",
                wait,
            )
        self._level -= 1
        return None

    def headers(self) -> Headers:
        """What the service tells about it."""
        return (
            ("anthropic-ratelimit-requests-limit", str(self._per_minute)),
            ("anthropic-ratelimit-requests-remaining", str(int(self._level))),
            ("anthropic-ratelimit-requests-reset", self._reset()),
        )

    def _reset(self) -> str:
        missing = (self._per_minute - self._level) * 60 / self._per_minute
        full_at = self._filled_at + timedelta(seconds=missing)
        return full_at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _key(headers: Mapping[str, str]) -> str:
    authorization = headers.get("authorization", "")
    if authorization.lower().startswith(BEARER):
        return authorization[len(BEARER) :].strip()
    return headers.get("x-api-key", "").strip()
