"""What is refused row by row."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import Api
from tests.simulator.builders import (
    HEADERS,
    a_params,
    a_request,
    an_ended_batch,
    by_id,
    call,
    document,
    message,
)

OLD = {**HEADERS, "anthropic-version": "2023-06-01"}
ASSISTANT = {"role": "assistant", "content": "{"}
USER = {"role": "user", "content": "hello"}
TOOL = {"name": "look", "input_schema": {"type": "object"}}


def outcome(params: Any, headers: dict[str, str] | None = None) -> tuple[str, str]:
    """How a row with these params ends: error type and message, or `succeeded`."""
    api = Api()
    batch_id = an_ended_batch(api, [{"custom_id": "a", "params": params}], headers=headers)
    result = by_id(api, batch_id)["a"]
    if result["type"] == "succeeded":
        return "succeeded", ""
    error = result["error"]["error"]
    return error["type"], error["message"]


CAPTURED: list[tuple[dict[str, Any], str]] = [
    ({"messages": ...}, "messages: Field required"),
    ({"model": ...}, "model: Field required"),
    ({"max_tokens": ...}, "max_tokens: Field required"),
    ({"messages": []}, "messages: at least one message is required"),
    ({"stream": True}, '"stream=True" is not supported in the Message Batches API'),
    ({"max_tokens": 0}, "max_tokens: must be greater than or equal to 1"),
    ({"extra_body": {}}, "extra_body: Extra inputs are not permitted"),
    (
        {"tool_choice": {"type": "tool", "name": "x"}, "tools": [TOOL]},
        "Tool 'x' not found in provided tools",
    ),
    (
        {"model": "claude-haiku-4-5", "max_tokens": 9_999_999},
        (
            "max_tokens: 9999999 > 64000, which is the maximum allowed number of output tokens for "
            "claude-haiku-4-5-20251001"
        ),
    ),
    (
        {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        (
            '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" '
            'and "output_config.effort" to control thinking behavior.'
        ),
    ),
    (
        {"messages": [USER, ASSISTANT]},
        (
            "This model does not support assistant message prefill. "
            "The conversation must end with a user message."
        ),
    ),
    ({"speed": "fast"}, '"speed" is not supported in the Message Batches API'),
    ({"fallbacks": [1]}, '"fallbacks" is not supported in the Message Batches API'),
    (
        {"research_preview_2026_02": "active"},
        '"research_preview_2026_02" is not supported in the Message Batches API',
    ),
    ({"temperature": 1}, "temperature: Extra inputs are not permitted"),
    ({"top_k": 5}, "top_k: Extra inputs are not permitted"),
    ({"model": 5}, "model: Input should be a valid string"),
    ({"messages": {}}, "messages: Input should be a valid list"),
    ({"max_tokens": "7"}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
    ({"stream": 1}, "stream: Input should be a valid boolean"),
    ({"messages": ["x"]}, "messages.0: Input should be a valid dictionary"),
    ({"messages": [{"content": "x"}]}, "messages.0.role: Field required"),
    ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
    (
        {"messages": [{"role": 1, "content": "x"}]},
        "messages.0.role: Input should be 'user' or 'assistant'",
    ),
    (
        {"messages": [{"role": "judge", "content": "x"}]},
        "messages.0.role: Input should be 'user' or 'assistant'",
    ),
    (
        {"messages": [{"role": "user", "content": 5}]},
        "messages.0.content: Input should be a valid string",
    ),
    (
        {"messages": [{"role": "user", "content": [5]}]},
        "messages.0.content.0: Input should be a valid dictionary",
    ),
    (
        {"messages": [{"role": "user", "content": "x", "name": "y"}]},
        "messages.0.name: Extra inputs are not permitted",
    ),
    (
        {"messages": [{"role": "user", "content": ""}]},
        "messages.0: all messages must have non-empty content",
    ),
    (
        {"messages": [{"role": "user", "content": [{"text": "x"}]}]},
        "messages.0.content.0.type: Field required",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
        "messages.0.content.0.text.text: Field required",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "q": 1}]}]},
        "messages.0.content.0.text.q: Extra inputs are not permitted",
    ),
    (
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "x", "citations": [1]}]}
            ]
        },
        "messages.0.content.0.text.citations: Extra inputs are not permitted",
    ),
    (
        {"messages": [USER, {"role": "assistant", "content": [{"type": "document"}]}, USER]},
        "messages.1.content.0: document blocks are not permitted in assistant messages",
    ),
    (
        {"output_config": {"format": {"type": "xml"}}},
        "output_config.format.type: Input should be 'json_schema'",
    ),
    (
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
        (
            "output_config.format.schema: For 'object' type, 'additionalProperties' must be "
            "explicitly set to false"
        ),
    ),
    (
        {"output_config": {"format": {"type": "json_schema"}}},
        "output_config.format.schema: Input should be a valid dictionary",
    ),
]


@pytest.mark.parametrize(("changes", "expected"), CAPTURED)
def test_a_bad_row_ends_errored(changes: dict[str, Any], expected: str) -> None:
    """The text has no `requests.N.params.` in front."""
    assert ("invalid_request_error", expected) == outcome(a_params(**changes))


def test_an_unknown_model_is_not_found() -> None:
    """A class of its own."""
    expected = ("not_found_error", "model: claude-does-not-exist-9")

    assert expected == outcome(a_params(model="claude-does-not-exist-9"))


def test_an_errored_row_has_two_levels() -> None:
    """`result.error` is a whole envelope; before execution there is no request id."""
    api = Api()
    batch_id = an_ended_batch(api, [a_request("a", max_tokens=0)])

    expected = {
        "type": "errored",
        "error": {
            "type": "error",
            "error": {
                "details": {"error_visibility": "user_facing"},
                "type": "invalid_request_error",
                "message": "max_tokens: must be greater than or equal to 1",
            },
            "request_id": None,
        },
    }
    assert expected == by_id(api, batch_id)["a"]


ALLOWED: list[dict[str, Any]] = [
    {"model": "claude-haiku-4-5", "messages": [ASSISTANT]},
    {"output_config": {"format": {"type": "json_schema", "schema": {"type": "string"}}}},
    {"stream": False},
    {"stream": None},
    {"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]},
    {"metadata": {"user_id": "u"}, "service_tier": "auto", "stop_sequences": ["x"]},
    {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
    {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "look"}},
    {"tools": [TOOL], "tool_choice": {"type": "auto"}},
    {"model": "claude-haiku-4-5", "messages": [USER, ASSISTANT]},
    {
        "model": "claude-haiku-4-5",
        "max_tokens": 3000,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
    },
    {
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "x"}, {"type": "image", "source": {}}],
            }
        ]
    },
    {"research_preview_2026_02": "inactive"},
]


@pytest.mark.parametrize("changes", ALLOWED)
def test_what_is_allowed(changes: dict[str, Any]) -> None:
    """Things that are often believed not to work in a batch."""
    assert outcome(a_params(**changes)) == ("succeeded", "")


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (1_000, "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"),
        (None, "thinking.enabled.budget_tokens: Field required"),
        (5_000, "`max_tokens` must be greater than `thinking.budget_tokens`"),
    ],
)
def test_a_thinking_budget_has_bounds(budget: int | None, expected: str) -> None:
    """1,024 at least, and less than `max_tokens`."""
    thinking = {"type": "enabled", "budget_tokens": budget}
    params = a_params(model="claude-haiku-4-5", max_tokens=2_000, thinking=thinking)

    assert ("invalid_request_error", expected) == outcome(params)


def test_the_older_version_still_takes_sampling_parameters() -> None:
    """6.5: `2023-06-01` takes them; newer models only `temperature: 1`."""
    fine = a_params(temperature=1, top_p=0.9)
    cold = a_params(temperature=0.2)
    old_model = a_params(model="claude-haiku-4-5", temperature=0.2)

    assert outcome(fine, OLD) == ("succeeded", "")
    assert outcome(cold, OLD)[1] == "temperature: only 1 is supported for this model"
    assert outcome(old_model, OLD) == ("succeeded", "")


def test_the_older_version_takes_documents_and_citations() -> None:
    """6.5: the refusals of 2026-10-21 do not apply to a batch created before it."""
    block = {"type": "text", "text": "x", "citations": [1]}

    assert outcome(a_params(messages=[{"role": "user", "content": [block]}]), OLD) == (
        "succeeded",
        "",
    )


def test_the_beta_raises_the_cap_in_batches() -> None:
    """300,000 with the flag, 128,000 without, and not on live messages."""
    beta = {**HEADERS, "anthropic-beta": "output-300k-2026-03-24"}
    params = a_params(max_tokens=300_000)

    assert outcome(params, beta) == ("succeeded", "")
    assert "128000" in outcome(params)[1]
    assert call(Api(), "POST", "/v1/messages", params, headers=beta).status == 400


@pytest.mark.parametrize(
    "params",
    [
        b'{"max_tokens":' + b"9" * 5_000 + b"}",
        b'{"max_tokens": 1e999}',
        b'{"model": "x", "model": 1, "a": ' + b"[" * 400 + b"]" * 400 + b"}",
    ],
)
def test_hostile_params_end_as_an_errored_row(params: bytes) -> None:
    """The batch is not harmed by one row."""
    api = Api()
    body = b'{"requests":[{"custom_id":"a","params":' + params + b"}]}"
    response = call(api, "POST", "/v1/messages/batches", body)
    assert response.status == 200, message(response)
    batch_id = document(response)["id"]
    api.clock.sleep(api.limits.processing_time)

    assert by_id(api, batch_id)["a"]["type"] == "errored"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8) | st.sampled_from(["user", "tool", "text", "enabled", "json_schema"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "name", "text", "role", "content", "format", "schema", "enum",
                         "required", "properties", "items", "anyOf", "allOf", "$ref",
                         "budget_tokens", "additionalProperties"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
NAMES = st.sampled_from(
    ["model", "messages", "max_tokens", "system", "tools", "tool_choice", "thinking", "stream",
     "output_config", "temperature", "stop_sequences", "metadata", "fallbacks", "strange"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(changes=st.dictionaries(NAMES, JSON, max_size=4))
def test_no_params_crash_the_service(changes: dict[str, Any]) -> None:
    """Any JSON ends as a row of the results file, or as a reply; never as an exception."""
    api = Api()
    params = {**a_params(), **changes}
    batch_id = an_ended_batch(api, [{"custom_id": "a", "params": params}], headers=OLD)

    assert by_id(api, batch_id)["a"]["type"] in {"succeeded", "errored"}
    assert call(api, "POST", "/v1/messages", params, headers=OLD).status in {200, 400, 404}
    assert call(api, "POST", "/v1/messages/count_tokens", params).status in {200, 400, 404}
