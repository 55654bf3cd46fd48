"""OpenAPI descriptions, written by hand: of the admin side, and of the API surface we serve.

They describe our side, for tools that walk an API; the official document is larger.
"""

from __future__ import annotations

from typing import Any, Final

from simulator.wire import Endpoint

Document = dict[str, Any]

VERSION: Final = "3.1.0"
_OBJECT: Final[Document] = {"type": "object"}
_STRING: Final[Document] = {"type": "string"}
_COUNT: Final[Document] = {"type": "integer", "minimum": 0}
_ERROR: Final[Document] = {
    "type": "object",
    "required": ["type", "error", "request_id"],
    "properties": {
        "type": {"const": "error"},
        "error": {
            "type": "object",
            "required": ["type", "message"],
            "properties": {"type": _STRING, "message": _STRING, "details": _OBJECT},
        },
        "request_id": {"type": ["string", "null"]},
    },
}


def _reply(schema: Document, kind: str = "application/json") -> Document:
    return {"description": "", "content": {kind: {"schema": schema}}}


def _call(summary: str, answer: Document, *errors: int, **parts: Any) -> Document:
    responses = {"200": answer} | {str(status): _reply(_ERROR) for status in errors}
    return {"summary": summary, "responses": responses} | parts


def _body(schema: Document, *, required: bool = True) -> Document:
    return {"required": required, "content": {"application/json": {"schema": schema}}}


def _parameter(name: str, schema: Document, place: str = "query") -> Document:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _closed(required: list[str], properties: Document) -> Document:
    return {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }


_CLOCK: Final = _reply(_closed(["now", "clock"], {"now": _STRING, "clock": _STRING}))
_FAULTS: Final = _reply(_OBJECT)
_FAULT: Final = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string", "examples": ["Overloaded"]}},
    "description": "A fault by its name, with its settings as in a plan file.",
}

ADMIN: Final[Document] = {
    "openapi": VERSION,
    "info": {"title": "gameday admin", "version": "1"},
    "paths": {
        "/_gameday/state": {"get": _call("What there is, in numbers", _reply(_OBJECT), 403)},
        "/_gameday/clock": {
            "get": _call("The time", _CLOCK, 403),
            "post": _call(
                "Move time forward",
                _CLOCK,
                400,
                403,
                requestBody=_body(
                    {
                        "type": "object",
                        "required": ["advance_seconds"],
                        "properties": {
                            "advance_seconds": {
                                "type": "number",
                                "minimum": 0,
                                "maximum": 315_360_000,
                            }
                        },
                    }
                ),
            ),
        },
        "/_gameday/history": {
            "get": _call(
                "The last calls",
                _reply(
                    _closed(
                        ["total", "dropped", "calls"],
                        {"total": _COUNT, "dropped": _COUNT, "calls": {"type": "array"}},
                    )
                ),
                400,
                403,
                parameters=[
                    _parameter(
                        "endpoint",
                        {"type": "string", "enum": [endpoint.value for endpoint in Endpoint]},
                    ),
                    _parameter("status", {"type": "integer", "minimum": 100, "maximum": 599}),
                    _parameter("batch", _STRING),
                    _parameter("limit", {"type": "integer", "minimum": 0, "maximum": 10_000}),
                ],
            )
        },
        "/_gameday/faults": {
            "get": _call("The faults, and how often each struck", _FAULTS, 403),
            "post": _call("More faults, from now on", _FAULTS, 400, 403, requestBody=_body(_FAULT)),
            "delete": _call(
                "Fewer faults; without a key, none",
                _FAULTS,
                400,
                403,
                parameters=[_parameter("key", {"type": "array", "items": _STRING})],
            ),
        },
        "/_gameday/reset": {
            "post": _call("Forget batches, calls and firings", _reply(_OBJECT), 403)
        },
    },
}

_ID: Final = _parameter("message_batch_id", {"type": "string", "minLength": 1}, "path")
_VERSION: Final = _parameter(
    "anthropic-version", {"type": "string", "enum": ["2023-06-01", "2026-10-21"]}, "header"
)
_PAGE: Final = [
    _parameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 20}),
    _parameter("after_id", _STRING),
    _parameter("before_id", _STRING),
]
_COUNTS: Final = dict.fromkeys(
    ("processing", "succeeded", "errored", "canceled", "expired"), _COUNT
)
_INSTANT: Final = {"type": ["string", "null"]}
_BATCH: Final = _closed(
    [
        "id",
        "type",
        "processing_status",
        "request_counts",
        "ended_at",
        "created_at",
        "expires_at",
        "archived_at",
        "cancel_initiated_at",
        "results_url",
    ],
    {
        "id": _STRING,
        "type": {"const": "message_batch"},
        "processing_status": {"enum": ["in_progress", "canceling", "ended"]},
        "request_counts": _closed(list(_COUNTS), _COUNTS),
        "ended_at": _INSTANT,
        "created_at": _STRING,
        "expires_at": _STRING,
        "archived_at": _INSTANT,
        "cancel_initiated_at": _INSTANT,
        "results_url": {"type": ["string", "null"]},
    },
)
_LIST: Final = _closed(
    ["data", "has_more", "first_id", "last_id"],
    {
        "data": {"type": "array"},
        "has_more": {"type": "boolean"},
        "first_id": {"type": ["string", "null"]},
        "last_id": {"type": ["string", "null"]},
    },
)
_MESSAGES: Final = {
    "type": "array",
    "minItems": 1,
    "items": _closed(
        ["role", "content"],
        {"role": {"enum": ["user", "assistant"]}, "content": {"type": "string", "minLength": 1}},
    ),
}
_ASKED: Final = {
    "model": {"type": "string", "enum": ["claude-haiku-5-5", "claude-sonnet-5-5"]},
    "messages": _MESSAGES,
    "system": _STRING,
}
_PARAMS: Final = _closed(
    ["model", "messages", "max_tokens"], _ASKED | {"max_tokens": {"type": "integer", "minimum": 1}}
)
_CREATE: Final = _closed(
    ["requests"],
    {
        "requests": {
            "type": "array",
            "minItems": 1,
            "maxItems": 100_000,
            "items": _closed(
                ["custom_id", "params"],
                {
                    "custom_id": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,64}$"},
                    "params": _PARAMS,
                },
            ),
        }
    },
)
_AUTH: Final = (400, 401, 403, 429)


def _service(summary: str, answer: Document, *errors: int, **parts: Any) -> Document:
    parts["parameters"] = [_VERSION, *parts.get("parameters", [])]
    return _call(summary, answer, *_AUTH, *errors, **parts)


API: Final[Document] = {
    "openapi": VERSION,
    "info": {"title": "Message Batches API, as simulated", "version": "2026-10-21"},
    "components": {
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        }
    },
    "security": [{"bearer": []}, {"key": []}],
    "paths": {
        "/v1/messages/batches": {
            "post": _service("Create", _reply(_BATCH), 413, requestBody=_body(_CREATE)),
            "get": _service("List", _reply(_LIST), parameters=_PAGE),
        },
        "/v1/messages/batches/{message_batch_id}": {
            "get": _service("Retrieve", _reply(_BATCH), 404, parameters=[_ID]),
            "delete": _service("Delete", _reply(_OBJECT), 404, parameters=[_ID]),
        },
        "/v1/messages/batches/{message_batch_id}/cancel": {
            "post": _service("Cancel", _reply(_BATCH), 404, parameters=[_ID])
        },
        "/v1/messages/batches/{message_batch_id}/results": {
            "get": _service(
                "Results", _reply(_STRING, "application/x-jsonl"), 404, parameters=[_ID]
            )
        },
        "/v1/messages": {
            "post": _service("Message", _reply(_OBJECT), 404, 413, requestBody=_body(_PARAMS))
        },
        "/v1/messages/count_tokens": {
            "post": _service(
                "Token count",
                _reply(_closed(["input_tokens"], {"input_tokens": _COUNT})),
                404,
                413,
                requestBody=_body(_closed(["model", "messages"], _ASKED)),
            )
        },
        "/v1/models": {"get": _service("Models", _reply(_LIST), parameters=_PAGE)},
        "/v1/models/{model_id}": {
            "get": _service(
                "Model",
                _reply(_OBJECT),
                404,
                parameters=[_parameter("model_id", {"type": "string", "minLength": 1}, "path")],
            )
        },
    },
}
