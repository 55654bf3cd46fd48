"""Walks both descriptions with made-up calls: nothing answers 5xx that was not injected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import httpx2
import openapi_spec_validator as validator
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from simulator import Api, Limits
from simulator.asgi import Server
from simulator.faults import BadGateway, ConnectionReset, ServerError
from simulator.openapi import ADMIN, API
from tests.simulator.builders import HEADERS, a_batch, a_params, by_id, call, document

WORD: Final = {key: value for key, value in HEADERS.items() if key != "host"}
EXAMPLES: Final = 12
OURS: Final = 500

TAME: Final = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
CALLS: Final = [
    (described, path, method)
    for described in (API, ADMIN)
    for path, methods in described["paths"].items()
    for method in methods
]
API_CALLS: Final = [call[1:] for call in CALLS if call[0] is API]
LOADED: Final = {id(one): schemathesis.openapi.from_dict(one) for one in (API, ADMIN)}


def operation(described: dict[str, Any], path: str, method: str) -> Any:
    """What schemathesis knows of one kind of call."""
    return LOADED[id(described)][path][method.upper()]


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    """A service with a batch in it."""
    api = Api(limits=Limits(batch_body_bytes=2**20))
    a_batch(api)
    with Server(api) as server, httpx2.Client(base_url=server.url, headers=WORD) as client:
        yield client


@pytest.mark.parametrize("described", [API, ADMIN], ids=["api", "admin"])
def test_the_descriptions_are_openapi(described: dict[str, Any]) -> None:
    """By the official schema of OpenAPI 3.1."""
    validator.validate(described)


@pytest.mark.parametrize(
    ("described", "path", "method"), CALLS, ids=[f"{call[2]} {call[1]}" for call in CALLS]
)
def test_no_call_is_too_much(
    client: httpx2.Client, described: dict[str, Any], path: str, method: str
) -> None:
    """Calls that fit the description, made by schemathesis."""
    made_up = operation(described, path, method).as_strategy()

    @TAME
    @given(case=made_up)
    def check(case: Any) -> None:
        reply = sent(client, case)
        assert reply.status_code < OURS, (case, reply.text)
        known = described["paths"][path][method]["responses"]
        assert str(reply.status_code) in known, (case, reply.status_code, reply.text)

    check()


def sent(client: httpx2.Client, case: Any) -> httpx2.Response:
    """The reply to a call that schemathesis has made up."""
    made = case.as_transport_kwargs(base_url=str(client.base_url))
    headers = {
        name: value for name, value in (made.get("headers") or {}).items()
        if name.lower() == "anthropic-version" and value.isascii() and value.isprintable()
    }  # fmt: skip
    return client.request(
        made["method"],
        made["url"],
        params=made.get("params"),
        headers=headers,
        content=json.dumps(made["json"]) if "json" in made else None,
    )


def test_every_5xx_was_injected() -> None:
    """With faults that answer 5xx or break the line: the history names one for each of these."""
    faults = (ServerError(share=0.25), BadGateway(share=0.25), ConnectionReset(share=0.25))
    api = Api(faults=faults, limits=Limits(batch_body_bytes=2**20))
    struck: set[str] = set()
    with Server(api) as server, httpx2.Client(base_url=server.url, headers=WORD) as client:

        @settings(TAME, max_examples=50)
        @given(case=some.one_of(*(operation(API, *one).as_strategy() for one in API_CALLS)))
        def check(case: Any) -> None:
            before = api.history.total
            try:
                broken = sent(client, case).status_code >= OURS
            except httpx2.TransportError:
                broken = True
            last = list(api.history)[-1]
            assert api.history.total > before
            assert bool(last.struck_by) == broken, (case, last)
            struck.add(last.struck_by)

        check()

    assert {"", "ServerError", "BadGateway", "ConnectionReset"} == struck


JUNK: Final = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20),
    lambda inner: (
        some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
KEYS: Final = [*sorted(a_params()),
    "system", "tools", "tool_choice", "thinking", "output_config", "stop_sequences", "temperature",
    "cache_control", "metadata", "stream", "service_tier", "inference_geo", "output_format",
]  # fmt: skip


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_no_body_is_too_much(client: httpx2.Client, path: str) -> None:
    """Valid bodies in which one value is anything at all."""

    @settings(TAME, max_examples=150)
    @given(key=some.sampled_from(KEYS), value=JUNK)
    def check(key: str, value: Any) -> None:
        body = a_params(**{key: value})
        if path.endswith("count_tokens") and key != "max_tokens":
            del body["max_tokens"]
        reply = client.post(path, content=json.dumps(body))
        assert reply.status_code < OURS, (body, reply.text)

    check()


def test_no_row_is_too_much() -> None:
    """The same in a batch: every row has an end."""

    @settings(TAME, max_examples=40)
    @given(changes=some.lists(some.tuples(some.sampled_from(KEYS), JUNK), min_size=1, max_size=20))
    def check(changes: list[tuple[str, Any]]) -> None:
        api = Api()
        rows = [
            {"custom_id": f"row-{place}", "params": a_params(**{key: value})}
            for place, (key, value) in enumerate(changes)
        ]
        body = json.dumps({"requests": rows}).replace("NaN", "0").replace("Infinity", "0")
        made = call(api, "POST", "/v1/messages/batches", body.encode())
        api.clock.sleep(api.limits.processing_time)
        assert len(by_id(api, document(made)["id"])) == len(rows)

    check()


@pytest.mark.parametrize("place", ["batch", "model"])
def test_no_name_is_too_much(client: httpx2.Client, place: str) -> None:
    """Any text as an id."""
    root = "/v1/models/" if place == "model" else "/v1/messages/batches/"

    @settings(TAME, max_examples=60)
    @given(name=some.text(max_size=30))
    def check(name: str) -> None:
        reply = client.get(root + quote(name, safe=""))
        assert reply.status_code < OURS

    check()
