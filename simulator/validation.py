"""What a create call refuses at once: the envelope (contract 6.1).

The fast path decodes the body into typed requests whose `params` stay slices of the body.
Only when that fails is the body read a second time, slowly, to say exactly what is wrong.
Nothing under `params` is looked at here: see `row_validation`.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from simulator.batch import BatchRequest
from simulator.errors import ApiError, invalid_request, too_large
from simulator.limits import Limits

ID_PATTERN: Final = r"^[a-zA-Z0-9_-]{1,64}$"
ID_LENGTH: Final = 64
_ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_PIECE: Final = 2**20
_BRACE: Final = ord("{")

EXPLAIN_BYTES: Final = 8 * 2**20
"""A larger body is not read a second time: as Python values it could take forty times its size."""

EXTRA: Final = "Extra inputs are not permitted"
REQUIRED: Final = "Field required"


class CreateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a create call."""

    requests: list[BatchRequest]


class Prepared(msgspec.Struct, frozen=True):
    """A create body that has been read: its requests, or why it is refused."""

    requests: Sequence[BatchRequest]
    refusal: ApiError | None
    digest: str
    size: int = 0
    """Of the body, in bytes."""


CREATE_BODY: Final = msgspec.json.Decoder(CreateBody)


_TRANSLATIONS: Final = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        ("Object missing required field `(?P<name>[^`]*)`", REQUIRED),
        ("Object contains unknown field `(?P<name>[^`]*)`", EXTRA),
        ("Expected `str`", "Input should be a valid string"),
        ("Expected `array`", "Input should be a valid list"),
        ("Expected `object`", "Input should be a valid dictionary"),
    )
)


def digest(body: bytes | bytearray) -> str:
    """The part of a body's SHA-256 that the history keeps."""
    return hashlib.sha256(body).hexdigest()[:16]


def prepare(body: bytes | bytearray, limits: Limits) -> Prepared:
    """Read a create body. Depends on nothing else, so a skin may do it in a thread."""
    checked = read_envelope(body, limits)
    if isinstance(checked, ApiError):
        return Prepared([], checked, digest(body), len(body))
    return Prepared(checked, None, digest(body), len(body))


def read_envelope(body: bytes | bytearray, limits: Limits) -> list[BatchRequest] | ApiError:
    """The requests of a create body, or the error that the whole call gets."""
    if len(body) > limits.batch_body_bytes:
        return too_large()
    try:
        check_utf8(body)
        requests = CREATE_BODY.decode(body).requests
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as broken:
        if len(body) > EXPLAIN_BYTES:
            return translated(broken)
        return explain_envelope(body, limits)
    refused = length_refusal(len(requests), limits)
    if refused is not None:
        return refused
    if not well_formed(requests):
        return _first_problem(requests)
    if len({request.custom_id for request in requests}) < len(requests):
        return invalid_request(_duplicate(requests))
    return requests


def _first_problem(requests: list[BatchRequest]) -> ApiError:
    for place, request in enumerate(requests):
        problem = _id_problem(request.custom_id)
        if problem is not None:
            return invalid_request(f"requests.{place}.custom_id: {problem}")
        if memoryview(request.params)[0] != _BRACE:
            return invalid_request(f"requests.{place}.params: Input should be a valid dictionary")
    return not_json("it could not be read")


def translated(broken: Exception) -> ApiError:
    """What msgspec found first, in the words of the service."""
    if isinstance(broken, RecursionError):
        return not_json("it is nested too deeply")
    what, _, path = str(broken).partition(" - at `$")
    if not isinstance(broken, msgspec.ValidationError):
        return not_json(what)
    place = path.rstrip("`").replace("[", ".").replace("]", "").strip(".")
    for pattern, text in _TRANSLATIONS:
        found = pattern.match(what)
        if found is not None:
            name = ".".join(filter(None, (place, found.groupdict().get("name"))))
            return invalid_request(f"{name}: {text}" if name else text)
    return invalid_request(f"{place}: {what}" if place else what)


def well_formed(requests: list[BatchRequest]) -> bool:
    """Whether every id is allowed and all params are objects."""
    fits = _ID.fullmatch
    return all(fits(request.custom_id) for request in requests) and all(
        memoryview(request.params)[0] == _BRACE for request in requests
    )


def length_refusal(found: int, limits: Limits) -> ApiError | None:
    """The error of a batch with too few requests, or too many."""
    if 1 <= found <= limits.requests_per_batch:
        return None
    return invalid_request(_length(found, limits))


def check_utf8(body: bytes | bytearray) -> None:
    """Raise if the body is not UTF-8, without decoding it in one piece."""
    if body.isascii():
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(body)
    for start in range(0, len(view), _PIECE):
        decoder.decode(view[start : start + _PIECE])
    decoder.decode(b"", final=True)


def read_json(body: bytes | bytearray) -> Any | ApiError:
    """Any JSON document, or the error that a body which is none gets."""
    try:
        check_utf8(body)
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as broken:
        return not_json(str(broken))
    except RecursionError:
        return not_json("it is nested too deeply")


def not_json(why: str) -> ApiError:
    """400: the body is not JSON."""
    return invalid_request(f"The request body is not valid JSON: {why}")


def explain_envelope(body: bytes | bytearray, limits: Limits) -> ApiError:
    """The first thing that is wrong with a create body, in the words of the service."""
    document = read_json(body)
    if isinstance(document, ApiError):
        return document
    if not isinstance(document, dict):
        return invalid_request("Input should be a valid dictionary")
    if "requests" not in document:
        return invalid_request(f"requests: {REQUIRED}")
    requests = document["requests"]
    if not isinstance(requests, list):
        return invalid_request("requests: Input should be a valid list")
    if not 1 <= len(requests) <= limits.requests_per_batch:
        return invalid_request(_length(len(requests), limits))
    for place, request in enumerate(requests):
        problem = _request_problem(request)
        if problem is not None:
            where, what = problem
            return invalid_request(".".join(filter(None, ("requests", str(place), where))) + what)
    for name in document:
        if name != "requests":
            return invalid_request(f"{name}: {EXTRA}")
    return not_json("it could not be read")


def _request_problem(request: object) -> tuple[str, str] | None:
    """Where in one request, and what, is wrong first."""
    if not isinstance(request, dict):
        return "", ": Input should be a valid dictionary"
    if "custom_id" not in request:
        return "custom_id", f": {REQUIRED}"
    problem = _id_problem(request["custom_id"])
    if problem is not None:
        return "custom_id", f": {problem}"
    if "params" not in request:
        return "params", f": {REQUIRED}"
    if not isinstance(request["params"], dict):
        return "params", ": Input should be a valid dictionary"
    for name in request:
        if name not in {"custom_id", "params"}:
            return name, f": {EXTRA}"
    return None


def _id_problem(custom_id: object) -> str | None:
    if not isinstance(custom_id, str):
        return "Input should be a valid string"
    if not custom_id:
        return "String should have at least 1 character"
    if len(custom_id) > ID_LENGTH:
        return f"String should have at most {ID_LENGTH} characters"
    return None if _ID.fullmatch(custom_id) else f"String should match pattern '{ID_PATTERN}'"


def _length(found: int, limits: Limits) -> str:
    if found == 0:
        return "requests: List should have at least 1 item after validation, not 0"
    most = limits.requests_per_batch
    return f"requests: List should have at most {most} items after validation, not {found}"


def _duplicate(requests: list[BatchRequest]) -> str:
    seen: set[str] = set()
    for request in requests:
        if request.custom_id in seen:
            break
        seen.add(request.custom_id)
    return (
        "requests: custom_id's must be unique within a batch. "
        f"Duplicate custom_id found: {request.custom_id}"
    )
