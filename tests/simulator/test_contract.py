"""Statements of the wire contract, section by section, that no other test holds."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, get_args

import anthropic
import msgspec
import pytest
from anthropic.types import ErrorResponse, Message, ModelInfo
from anthropic.types.messages import (
    DeletedMessageBatch,
    MessageBatch,
    MessageBatchIndividualResponse,
)
from anthropic.types.model import Model
from anthropic.types.stop_reason import StopReason

from simulator import Api, FromCallable, Limits, Response, Said, days, hours, seconds
from simulator.asgi import Server
from simulator.faults import RowsErrored, Stall
from simulator.models import MODELS, find_model
from simulator.testing import opened
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
    results,
    retrieve,
)

BATCHES = "/v1/messages/batches"
COUNT = "/v1/messages/count_tokens"
OLD = {**HEADERS, "anthropic-version": "2023-06-01"}
SCHEMA = {
    "type": "object",
    "properties": {"age": {"type": "integer"}},
    "required": ["age"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "schema": SCHEMA}


def row(**changes: Any) -> dict[str, Any]:
    """What became of one request."""
    api = Api()
    found: dict[str, Any] = by_id(api, an_ended_batch(api, [a_request("a", **changes)]))["a"]
    return found


def problem(**changes: Any) -> str:
    """Why one request was refused; empty, if it was not."""
    result = row(**changes)
    if result["type"] == "succeeded":
        return ""
    assert result["error"]["error"]["type"] == "invalid_request_error"
    told: str = result["error"]["error"]["message"]
    return told


# Section 3: headers.


def test_every_reply_has_the_headers_of_every_reply() -> None:
    """Lower case over the wire; the account only if the caller is known; 404 is not retried."""
    known = {"request-id", "anthropic-organization-id", "anthropic-workspace-id"}
    api = Api(limits=Limits(requests_per_minute=6))
    batch_id = an_ended_batch(api, 1)
    replies = [
        results(api, batch_id),
        call(api, "DELETE", f"{BATCHES}/{a_batch(api)}"),
        retrieve(api, "nobody"),
        call(api, "GET", f"{BATCHES}?limit=x"),
        create(api, []),
        call(api, "GET", "/v1/models/nobody"),
        call(api, "POST", "/v1/messages", a_params(max_tokens=-1)),
        call(api, "GET", BATCHES),
        call(api, "GET", BATCHES),
        call(api, "GET", BATCHES, headers={"anthropic-version": "2023-06-01"}),
    ]

    assert [reply.status for reply in replies] == [200, 400, 404, 404, 400, 404, 400, 200, 429, 401]
    for reply in replies:
        names = {name for name, _ in reply.headers}
        assert names == {name.lower() for name in names}
        assert names & known == ({"request-id"} if reply.status == 401 else known)
        assert ("x-should-retry" in names) == (reply.status == 404)
        assert ("retry-after" in names) == (reply.status == 429)
        if reply.status != 200:
            assert document(reply)["request_id"] == reply.header("request-id")
            assert reply.header("content-type") == "application/json"


CALLS: list[tuple[str, str, Any]] = [
    ("POST", BATCHES, {"requests": requests(1)}),
    ("GET", BATCHES, b""),
    ("GET", f"{BATCHES}/ID", b""),
    ("POST", f"{BATCHES}/ID/cancel", b""),
    ("GET", f"{BATCHES}/ID/results", b""),
    ("POST", "/v1/messages", a_params()),
    ("POST", COUNT, a_params(max_tokens=...)),
    ("GET", "/v1/models", b""),
    ("GET", "/v1/models/claude-haiku-5-5", b""),
    ("DELETE", f"{BATCHES}/ID", b""),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_old_and_unknown_flags_are_tolerated_everywhere(method: str, path: str, body: Any) -> None:
    """`?beta=true`, the flag of 2024, several at a time, and unknown parameters."""
    api = Api()
    path = path.replace("ID", an_ended_batch(api, 1))
    flags = {**HEADERS, "anthropic-beta": "message-batches-2024-09-24, unknown-2030-01-01"}
    query = [("beta", "true"), ("foo", "bar")]

    assert call(api, method, path, body, headers=flags, query=query).status == 200


def test_a_request_for_another_user_ends_errored() -> None:
    """`anthropic-user-profile-id` is the batch's; a request that names another one is refused."""
    api = Api()
    submitted = [a_request("none"), a_request("same", user_profile_id="p1"),
                 a_request("null", user_profile_id=None),
                 a_request("other", user_profile_id="p2")]  # fmt: skip
    headed = {**HEADERS, "anthropic-user-profile-id": "p1"}

    with_header = by_id(api, an_ended_batch(api, submitted, headers=headed))
    without = by_id(api, an_ended_batch(api, submitted))

    ends = {name: result["type"] for name, result in with_header.items()}
    assert ends == {"none": "succeeded", "same": "succeeded", "null": "succeeded",
                    "other": "errored"}  # fmt: skip
    assert with_header["other"]["error"]["error"]["type"] == "invalid_request_error"
    assert {result["type"] for result in without.values()} == {"succeeded"}


def test_the_official_client_names_the_request_and_the_workspace_of_an_error() -> None:
    """From the headers."""
    with opened() as handle:
        with pytest.raises(anthropic.NotFoundError) as refused:
            handle.client().messages.batches.retrieve("msgbatch_01nobody")
        (seen,) = handle.history

    assert refused.value.request_id == seen.request_id
    assert (refused.value.workspace_id or "").startswith("wrkspc_01")


# Section 4.3: lists.


def test_the_official_client_pages_both_ways() -> None:
    """Every batch once: older ones after a cursor, newer ones before it."""
    with opened(clock="virtual") as handle:
        ids = [a_batch(handle.api, 1, headers=mine(handle.api_key)) for _ in range(25)][::-1]
        batches = handle.client().messages.batches

        assert [batch.id for batch in batches.list(limit=4)] == ids
        assert [batch.id for batch in batches.list(limit=4, after_id=ids[9])] == ids[10:]
        newer = [batch.id for batch in batches.list(limit=4, before_id=ids[9])]
        pages = list(batches.list(limit=4, before_id=ids[9]).iter_pages())

    assert sorted(newer) == sorted(ids[:9])
    assert [[batch.id for batch in page.data] for page in pages] == [ids[5:9], ids[1:5], ids[:1]]
    assert [page.has_more for page in pages] == [True, True, False]


def mine(key: str) -> dict[str, str]:
    """The headers of the caller with this key."""
    return {**HEADERS, "authorization": f"Bearer {key}"}


@pytest.mark.parametrize("path", [BATCHES, "/v1/models"])
def test_the_limits_of_a_limit(path: str) -> None:
    """1 and 1,000 are allowed, 0 and 1,001 are not; an empty cursor is none."""

    def status(**query: str) -> int:
        return call(Api(), "GET", path, query=list(query.items())).status

    assert [status(limit=limit) for limit in ("1", "1000", "0", "1001", "-1", "1.5", "")] == [
        200, 200, 400, 400, 400, 400, 400
    ]  # fmt: skip
    assert status(after_id="", before_id="") == 200


# Section 5: every operation in every state.


def in_progress(api: Api) -> str:
    """A batch that runs."""
    return a_batch(api)


def canceling(api: Api) -> str:
    """A batch that somebody has canceled just now."""
    batch_id = a_batch(api)
    call(api, "POST", f"{BATCHES}/{batch_id}/cancel")
    return batch_id


def ended(api: Api) -> str:
    """A batch whose day has passed."""
    return an_ended_batch(api)


def archived(api: Api) -> str:
    """A batch whose results are gone."""
    return an_ended_batch(api, after=days(29))


def deleted(api: Api) -> str:
    """A batch that was deleted."""
    batch_id = an_ended_batch(api)
    call(api, "DELETE", f"{BATCHES}/{batch_id}")
    return batch_id


def unknown(api: Api) -> str:
    """No batch at all."""
    del api
    return "msgbatch_01nobody"


def foreign(api: Api) -> str:
    """A batch of another workspace."""
    return an_ended_batch(api, headers=mine("other"))


NOT_FOUND, NO_RESULTS, RUNNING = "not found.", "has no available results.", "In progress batches"
STATES: dict[Callable[[Api], str], tuple[Any, Any, bool, Any, Any]] = {
    in_progress: ("in_progress", "canceling", True, RUNNING, NO_RESULTS),
    canceling: ("canceling", "canceling", True, RUNNING, NO_RESULTS),
    ended: ("ended", "ended", True, 200, 200),
    archived: ("ended", "ended", True, 200, NO_RESULTS),
    deleted: (NOT_FOUND, NOT_FOUND, False, NOT_FOUND, NOT_FOUND),
    unknown: (NOT_FOUND, NOT_FOUND, False, NOT_FOUND, NOT_FOUND),
    foreign: (NOT_FOUND, NOT_FOUND, False, NOT_FOUND, NOT_FOUND),
}


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_every_operation_in_every_state(state: Callable[[Api], str]) -> None:
    """The table of 5.3: retrieve, cancel, list, delete, results; the status, or why not."""
    shown, after_cancel, listed, delete, download = STATES[state]

    def ask(method: str, part: str = "") -> Any:
        api = Api()
        batch_id = state(api)
        reply = call(api, method, f"{BATCHES}/{batch_id}{part}")
        if reply.status == 200 and part != "/results":
            return document(reply).get("processing_status", 200)
        return reply.status if reply.status == 200 else message(reply)

    api = Api()
    batch_id = state(api)
    page = document(call(api, "GET", BATCHES))["data"]

    assert listed == (batch_id in [batch["id"] for batch in page])
    for found, expected in (
        (ask("GET"), shown),
        (ask("POST", "/cancel"), after_cancel),
        (ask("DELETE"), delete),
        (ask("GET", "/results"), download),
    ):
        assert found == expected or (isinstance(found, str) and expected in found)


def test_a_key_of_the_same_workspace_sees_the_same_batches() -> None:
    """The scope is the workspace, not the key."""
    api = Api(keys={"a": "wrkspc_01one", "b": "wrkspc_01one"})
    batch_id = a_batch(api, headers=mine("a"))

    assert retrieve(api, batch_id, headers=mine("b")).status == 200


def test_the_ids_have_their_shapes() -> None:
    """Batches, messages, calls, workers, workspaces; the alphabet has no look-alikes."""
    api = Api(faults=[RowsErrored(share=0.5)])
    batch_id = an_ended_batch(api, 40)
    found = by_id(api, batch_id).values()
    shapes = {
        "msgbatch_01": {batch_id},
        "msg_01": {one["message"]["id"] for one in found if one["type"] == "succeeded"},
        "workerreq_01": {one["error"]["request_id"] for one in found if one["type"] == "errored"},
        "wrkspc_01": {retrieve(api, batch_id).header("anthropic-workspace-id")},
    }

    for prefix, ids in shapes.items():
        assert ids
        assert all(re.fullmatch(f"{prefix}[1-9A-HJ-NP-Za-km-z]{{22}}", one or "") for one in ids)
    assert len(shapes["msg_01"]) + len(shapes["workerreq_01"]) == 40


def test_a_cancel_takes_between_a_second_and_half_a_minute() -> None:
    """4.4: 0.88 s to about 25 s were observed."""
    took = []
    for seed in range(40):
        api = Api(seed=seed)
        batch_id = canceling(api)
        api.clock.sleep(hours(1))
        batch = document(retrieve(api, batch_id))
        begun, done = (
            datetime.fromisoformat(batch[name]) for name in ("cancel_initiated_at", "ended_at")
        )
        took.append(done - begun)

    assert seconds(0.8) <= min(took) < max(took) <= seconds(25)


# Section 6: create.


def test_the_most_requests_of_a_batch() -> None:
    """100,000 are accepted, one more is refused, in the words of the service."""
    most = [{"custom_id": f"r{place}", "params": {}} for place in range(100_000)]

    accepted = create(Api(), most)
    refused = create(Api(), [*most, {"custom_id": "one more", "params": {}}])

    assert document(accepted)["request_counts"]["processing"] == 100_000
    assert (refused.status, message(refused)) == (
        400,
        "requests: List should have at most 100000 items after validation, not 100001",
    )


@pytest.mark.parametrize(
    "custom_id", ["a\n", "team:job:42", "file.pdf", "a/b", "a|b", "a b", "é", "٣", "x" * 64]
)
def test_custom_ids(custom_id: str) -> None:
    """Letters, digits, `_` and `-` of ASCII, 64 at most; nothing may follow them."""
    expected = 200 if custom_id == "x" * 64 else 400

    assert create(Api(), [a_request(custom_id)]).status == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("speed", "fast"),
        ("store", True),
        ("previous_thread_event_id", "evt_1"),
        ("cache_hint", {}),
        ("context_hint", {}),
        ("fallbacks", []),
        ("research_preview_2026_02", "active"),
    ],
)
def test_what_a_batch_may_not_use(name: str, value: Any) -> None:
    """6.3, parameter by parameter; a live message may."""
    assert problem(**{name: value}) == f'"{name}" is not supported in the Message Batches API'
    assert call(Api(), "POST", "/v1/messages", a_params(**{name: value})).status == 200


def test_models_may_be_mixed() -> None:
    """6.4: each row is answered by the model it asks for, under its full name."""
    api = Api()
    names = [model.id for model in MODELS if model.lifecycle == "active"]
    submitted = [a_request(name, model=name) for name in names]
    found = by_id(api, an_ended_batch(api, [*submitted, a_request("x", model="claude-haiku-4-5")]))

    assert found.pop("x")["message"]["model"] == "claude-haiku-4-5-20251001"
    assert {name: result["message"]["model"] for name, result in found.items()} == dict(
        zip(names, names, strict=True)
    )


def test_which_models_have_the_longer_output() -> None:
    """6.4, to the model; others refuse it, flag or not."""
    flag = {**HEADERS, "anthropic-beta": "a-1, output-300k-2026-03-24"}
    api = Api()
    submitted = [a_request(model.id, model=model.id, max_tokens=300_000) for model in MODELS]
    found = by_id(api, an_ended_batch(api, submitted, headers=flag))

    assert {name for name, result in found.items() if result["type"] == "succeeded"} == {
        "claude-opus-4-6", "claude-opus-4-7", "claude-opus-4-8", "claude-opus-5", "claude-opus-5-5",
        "claude-sonnet-4-6", "claude-sonnet-5", "claude-sonnet-5-5", "claude-haiku-5-5",
    }  # fmt: skip


def test_a_document_of_the_assistant() -> None:
    """6.5: refused since 2026-10-21, and by the version of the create call alone."""
    said = {"role": "assistant", "content": [{"type": "document", "source": {}}]}
    user = {"role": "user", "content": "hello"}
    api = Api()

    def end(headers: dict[str, str]) -> str:
        submitted = [a_request("a", messages=[user, said, user])]
        kind: str = by_id(api, an_ended_batch(api, submitted, headers=headers))["a"]["type"]
        return kind

    assert (end(OLD), end(HEADERS)) == ("succeeded", "errored")


# Section 8.3: sizes.


@pytest.mark.parametrize("path", ["/v1/messages", COUNT])
def test_the_largest_body_of_a_neighbour(path: str) -> None:
    """Exactly the limit is read; a byte more is 413. The documented limit is 32 MB."""
    api = Api(limits=Limits(message_body_bytes=4_096))
    body = a_params() if path != COUNT else a_params(max_tokens=...)
    body["system"] = "x" * 3_000

    def ask(extra: int) -> Response:
        sent = msgspec.json.encode(body)
        return call(api, "POST", path, sent + b" " * (4_096 - len(sent) + extra))

    assert (ask(0).status, ask(1).status) == (200, 413)
    assert Limits().message_body_bytes == 32 * 2**20


# Section 9: limits.


def test_the_queue_empties_while_a_batch_runs() -> None:
    """A row leaves it when it was worked, not when its batch has ended; nothing is stored."""
    api = Api(faults=[Stall(after_requests=6, lasting=hours(5))], limits=Limits(queued_requests=10))
    a_batch(api, 10)

    full = create(api, requests(6))
    api.clock.sleep(hours(3))
    room = create(api, requests(6))

    assert (full.status, room.status) == (429, 200)
    assert message(full) == (
        "This request would exceed your organization's limit of 10 batch requests in the "
        "processing queue."
    )
    assert len(api.books().batches) == 2


def test_only_batch_calls_count_by_the_minute() -> None:
    """All six of them, also refused ones; the neighbours have limits of their own."""
    api = Api(limits=Limits(requests_per_minute=60))
    batch_id = "msgbatch_01nobody"

    def left() -> str | None:
        return call(api, "GET", "/v1/models").header("anthropic-ratelimit-requests-remaining")

    counted = []
    for method, path, body in CALLS:
        before = left()
        call(api, method, path.replace("ID", batch_id), body)
        counted.append(left() != before)

    assert counted == ["batches" in path for _, path, _ in CALLS]


def test_the_bucket_refills_bit_by_bit() -> None:
    """Not once a minute; a burst is refused although the average is fine."""
    api = Api(limits=Limits(requests_per_minute=60))
    burst = [call(api, "GET", BATCHES).status for _ in range(62)]
    api.clock.sleep(seconds(2))
    later = [call(api, "GET", BATCHES).status for _ in range(3)]

    assert burst == [200] * 60 + [429] * 2
    assert later == [200, 200, 429]


def test_a_batch_may_end_above_a_spend_limit() -> None:
    """9.2: it was accepted, so it is worked and billed whole."""
    limit = Decimal("0.0000001")
    api = Api(limits=Limits(tier_spend_usd=limit))
    batch_id = an_ended_batch(api, 50)

    assert api.meter.billed_usd > limit
    assert {result["type"] for result in by_id(api, batch_id).values()} == {"succeeded"}


# Section 10: what is billed.


@pytest.mark.parametrize(("said", "billed"), [("", False), ("I was about to", True)])
def test_a_refusal_is_billed_once_there_was_output(said: str, billed: bool) -> None:  # noqa: FBT001
    """In a batch."""
    api = Api(responder=FromCallable(lambda _: Said(said, stop_reason="refusal")))
    batch_id = an_ended_batch(api, 1)

    assert by_id(api, batch_id)["row-0"]["message"]["stop_reason"] == "refusal"
    assert (api.meter.billed_usd > 0) is billed


# Section 11: messages.

WORDS: list[tuple[dict[str, Any], str]] = [
    ({"thinking": {}}, "thinking.type: Field required"),
    (
        {"thinking": {"type": "sometimes"}},
        "thinking.type: Input should be 'adaptive', 'between_tools', 'disabled' or 'enabled'",
    ),
    (
        {"thinking": {"type": "adaptive", "display": "loud"}},
        "thinking.display: Input should be 'summarized' or 'omitted'",
    ),
    (
        {"output_config": {"effort": "huge"}},
        "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'",
    ),
    ({"cache_control": 7}, "cache_control: Input should be a valid dictionary"),
    ({"cache_control": {"ttl": "1h"}}, "cache_control.type: Input should be 'ephemeral'"),
    (
        {"cache_control": {"type": "ephemeral", "ttl": "2h"}},
        "cache_control.ttl: Input should be '5m' or '1h'",
    ),
    (
        {"system": [{"type": "text", "text": "x", "cache_control": {"type": "eternal"}}]},
        "system.0.cache_control.type: Input should be 'ephemeral'",
    ),
    (
        {"tools": [{"name": "a"}, {"name": "b", "cache_control": {"type": "e"}}]},
        "tools.1.cache_control.type: Input should be 'ephemeral'",
    ),
    (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "x", "cache_control": []}],
                }
            ]
        },
        "messages.0.content.0.cache_control: Input should be a valid dictionary",
    ),
    (
        {"messages": [{"role": "user", "content": "x"}] * 100_001},
        "messages: List should have at most 100000 items after validation, not 100001",
    ),
]


@pytest.mark.parametrize(("changes", "expected"), WORDS, ids=range(len(WORDS)))
def test_settings_that_take_one_of_a_few_words(changes: dict[str, Any], expected: str) -> None:
    """In a row, in a live message and in a count."""
    live = call(Api(), "POST", "/v1/messages", a_params(**changes))
    count = call(Api(), "POST", COUNT, a_params(max_tokens=..., **changes))

    assert problem(**changes) == expected
    assert [(reply.status, message(reply)) for reply in (live, count)] == [(400, expected)] * 2


def test_a_tier_of_service() -> None:
    """11.1: asked for as `auto` or `standard_only`; the reply of a batch says `batch`."""
    for tier in ("auto", "standard_only", None):
        assert row(service_tier=tier)["message"]["usage"]["service_tier"] == "batch"

    assert problem(service_tier="fast") == "service_tier: Input should be 'auto' or 'standard_only'"


@pytest.mark.parametrize("effort", ["low", "medium", "high", "xhigh", "max", None])
def test_the_words_that_are_known(effort: str | None) -> None:
    """All of them are accepted, with marks of both lives."""
    marks = [
        {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": ttl}}
        for ttl in ("5m", "1h", None)
    ]
    thinking = {"type": "adaptive", "display": "summarized"}

    assert not problem(output_config={"effort": effort}, system=marks, thinking=thinking)


@pytest.mark.parametrize("stop_reason", get_args(StopReason))
def test_every_stop_reason_is_a_succeeded_row(stop_reason: str) -> None:
    """11.2; `stop_details` only for a refusal."""
    api = Api(responder=FromCallable(lambda _: Said("so far", stop_reason=stop_reason)))
    result = by_id(api, an_ended_batch(api, 1))["row-0"]

    assert (result["type"], result["message"]["stop_reason"]) == ("succeeded", stop_reason)
    assert (result["message"]["stop_details"] is None) == (stop_reason != "refusal")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"tools": [{"name": f"t{place}", "strict": True} for place in range(21)]},
            "Schema is too complex for compilation.",
        ),
        ({"tools": [{"name": f"t{place}", "strict": True} for place in range(20)]}, ""),
        (
            {
                "model": "claude-haiku-4-5",
                "messages": [
                    {"role": "user", "content": "x"},
                    {"role": "assistant", "content": "{"},
                ],
                "output_config": {"format": FORMAT},
            },
            "output_config.format: not supported together with assistant message prefill",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "document", "source": {}, "citations": {"enabled": True}}
                        ],
                    }
                ],
                "output_config": {"format": FORMAT},
            },
            "output_config.format: not supported together with citations",
        ),
    ],
)
def test_what_structured_outputs_do_not_go_with(changes: dict[str, Any], expected: str) -> None:
    """11.4."""
    assert problem(**changes) == expected


def test_the_older_way_to_ask_for_a_structured_output() -> None:
    """`output_format`, with its beta flag in the older lines of the client."""
    told = row(output_format=FORMAT)["message"]["content"][0]["text"]

    assert re.fullmatch(r'\{"age":\d+\}', told)
    assert problem(output_format={"type": "xml"}).startswith("output_config.format.type")


# Section 12: counting and models.


def test_earlier_thoughts_are_not_counted() -> None:
    """12.1: neither by the count nor in what is billed."""
    thoughts = [
        {"type": "thinking", "thinking": "long " * 500, "signature": "x" * 500},
        {"type": "redacted_thinking", "data": "y" * 500},
    ]
    said = {"type": "text", "text": "yes"}

    def counted(content: list[dict[str, Any]]) -> int:
        turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": content}]
        body = a_params(max_tokens=..., messages=[*turns, {"role": "user", "content": "go on"}])
        number: int = document(call(Api(), "POST", COUNT, body))["input_tokens"]
        return number

    assert counted([*thoughts, said]) == counted([said])


def test_the_models_that_the_official_client_names() -> None:
    """All of them, but for two whose price nobody has published."""
    literal = next(part for part in get_args(Model) if get_args(part))
    named = set(get_args(literal))

    assert {name for name in named if find_model(name) is None} <= {
        "claude-mythos-5-2",
        "claude-mythos-preview",
    }
    assert len(named) > 15


# All sections: the official client's own types, checked as it never does itself.


def test_every_object_fits_the_types_of_the_official_client() -> None:
    """The client builds its objects unchecked; here pydantic checks each of them."""
    api = Api(faults=[RowsErrored(share=0.3), Stall(after_share=0.7, lasting=hours(30))])
    tool = {"name": "look", "input_schema": SCHEMA}
    submitted = [
        *requests(60),
        a_request("thinks", thinking={"type": "adaptive"}),
        a_request("calls", tools=[tool], tool_choice={"type": "any"}),
        a_request("wrong", max_tokens=0),
    ]
    batch_id = a_batch(api, submitted)
    running = retrieve(api, batch_id)
    api.clock.sleep(hours(24))
    rows = [
        MessageBatchIndividualResponse.model_validate({"custom_id": name, "result": result})
        for name, result in by_id(api, batch_id).items()
    ]
    canceled = Api()
    canceled_id = canceling(canceled)
    canceled.clock.sleep(hours(1))
    others = [
        MessageBatchIndividualResponse.model_validate({"custom_id": name, "result": result})
        for name, result in by_id(canceled, canceled_id).items()
    ]

    assert {one.result.type for one in rows + others} == {
        "succeeded", "errored", "canceled", "expired"
    }  # fmt: skip
    for reply in (running, retrieve(api, batch_id), retrieve(canceled, canceled_id)):
        MessageBatch.model_validate(document(reply))
    for live in (a_params(), a_params(thinking={"type": "adaptive"})):
        Message.model_validate(document(call(api, "POST", "/v1/messages", live)))
    everything = document(call(api, "GET", "/v1/models", query=[("limit", "1000")]))["data"]
    assert [ModelInfo.model_validate(one).id for one in everything]
    ErrorResponse.model_validate(document(retrieve(api, "nobody")))
    removed = call(api, "DELETE", f"{BATCHES}/{batch_id}")
    assert DeletedMessageBatch.model_validate(document(removed)).id == batch_id


def test_header_names_are_lower_case_over_a_socket() -> None:
    """As the real service writes them."""
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    with Server(Api()) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                f"GET {BATCHES} HTTP/1.1\r\n{head}connection: close\r\n\r\n".encode()
            )
            received = b""
            while piece := connection.recv(65_536):
                received += piece
    lines = received.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    names = [line.partition(b":")[0] for line in lines]

    assert {b"request-id", b"anthropic-organization-id", b"transfer-encoding"} <= set(names)
    assert [name.lower() for name in names] == names
