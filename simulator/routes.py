"""Which endpoint a call is for (contract 4)."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from simulator.wire import Endpoint

BATCHES: Final = ("v1", "messages", "batches")
ADMIN: Final = "/_gameday/"
"""The other side of the service, which is no part of the API."""

_FIXED: Final = {
    ("v1", "messages"): {"POST": Endpoint.MESSAGES},
    ("v1", "messages", "count_tokens"): {"POST": Endpoint.COUNT_TOKENS},
    ("v1", "messages", "batches"): {"POST": Endpoint.CREATE, "GET": Endpoint.LIST},
    ("v1", "models"): {"GET": Endpoint.MODELS},
}
_ONE_BATCH: Final = {"GET": Endpoint.RETRIEVE, "DELETE": Endpoint.DELETE}
_PART_OF_BATCH: Final = {
    "cancel": {"POST": Endpoint.CANCEL},
    "results": {"GET": Endpoint.RESULTS},
}
_ONE_MODEL: Final = {"GET": Endpoint.MODEL}


def match(method: str, path: str) -> tuple[Endpoint, str]:
    """The endpoint, and the id in the path."""
    parts = tuple(path.strip("/").split("/"))
    methods, found = _find(parts)
    if methods is None:
        return Endpoint.OTHER, ""
    return methods.get(method, Endpoint.WRONG_METHOD), unquote(found)


def _find(parts: tuple[str, ...]) -> tuple[dict[str, Endpoint] | None, str]:
    if parts in _FIXED:
        return _FIXED[parts], ""
    match parts:
        case ("v1", "messages", "batches", batch_id) if batch_id:
            return _ONE_BATCH, batch_id
        case ("v1", "messages", "batches", batch_id, part) if batch_id:
            return _PART_OF_BATCH.get(part), batch_id
        case ("v1", "models", model_id) if model_id:
            return _ONE_MODEL, model_id
        case _:
            return None, ""
