"""The service as a function: routes, headers, history, and the neighbours of the batches."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from simulator import Api, LabelOracle, Limits, Request, Truth, hours
from simulator.faults import SchemaDrift
from simulator.models import MODELS
from simulator.wire import Endpoint
from tests.simulator.builders import (
    HEADERS,
    MODEL,
    a_batch,
    a_params,
    an_ended_batch,
    call,
    create,
    document,
    message,
    requests,
    results,
    retrieve,
)

COUNT = "/v1/messages/count_tokens"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1", 404),
        ("POST", "/v1/complete", 404),
        ("GET", "/v1/messages/batches/x/nothing", 404),
        ("PUT", "/v1/messages/batches", 405),
        ("GET", "/v1/messages", 405),
        ("GET", "/v1/messages/batches/x/cancel", 405),
        ("POST", "/v1/messages/batches/x/results", 405),
        ("DELETE", "/v1/models/x", 405),
        ("GET", "/v1/messages/batches/", 200),
    ],
)
def test_paths_and_methods(method: str, path: str, status: int) -> None:
    """Unknown paths and wrong methods get the envelope of errors."""
    response = call(Api(), method, path)

    assert status == response.status
    if status == 404:
        assert document(response)["error"]["type"] == "not_found_error"


def test_every_reply_has_a_request_id() -> None:
    """Equal to the one in the body of an error; a new one each time."""
    api = Api()

    fine, wrong = call(api, "GET", "/v1/models"), call(api, "GET", "/nowhere")

    assert re.fullmatch("req_011C.{20}", fine.header("request-id") or "")
    assert document(wrong)["request_id"] == wrong.header("request-id")
    assert fine.header("request-id") != wrong.header("request-id")
    assert list(document(wrong)) == ["type", "error", "request_id"]
    assert list(document(wrong)["error"]) == ["type", "message"]


def test_replies_name_the_account() -> None:
    """Organisation and workspace, the content type, and nothing that asks to retry."""
    response = call(Api(), "GET", "/v1/models")

    assert re.fullmatch("[0-9a-f-]{36}", response.header("anthropic-organization-id") or "")
    assert (response.header("anthropic-workspace-id") or "").startswith("wrkspc_01")
    assert response.header("content-type") == "application/json"
    assert response.header("x-should-retry") is None
    assert response.header("content-length") is None


def test_a_live_message() -> None:
    """The object of 11.3, key for key, at the standard price."""
    api = Api()

    body = document(call(api, "POST", "/v1/messages", a_params()))

    assert re.fullmatch("msg_01.{22}", body["id"])
    assert list(body) == [
        "model",
        "id",
        "type",
        "role",
        "content",
        "container",
        "stop_reason",
        "stop_sequence",
        "stop_details",
        "diagnostics",
        "usage",
    ]
    assert body["content"] == [{"type": "text", "text": "hello"}]
    assert body["usage"] == {
        "input_tokens": 9,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 2,
        "service_tier": "standard",
        "inference_geo": "not_available",
    }
    assert Decimal("0.0000019") == api.meter.billed_usd == api.meter.live_usd


def test_a_live_message_is_refused_at_once() -> None:
    """The row errors of a batch are replies here."""
    api = Api()

    missing = call(api, "POST", "/v1/messages", a_params(messages=...))
    unknown = call(api, "POST", "/v1/messages", a_params(model="nope"))
    stream = call(api, "POST", "/v1/messages", a_params(stream=True))
    broken = call(api, "POST", "/v1/messages", b"\xff")
    large = call(Api(limits=Limits(message_body_bytes=9)), "POST", "/v1/messages", a_params())

    assert (missing.status, message(missing)) == (400, "messages: Field required")
    assert (unknown.status, message(unknown)) == (404, "model: nope")
    assert [stream.status, broken.status, large.status] == [400, 400, 413]
    assert Decimal(0) == api.meter.billed_usd


def test_warming_the_cache() -> None:
    """`max_tokens: 0` is valid here: no content, stop reason `max_tokens`."""
    body = document(call(Api(), "POST", "/v1/messages", a_params(max_tokens=0, speed="fast")))

    assert (
        body["content"],
        body["stop_reason"],
        body["usage"]["output_tokens"],
    ) == ([], "max_tokens", 0)


def test_counting_is_what_is_billed() -> None:
    """The count, the usage of a batch row and of a live message agree."""
    api = Api()
    content = [{"type": "text", "text": "héllo wörld"}, {"type": "image", "source": {}}]
    changes: dict[str, Any] = {
        "system": "be brief",
        "messages": [{"role": "user", "content": content}],
        "tools": [{"name": "look", "input_schema": {"type": "object"}}],
    }
    an_ended_batch(api, requests(1, **changes))

    counted = document(call(api, "POST", COUNT, a_params(max_tokens=..., **changes)))
    live = document(call(api, "POST", "/v1/messages", a_params(**changes)))

    assert list(counted) == ["input_tokens"]
    assert counted["input_tokens"] == live["usage"]["input_tokens"]
    assert counted["input_tokens"] == api.books().requests[0].input_tokens > 1_600


@pytest.mark.parametrize(
    ("changes", "status", "expected"),
    [
        ({}, 400, "max_tokens: Extra inputs are not permitted"),
        ({"max_tokens": ..., "model": "nope"}, 404, "model: nope"),
        ({"max_tokens": ..., "messages": []}, 400, "messages: at least one message is required"),
    ],
)
def test_counting_has_a_closed_schema(changes: dict[str, Any], status: int, expected: str) -> None:
    """`max_tokens` is not allowed."""
    response = call(Api(), "POST", COUNT, a_params(**changes))

    assert (status, expected) == (response.status, message(response))


def test_counting_needs_json() -> None:
    """Broken bytes are refused as everywhere."""
    assert call(Api(), "POST", COUNT, b"\xff").status == 400
    assert call(Api(), "POST", COUNT, b"[]").status == 400


def test_a_model() -> None:
    """By id and by alias; the shape of 12.2."""
    api = Api()

    body = document(call(api, "GET", f"/v1/models/{MODEL}"))
    alias = document(call(api, "GET", "/v1/models/claude-haiku-4-5"))
    unknown = call(api, "GET", "/v1/models/nope")

    assert list(body)[:6] == ["id", "type", "display_name", "created_at", "lifecycle", "line"]
    assert (body["id"], body["display_name"], body["line"]) == (MODEL, "Claude Haiku 5.5", "haiku")
    assert body["capabilities"]["batch"] == {"supported": True}
    assert body["capabilities"]["thinking"]["types"]["enabled"] == {"supported": False}
    assert alias["id"] == "claude-haiku-4-5-20251001"
    assert (unknown.status, document(unknown)["error"]["type"]) == (404, "not_found_error")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([], {"active"}),
        (["active"], {"active"}),
        (["deprecated"], set()),
        (["retired"], {"retired"}),
        (["active", "retired"], {"active", "retired"}),
    ],
)
def test_models_by_lifecycle(asked: list[str], expected: set[str]) -> None:
    """Contract 12.2: active and deprecated ones, unless asked otherwise."""
    query = [("limit", "1000"), *(("lifecycle[]", value) for value in asked)]

    shown = document(call(Api(), "GET", "/v1/models", query=query))["data"]

    assert {model["lifecycle"] for model in shown} == expected
    assert len(shown) == len([model for model in MODELS if model.lifecycle in expected])


@pytest.mark.parametrize(
    "query", [[("limit", "0")], [("lifecycle[]", "new")], [("lifecycle[]", "active")] * 4]
)
def test_models_cannot_be_asked_for_like_that(query: list[tuple[str, str]]) -> None:
    """400."""
    assert call(Api(), "GET", "/v1/models", query=query).status == 400


def test_the_history_keeps_every_call_and_no_secret() -> None:
    """Time, endpoint, status, retry count, size and digest; never a key or a body."""
    api = Api()
    headers = {**HEADERS, "authorization": "Bearer sk-secret", "x-stainless-retry-count": "2"}
    batch_id = document(create(api, requests(1), headers=headers))["id"]
    api.clock.sleep(hours(1))
    retrieve(api, batch_id)
    call(api, "GET", "/nowhere", headers={"x-stainless-retry-count": "9" * 5_000})

    first, second, third = api.books().calls

    assert (Endpoint.CREATE, 200, "", 2, batch_id) == (
        first.endpoint,
        first.status,
        first.cut,
        first.retry_count,
        first.batch_id,
    )
    assert first.body_bytes > 0
    assert re.fullmatch("[0-9a-f]{16}", first.body_digest)
    assert (hours(1), batch_id, 404) == (second.at - first.at, second.batch_id, second.status)
    assert (third.endpoint, third.status, third.retry_count) == (Endpoint.OTHER, 404, 0)
    assert "sk-secret" not in repr(api.books())
    assert 3 == len(api.history) == len(list(api.history))


def a_run(seed: int) -> bytes:
    """Everything that a small run sends and keeps."""
    truths = {f"text {place}": Truth(f"r{place}", "ab"[place % 2]) for place in range(30)}
    oracle = LabelOracle(truths, "ab", accuracy=0.7)
    api = Api(seed=seed, responder=oracle, faults=[SchemaDrift(0.3)])
    batch_id = an_ended_batch(api, requests(30, system="JSON"))
    replies = [retrieve(api, batch_id), results(api, batch_id), call(api, "GET", "/nowhere")]
    return b"".join(repr(reply.headers).encode() + reply.read() for reply in replies)


def test_the_same_seed_gives_the_same_bytes() -> None:
    """Ids, order, answers, headers: all of it."""
    assert a_run(7) == a_run(7)


def test_another_seed_gives_other_bytes() -> None:
    """And not by the ids alone."""
    assert a_run(7) != a_run(8)


def test_reset_forgets_and_begins_again() -> None:
    """The same dice again; time stays where it is."""
    api = Api()
    batch_id = an_ended_batch(api)
    later = api.clock.now()

    api.reset()

    assert (api.books().batches, api.books().calls) == ((), ())
    assert batch_id == a_batch(api)
    assert later == api.clock.now() == api.started_at


def test_things_say_what_they_are() -> None:
    """A repr is an instrument."""
    api = Api(seed=3)
    batch_id = a_batch(api)

    assert repr(api) == "Api(seed=3, 1 batches, VirtualClock(2026-11-20T09:00:00+00:00))"
    assert repr(next(iter(api._batches.store))).startswith(f"Batch({batch_id}, 3 requests, ends")
    assert repr(api.meter) == "Meter($0E-12)"
    assert repr(api.history) == "History(1 calls)"
    assert repr(api.plan) == "FaultPlan()"


def test_long_work_goes_in_steps() -> None:
    """Between the steps of a settlement another call may be answered, even the same one."""
    api = Api()
    batch_id = an_ended_batch(api, 2_500)
    request = Request(method="GET", path=f"/v1/messages/batches/{batch_id}", headers=HEADERS)
    slow = api.steps(request)
    next(slow)

    assert document(retrieve(api, batch_id))["request_counts"]["succeeded"] == 2_500
    with pytest.raises(StopIteration) as done:
        next(slow)
    assert document(retrieve(api, batch_id)) == document(done.value.value)


def test_a_watcher_is_told_of_each_call_with_its_head() -> None:
    """What the history keeps, and beside it the headers, which it does not; also after a reset."""
    api = Api()
    heard: list[tuple[str, str, int]] = []
    api.watcher = lambda request, written: heard.append(
        (request.headers["authorization"], written.path, written.status)
    )

    call(api, "GET", "/v1/models")
    api.reset()
    call(api, "GET", "/nowhere")

    assert [("Bearer test", "/v1/models", 200), ("Bearer test", "/nowhere", 404)] == heard
