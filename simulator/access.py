"""Who calls: keys, workspaces, versions, and how often (contract 3, 9.1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from simulator.clock import Clock
from simulator.errors import ApiError, authentication, invalid_request, permission, rate_limited
from simulator.randomness import Ids
from simulator.row_validation import VERSIONS
from simulator.wire import Headers, Request

BEARER: Final = "bearer "


class Caller(msgspec.Struct, frozen=True):
    """A call that may go on."""

    workspace: str
    version: str
    beta: str


class Gate:
    """Reads the headers of a call. Knows the keys, or accepts any."""

    __slots__ = ("_ids", "_keys", "_seen")

    def __init__(self, keys: Mapping[str, str] | None, ids: Ids) -> None:
        self._keys = None if keys is None else dict(keys)
        self._ids = ids
        self._seen: dict[str, str] = {}

    def admit(self, request: Request) -> Caller | ApiError:
        """Who it is, or why not."""
        key = _key(request.headers)
        if not key:
            return authentication("x-api-key header is required")
        workspace = self._workspace(key)
        if workspace is None:
            return authentication("API key is invalid.")
        version = request.headers.get("anthropic-version")
        if not version:
            return invalid_request("anthropic-version: header is required")
        if version not in VERSIONS:
            return invalid_request(f'anthropic-version: "{version}" is not a valid version')
        asked = request.headers.get("anthropic-workspace-id")
        if asked and asked != workspace:
            return permission("This credential has no access to the workspace that was asked for.")
        return Caller(workspace, version, request.headers.get("anthropic-beta", ""))

    def workspace(self, request: Request) -> str | None:
        """The workspace of a call whose key is good."""
        key = _key(request.headers)
        return self._workspace(key) if key else None

    def _workspace(self, key: str) -> str | None:
        if self._keys is not None:
            return self._keys.get(key)
        if key not in self._seen:
            self._seen[key] = self._ids.workspace(key)
        return self._seen[key]


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
        return self._filled_at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _key(headers: Mapping[str, str]) -> str:
    authorization = headers.get("authorization", "")
    if authorization.lower().startswith(BEARER):
        return authorization[len(BEARER) :].strip()
    return headers.get("x-api-key", "").strip()
