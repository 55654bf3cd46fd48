"""What an answer has besides its text: thinking, tools, stop sequences, refusals, cached tokens."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from simulator import Api, Choices, FromCallable, Limits, Said, hours, minutes
from tests.simulator.builders import (
    HEADERS,
    a_batch,
    a_params,
    a_request,
    an_ended_batch,
    by_id,
    call,
    create,
    document,
    message,
    requests,
)

BATCHES = "/v1/messages/batches"
MARK = {"type": "ephemeral", "ttl": "1h"}
LONG = "Classify the ticket with care. " * 200
SYSTEM = [{"type": "text", "text": LONG, "cache_control": MARK}]


def answered(**changes: Any) -> dict[str, Any]:
    """The message of one request."""
    api = Api()
    batch_id = an_ended_batch(api, [a_request("a", **changes)])
    found: dict[str, Any] = by_id(api, batch_id)["a"]["message"]
    return found


def test_thinking_comes_first() -> None:
    """`content[0].text` is not a safe way to the answer."""
    said = answered(thinking={"type": "adaptive"})

    assert [block["type"] for block in said["content"]] == ["thinking", "text"]
    assert said["content"][0]["thinking"]
    thought = said["usage"]["output_tokens_details"]["thinking_tokens"]
    assert 0 < thought < said["usage"]["output_tokens"]


@pytest.mark.parametrize("kind", ["disabled", "between_tools"])
def test_no_thinking_where_none_is_asked_for(kind: str) -> None:
    """The usual answer."""
    assert [block["type"] for block in answered(thinking={"type": kind})["content"]] == ["text"]


def test_thinking_can_be_hidden() -> None:
    """The block stays, its text does not."""
    said = answered(thinking={"type": "adaptive", "display": "omitted"})

    assert said["content"][0]["thinking"] == ""
    assert said["content"][0]["signature"]


def test_thinking_can_use_up_all_tokens() -> None:
    """One capture: five tokens, all of them spent on thinking, and no text."""
    said = answered(thinking={"type": "adaptive"}, max_tokens=5)

    assert [block["type"] for block in said["content"]] == ["thinking"]
    assert (said["stop_reason"], said["usage"]["output_tokens"]) == ("max_tokens", 5)


def test_a_stop_sequence_ends_the_answer() -> None:
    """Before it, and it is named."""
    said = answered(
        messages=[{"role": "user", "content": "one STOP two"}], stop_sequences=["never", "STOP"]
    )

    assert (said["stop_reason"], said["stop_sequence"]) == ("stop_sequence", "STOP")
    assert said["content"] == [{"type": "text", "text": "one "}]


def test_a_forced_tool_is_called() -> None:
    """With an input that fits its schema."""
    schema = {
        "type": "object",
        "properties": {"label": {"enum": ["x", "y"]}},
        "required": ["label"],
        "additionalProperties": False,
    }
    tool = {"name": "file", "input_schema": schema}
    said = answered(tools=[tool], tool_choice={"type": "tool", "name": "file"})

    (block,) = said["content"]
    assert (said["stop_reason"], block["type"], block["name"]) == ("tool_use", "tool_use", "file")
    assert block["input"]["label"] in {"x", "y"}


def test_a_refusal_is_a_succeeded_row() -> None:
    """With its details, and possibly without content."""
    api = Api(responder=FromCallable(lambda _: Said("", stop_reason="refusal")))
    batch_id = an_ended_batch(api, [a_request("a")])

    result = by_id(api, batch_id)["a"]

    assert result["type"] == "succeeded"
    assert result["message"]["content"] == []
    assert result["message"]["stop_details"] == {
        "type": "refusal", "category": None, "explanation": None
    }  # fmt: skip


def test_the_first_row_writes_the_prefix_and_the_others_read_it() -> None:
    """And the bill says so."""
    api = Api()
    plain = api.books().billed_usd
    batch_id = an_ended_batch(api, requests(3, system=SYSTEM))
    usages = [by_id(api, batch_id)[f"row-{place}"]["message"]["usage"] for place in range(3)]
    cached = api.books().billed_usd - plain
    bare = Api()
    an_ended_batch(bare, requests(3, system=LONG))
    first, second, third = usages

    assert first["cache_creation"]["ephemeral_1h_input_tokens"] > 1_024
    assert first["cache_creation_input_tokens"] == second["cache_read_input_tokens"]
    assert second["cache_read_input_tokens"] == third["cache_read_input_tokens"]
    assert first["cache_read_input_tokens"] == 0
    total = first["input_tokens"] + first["cache_creation_input_tokens"]
    assert {book.input_tokens for book in bare.books().requests} == {total}
    assert 0 < cached < bare.books().billed_usd
    assert {book.cache_read_tokens for book in api.books().requests[1:]} == {
        second["cache_read_input_tokens"]
    }


def test_short_prefixes_are_not_cached() -> None:
    """Unless that is chosen."""
    system = [{"type": "text", "text": "short", "cache_control": MARK}]
    for least, expected in ((1_024, False), (0, True)):
        api = Api(choices=Choices(least_cached_tokens=least))
        batch_id = an_ended_batch(api, [a_request("a", system=system)])
        usage = by_id(api, batch_id)["a"]["message"]["usage"]

        assert (usage["cache_creation_input_tokens"] > 0) is expected


def test_a_live_prefix_grows_cold() -> None:
    """After its five minutes, or its hour."""
    api = Api()
    body = a_params(system=[{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}])
    seen = []
    for wait in (minutes(0), minutes(4), minutes(6)):
        api.clock.sleep(wait)
        usage = document(call(api, "POST", "/v1/messages", body))["usage"]
        written, read = usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"]
        seen.append((written > 0, read > 0))

    assert seen == [(True, False), (False, True), (True, False)]


def test_the_mark_of_the_whole_request() -> None:
    """`cache_control` at the top marks the last block."""
    messages = [{"role": "user", "content": LONG}]
    api = Api()
    submitted = [a_request(name, messages=messages, cache_control=MARK) for name in "ab"]
    found = by_id(api, an_ended_batch(api, submitted))

    assert found["a"]["message"]["usage"]["input_tokens"] == 0
    assert found["b"]["message"]["usage"]["cache_read_input_tokens"] > 1_024


# Who may spend, and what.


@pytest.mark.parametrize(
    ("limits", "status", "code"),
    [
        (Limits(own_spend_usd=Decimal("0.0000001")), 400, None),
        (Limits(tier_spend_usd=Decimal("0.0000001")), 429, "enforced_spend_limit_reached"),
    ],
)
def test_spend_caps(limits: Limits, status: int, code: str | None) -> None:
    """The batch that crosses it ends well; the next is refused, without `retry-after`."""
    api = Api(limits=limits)
    first = create(api, requests(3))
    api.clock.sleep(hours(24))
    refused = create(api, requests(3))
    error = document(refused)["error"]

    assert (first.status, refused.status) == (200, status)
    assert error.get("details", {}).get("error_code") == code
    assert refused.header("retry-after") is None
    if status == 400:
        assert message(refused).startswith("You have reached your specified API usage limits")


def test_a_key_of_several_workspaces() -> None:
    """The header chooses; without it the first one is meant; others are closed."""
    api = Api(keys={"k": ["wrkspc_01A", "wrkspc_01B"]})

    def headers(workspace: str | None) -> dict[str, str]:
        asked = {} if workspace is None else {"anthropic-workspace-id": workspace}
        return {**HEADERS, "authorization": "Bearer k", **asked}

    in_b = a_batch(api, 1, headers=headers("wrkspc_01B"))

    def seen(workspace: str | None) -> tuple[int, str | None]:
        reply = call(api, "GET", f"{BATCHES}/{in_b}", headers=headers(workspace))
        return reply.status, reply.header("anthropic-workspace-id")

    assert seen("wrkspc_01B") == (200, "wrkspc_01B")
    assert seen(None) == seen("wrkspc_01A") == (404, "wrkspc_01A")
    assert seen("wrkspc_01C")[0] == 403


def test_keys_of_their_own_do_not_share_an_allowance() -> None:
    """Tests that share a server each have their minute and their queue."""
    api = Api(limits=Limits(requests_per_minute=1, queued_requests=2))
    replies = [
        create(api, requests(2), headers={**HEADERS, "authorization": f"Bearer {name}"})
        for name in "ab"
    ]

    assert [reply.status for reply in replies] == [200, 200]
    left = [reply.header("anthropic-ratelimit-requests-remaining") for reply in replies]
    assert left == ["0", "0"]


@pytest.mark.parametrize(
    "changes",
    [
        {"thinking": {"type": []}},
        {"thinking": {"type": {}}},
        {"tools": [{"name": "a"}], "tool_choice": {"type": []}},
        {"tools": [{"name": "a", "input_schema": 7}], "tool_choice": {"type": "any"}},
        {"tools": [{"input_schema": {"$ref": "#"}}], "tool_choice": {"type": "any"}},
        {"system": [{"type": "text", "text": LONG, "cache_control": 7}]},
        {"system": [{"type": "text", "text": LONG, "cache_control": {"ttl": []}}]},
        {"stop_sequences": [""]},
    ],
)
def test_settings_of_the_wrong_kind(changes: dict[str, Any]) -> None:
    """Every row has an end, whatever stands in it."""
    api = Api()
    batch_id = an_ended_batch(api, [a_request("a", **changes)])

    assert by_id(api, batch_id)["a"]["type"] in {"succeeded", "errored"}
