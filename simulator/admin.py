"""`/_gameday/`: the state, the clock, the history and a reset, for whoever runs the game day.

Open to callers on this machine only, unless a token is set; then to whoever has the token.
A web page must not reach it through the browser of such a caller either, so calls with an
`Origin`, with a foreign `Host`, or through a proxy are refused without the token.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import timedelta
from ipaddress import ip_address
from typing import Any, Final

import msgspec

from simulator import errors
from simulator.api import Api
from simulator.errors import ApiError, SimulatorError, invalid_request, permission
from simulator.validation import read_json
from simulator.wire import Request, Response

PREFIX: Final = "/_gameday/"
LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_JSON: Final = (("content-type", "application/json"),)
_HISTORY: Final = 1_000
"""The last so many calls are shown."""


def handle(api: Api, request: Request, *, peer: str, token: str | None) -> Response:
    """One call to the admin side."""
    refused = _refused(request, peer, token)
    if refused is not None:
        return _reply(refused)
    methods = _PATHS.get(request.path.removeprefix(PREFIX))
    if methods is None:
        return _reply(errors.not_found("Not Found"))
    if request.method not in methods:
        return _reply(errors.method_not_allowed())
    return _reply(methods[request.method](api, request))


def _state(api: Api, _: Request) -> dict[str, Any]:
    books = api.books()
    return {
        "seed": api.seed,
        "now": books.at,
        "calls": len(books.calls),
        "requests": len(books.requests),
        "billed_usd": books.billed_usd,
        "batches": books.batches,
        "faults": tuple(books.firings.values()),
    }


def _clock(api: Api, _: Request) -> dict[str, Any]:
    return {"now": api.clock.now()}


def _advance(api: Api, request: Request) -> dict[str, Any] | ApiError:
    document = read_json(request.body)
    if isinstance(document, ApiError):
        return document
    seconds = document.get("advance_seconds") if isinstance(document, dict) else None
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        return invalid_request("advance_seconds: Input should be a valid number")
    try:
        api.clock.sleep(timedelta(seconds=seconds))
    except (SimulatorError, OverflowError, ValueError) as wrong:
        return invalid_request(f"advance_seconds: {wrong}")
    return _clock(api, request)


def _history(api: Api, _: Request) -> dict[str, Any]:
    return {"calls": api.history.calls()[-_HISTORY:]}


def _faults(api: Api, _: Request) -> dict[str, Any]:
    return {"faults": tuple(api.plan.firings().values())}


def _reset(api: Api, request: Request) -> dict[str, Any]:
    api.reset()
    return _state(api, request)


_PATHS: Final[Mapping[str, Mapping[str, Callable[[Api, Request], object]]]] = {
    "state": {"GET": _state},
    "clock": {"GET": _clock, "POST": _advance},
    "history": {"GET": _history},
    "faults": {"GET": _faults},
    "reset": {"POST": _reset},
}


def _refused(request: Request, peer: str, token: str | None) -> ApiError | None:
    headers = request.headers
    if token is not None:
        given = headers.get("authorization", "").removeprefix("Bearer ")
        if hmac.compare_digest(given.encode(), token.encode()):
            return None
        return permission("/_gameday/ needs the token that the server was started with.")
    if _is_local(peer, headers):
        return None
    return permission("/_gameday/ answers this machine only; start the server with a token.")


def _is_local(peer: str, headers: Mapping[str, str]) -> bool:
    try:
        loopback = ip_address(peer).is_loopback
    except ValueError:
        return False
    host = headers.get("host", "").lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    relayed = headers.keys() & {"origin", "forwarded", "x-forwarded-for"}
    return loopback and name in LOCAL_NAMES and not relayed


def _reply(document: object) -> Response:
    if isinstance(document, ApiError):
        return Response(document.status, _JSON, msgspec.json.encode(document.envelope(None)))
    return Response(200, _JSON, msgspec.json.encode(document))
