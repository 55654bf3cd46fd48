"""`/_gameday/`: state, clock, history, faults and a reset, for whoever runs the game day.

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

from simulator import errors, openapi
from simulator.admin_page import page
from simulator.api import Api
from simulator.errors import ApiError, SimulatorError, invalid_request, permission
from simulator.faults.fault import Family
from simulator.faults.settings import from_dicts, to_dict
from simulator.routes import ADMIN
from simulator.validation import Prepared, read_json
from simulator.wire import Endpoint, Request, Response

LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_JSON: Final = (("content-type", "application/json"),)
HISTORY: Final = 1_000
"""The last so many calls are shown."""
HIGHEST_HISTORY: Final = 10_000
DIGITS: Final = 9
LONGEST: Final = timedelta(days=3_650)


def handle(api: Api, request: Request, *, peer: str, token: str | None) -> Response:
    """One call to the admin side."""
    path = request.path.removeprefix(ADMIN)
    if not path and request.method == "GET" and (token is not None or _is_local(peer, request)):
        return page()  # it holds no data; what it fetches needs the token
    refused = _refused(request, peer, token)
    if refused is not None:
        return _reply(refused)
    methods = _PATHS.get(path)
    if methods is None:
        return _reply(errors.not_found("Not Found"))
    if request.method not in methods:
        return _reply(errors.method_not_allowed())
    prepared = request.prepared
    if isinstance(prepared, Prepared) and prepared.refusal is not None:
        return _reply(prepared.refusal)
    try:
        return _reply(methods[request.method](api, request))
    except SimulatorError as wrong:
        return _reply(invalid_request(str(wrong)))


def _state(api: Api, _: Request) -> dict[str, Any]:
    overview = api.overview()
    return {"seed": api.seed} | msgspec.structs.asdict(overview)


def _clock(api: Api, _: Request) -> dict[str, Any]:
    return {"now": api.clock.now(), "clock": repr(api.clock)}


def _advance(api: Api, request: Request) -> dict[str, Any] | ApiError:
    document = read_json(request.body)
    if isinstance(document, ApiError):
        return document
    seconds = document.get("advance_seconds") if isinstance(document, dict) else None
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        return invalid_request("advance_seconds: Input should be a valid number")
    try:
        wanted = timedelta(seconds=seconds)
        if not timedelta(0) <= wanted <= LONGEST:
            return invalid_request(f"advance_seconds: Use 0 to {LONGEST.total_seconds():.0f}")
        api.clock.sleep(wanted)
    except (OverflowError, ValueError) as wrong:
        return invalid_request(f"advance_seconds: {wrong}")
    return _clock(api, request)


def _history(api: Api, request: Request) -> dict[str, Any] | ApiError:
    query = dict(request.query)
    numbers: dict[str, int | None] = {"limit": HISTORY, "status": None}
    for name in numbers.keys() & query.keys():
        given = query[name]
        if not (given.isascii() and given.isdecimal() and len(given) <= DIGITS):
            return invalid_request(f"{name}: Input should be a valid integer")
        numbers[name] = int(given)
    endpoint = query.get("endpoint")
    known = [one.value for one in Endpoint]
    if endpoint is not None and endpoint not in known:
        return invalid_request(f"endpoint: Input should be one of {', '.join(known)}")
    limit = min(numbers["limit"] or 0, HIGHEST_HISTORY)
    calls = api.history.select(
        limit=limit, endpoint=endpoint, status=numbers["status"], batch_id=query.get("batch")
    )
    return {"total": api.history.total, "dropped": api.history.dropped, "calls": calls}


def _faults(api: Api, _: Request) -> dict[str, Any]:
    plan = api.plan
    armed = [to_dict(fault) for fault in plan.faults if fault.family is not Family.NONE]
    return {"faults": tuple(plan.firings().values()), "armed": armed}


def _add_faults(api: Api, request: Request) -> dict[str, Any] | ApiError:
    document = read_json(request.body)
    if isinstance(document, ApiError):
        return document
    listed = document.get("faults", [document]) if isinstance(document, dict) else document
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        return invalid_request("faults: Input should be a valid list of dictionaries")
    keys = api.plan.add(*from_dicts(listed))
    return {"added": keys} | _faults(api, request)


def _remove_faults(api: Api, request: Request) -> dict[str, Any]:
    keys = [value for name, value in request.query if name == "key"]
    if keys:
        api.plan.remove(*keys)
    else:
        api.plan.replace(())
    return _faults(api, request)


def _reset(api: Api, request: Request) -> dict[str, Any]:
    api.reset()
    return _state(api, request)


def _description(_: Api, __: Request) -> dict[str, Any]:
    return openapi.ADMIN


def _api_description(_: Api, __: Request) -> dict[str, Any]:
    return openapi.API


_PATHS: Final[Mapping[str, Mapping[str, Callable[[Api, Request], object]]]] = {
    "state": {"GET": _state},
    "clock": {"GET": _clock, "POST": _advance},
    "history": {"GET": _history},
    "faults": {"GET": _faults, "POST": _add_faults, "DELETE": _remove_faults},
    "reset": {"POST": _reset},
    "openapi.json": {"GET": _description},
    "api.json": {"GET": _api_description},
}


def _refused(request: Request, peer: str, token: str | None) -> ApiError | None:
    headers = request.headers
    if token is not None:
        given = headers.get("authorization", "").removeprefix("Bearer ")
        if hmac.compare_digest(given.encode(), token.encode()):
            return None
        return permission("/_gameday/ needs the token that the server was started with.")
    if _is_local(peer, request):
        return None
    return permission("/_gameday/ answers this machine only; start the server with a token.")


def _is_local(peer: str, request: Request) -> bool:
    headers = request.headers
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
