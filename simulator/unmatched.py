"""A call that nobody serves is told which route is nearest, and why it did not match.

The words of the real service for such a call are not known (contract 17), and the SDK shows the
message of an error in its exception; so the explanation is the message.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

from simulator.wire import Endpoint

ROUTES: Final = (
    ("POST", "/v1/messages/batches"),
    ("GET", "/v1/messages/batches"),
    ("GET", "/v1/messages/batches/{message_batch_id}"),
    ("DELETE", "/v1/messages/batches/{message_batch_id}"),
    ("POST", "/v1/messages/batches/{message_batch_id}/cancel"),
    ("GET", "/v1/messages/batches/{message_batch_id}/results"),
    ("POST", "/v1/messages"),
    ("POST", "/v1/messages/count_tokens"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{model_id}"),
)
NOBODY: Final = (Endpoint.OTHER, Endpoint.WRONG_METHOD)
"""Who serves a call that met no route."""
SHOWN: Final = 200
"""So much of a path is repeated."""


def explain(method: str, path: str) -> str:
    """Which route is nearest, and why it did not match."""
    parts = _parts(path[:SHOWN])
    called = f"{method[:SHOWN]} {path[:SHOWN]}"
    methods = [verb for verb, route in ROUTES if _fits(parts, _parts(route))]
    if methods:
        return f"No route for {called}. This path takes {' and '.join(methods)}."
    verb, route = max(ROUTES, key=lambda known: _likeness(method, parts, known))
    reason = _reason(parts, _parts(route))
    return f"No route for {called}. Nearest: {verb} {route}; {reason}."


def _parts(path: str) -> list[str]:
    return path.strip("/").split("/")


def _fits(parts: Sequence[str], route: Sequence[str]) -> bool:
    return len(parts) == len(route) and all(map(_same, parts, route))


def _same(part: str, wanted: str) -> bool:
    return part == wanted or (wanted.startswith("{") and bool(part))


def _likeness(method: str, parts: Sequence[str], known: tuple[str, str]) -> float:
    verb, route = known
    wanted = _parts(route)
    tail = parts[-len(wanted) :]
    if _fits(tail, wanted):
        return 10 + len(wanted) + (verb == method) / 2
    alike = sum(
        1 if _same(part, name) else SequenceMatcher(None, part, name).ratio()
        for part, name in zip(parts, wanted, strict=False)
    )
    return alike - abs(len(parts) - len(wanted)) + (verb == method) / 2


def _reason(parts: Sequence[str], wanted: Sequence[str]) -> str:
    if _fits(parts[-len(wanted) :], wanted):
        extra = "/".join(parts[: -len(wanted)])
        return f"the path has '/{extra}' before it, so the base URL of the client is too long"
    for place, (part, name) in enumerate(zip(parts, wanted, strict=False), start=1):
        if not _same(part, name):
            return f"part {place} of the path is '{part}' and not '{name}'"
    if len(parts) < len(wanted):
        return f"the path ends before '{wanted[len(parts)]}'"
    return f"the path goes on with '{parts[len(wanted)]}'"
