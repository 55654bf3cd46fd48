"""The checklist for a fake, line by line; each docstring is the line."""

from __future__ import annotations

import re
import tracemalloc
from datetime import datetime, timedelta
from typing import Any

import anthropic
import httpx2

from simulator import Api, Limits, PollClock, days, hours, seconds
from simulator.asgi import Server
from simulator.faults import LostReply, Overloaded, Stall
from simulator.intake import Intake
from tests.simulator.builders import (
    HEADERS,
    a_batch,
    a_request,
    an_ended_batch,
    by_id,
    call,
    create,
    document,
    lines,
    message,
    requests,
    results,
    retrieve,
)
from tests.simulator.fidelity import holds

BATCHES = "/v1/messages/batches"
OLD = {**HEADERS, "anthropic-version": "2023-06-01"}
KEYS = [
    "id", "type", "processing_status", "request_counts", "ended_at", "created_at", "expires_at",
    "archived_at", "cancel_initiated_at", "results_url",
]  # fmt: skip


@holds(
    "credentials",
    real="`x-api-key` or `Authorization: Bearer`; no beta flag needed",
    source="DOC, EXP",
    confidence="A",
)
def test_01_both_credentials() -> None:
    """Accept `Authorization: Bearer` and `x-api-key`; reject neither-present with 401;
    never require `anthropic-beta`."""
    version = {"anthropic-version": "2026-10-21"}

    bearer = call(Api(), "GET", BATCHES, headers=version | {"authorization": "Bearer k"})
    key = call(Api(), "GET", BATCHES, headers=version | {"x-api-key": "k"})
    neither = call(Api(), "GET", BATCHES, headers=version)

    assert [reply.status for reply in (bearer, key, neither)] == [200, 200, 401]
    assert document(neither)["error"]["type"] == "authentication_error"


@holds(
    "API versions",
    real="2026-10-21 refuses sampling parameters, documents of the assistant, user citations",
    source="DOC migration",
    confidence="B",
    ours="the same, as errored rows",
)
def test_02_both_versions() -> None:
    """Accept both API versions; apply 6.5 for `2026-10-21`."""
    cited = {"type": "text", "text": "x", "citations": [{"type": "char_location"}]}
    user = {"role": "user", "content": "x"}
    said = {"role": "assistant", "content": [{"type": "document", "source": {}}]}
    submitted = [
        a_request("temperature", model="claude-haiku-4-5", temperature=0.5),
        a_request("top_p", top_p=1),
        a_request("top_k", top_k=0),
        a_request("cited", messages=[{"role": "user", "content": [cited]}]),
        a_request("document", messages=[user, said, user]),
    ]
    api = Api()

    old = by_id(api, an_ended_batch(api, submitted, headers=OLD))
    new = by_id(api, an_ended_batch(api, submitted))

    assert {result["type"] for result in old.values()} == {"succeeded"}
    assert {result["type"] for result in new.values()} == {"errored"}
    assert {result["error"]["error"]["type"] for result in new.values()} == {
        "invalid_request_error"
    }


@holds(
    "create",
    real="200 with ten keys, microseconds, `+00:00`, `expires_at` 24 h later to the microsecond",
    source="REC26, OAS",
    confidence="A",
)
def test_03_create() -> None:
    """Create returns 200 with ten keys, in the order of 4.1, `+00:00` microsecond timestamps,
    `expires_at` exactly 24 h later."""
    response = create(Api(), requests(2))
    batch = document(response)

    assert response.status == 200
    assert KEYS == list(batch)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", batch["created_at"])
    created, expires = map(datetime.fromisoformat, (batch["created_at"], batch["expires_at"]))
    assert hours(24) == expires - created
    assert re.fullmatch("msgbatch_01[1-9A-HJ-NP-Za-km-z]{22}", batch["id"])


@holds(
    "validation",
    real="the envelope at create, atomically; what is under `params` later, row by row",
    source="DOC, CAP26",
    confidence="A",
)
def test_04_validation() -> None:
    """Envelope validation as 6.1, atomic (nothing stored on 400); params validation as 6.2."""
    api = Api()

    refused = create(api, [a_request("fine"), a_request("not fine")])
    nothing = document(call(api, "GET", BATCHES))["data"]
    batch_id = an_ended_batch(api, [a_request("typo", max_tokens=0), a_request("fine")])

    assert refused.status == 400
    assert message(refused) == (
        "requests.1.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"
    )
    assert nothing == []
    error = by_id(api, batch_id)["typo"]["error"]["error"]
    assert error["message"] == "max_tokens: must be greater than or equal to 1"


@holds(
    "counts",
    real="all in `processing` until the batch has ended",
    source="SDK, OAS, REC",
    confidence="A",
)
def test_05_counts() -> None:
    """All counts in `processing` until the end; sum invariant at all times."""
    api = Api()
    batch_id = a_batch(api, 50)
    seen: list[dict[str, int]] = []
    while not seen or seen[-1]["processing"]:
        api.clock.sleep(seconds(5))
        seen.append(document(retrieve(api, batch_id))["request_counts"])

    assert {sum(counts.values()) for counts in seen} == {50}
    assert [50] * (len(seen) - 1) + [0] == [counts["processing"] for counts in seen]
    assert len(seen) > 10


@holds(
    "polling hint",
    real="`retry-after: 10` on the 200 of an unfinished retrieve",
    source="REC25, REC26",
    confidence="A",
)
def test_06_polling_hint() -> None:
    """`retry-after: 10` on 200 of unfinished batches; none on ended ones."""
    api = Api()
    created = create(api, requests(1))
    batch_id = document(created)["id"]

    unfinished = retrieve(api, batch_id).header("retry-after")
    api.clock.sleep(hours(24))

    assert (unfinished, retrieve(api, batch_id).header("retry-after")) == ("10", None)
    assert created.header("retry-after") is None


@holds(
    "`results_url`",
    real="null, then the service's own host",
    source="SDK, REC26",
    confidence="A",
    ours="built from the client's `Host`, so that no key leaves for the real service",
)
def test_07_results_url() -> None:
    """`results_url` null before the end, and built from the client's `Host` afterwards."""
    api = Api()
    batch_id = a_batch(api)

    before = document(retrieve(api, batch_id))["results_url"]
    api.clock.sleep(hours(24))
    headers = {**HEADERS, "host": "proxy.test:8443"}
    after = document(retrieve(api, batch_id, headers=headers))["results_url"]

    assert before is None
    assert after == f"http://proxy.test:8443{BATCHES}/{batch_id}/results"


@holds(
    "results",
    real="chunked JSON Lines in any order, one for each request; 404 before the end",
    source="REC26, CAP26, OAS",
    confidence="A",
    ours="the same, in a seeded order that stays",
)
def test_08_results() -> None:
    """Results: `application/x-jsonl`, chunked, one row per request, shuffled, newline at the end,
    before the end 404 + `x-should-retry: false`."""
    api = Api()
    batch_id = a_batch(api, 40)
    early = results(api, batch_id)
    api.clock.sleep(hours(24))
    reply = results(api, batch_id)
    body = reply.read()
    headers = {name: value for name, value in HEADERS.items() if name != "host"}
    with Server(api) as server:
        sent = httpx2.get(f"{server.url}{BATCHES}/{batch_id}/results", headers=headers)
    submitted = [f"row-{place}" for place in range(40)]
    found = [line["custom_id"] for line in lines(api, batch_id)]

    assert (early.status, early.header("x-should-retry")) == (404, "false")
    assert message(early) == f"Message Batch {batch_id} has no available results."
    assert reply.header("content-type") == "application/x-jsonl"
    assert "content-length" not in sent.headers
    assert (sent.headers["transfer-encoding"], sent.content) == ("chunked", body)
    assert body.endswith(b"\n")
    assert sorted(submitted) == sorted(found)
    assert submitted != found
    assert body == results(api, batch_id).read()


@holds(
    "errored rows",
    real="`result.error` is a whole envelope: the type stands at `result.error.error.type`",
    source="SDK, CAP26",
    confidence="A",
)
def test_09_two_level_error() -> None:
    """Errored rows have the two-level error."""
    api = Api()
    batch_id = an_ended_batch(api, [a_request("bad", model="claude-does-not-exist-9")])

    assert by_id(api, batch_id)["bad"] == {
        "type": "errored",
        "error": {
            "type": "error",
            "error": {
                "details": {"error_visibility": "user_facing"},
                "type": "not_found_error",
                "message": "model: claude-does-not-exist-9",
            },
            "request_id": None,
        },
    }


@holds(
    "cancel, delete, expiry",
    real="through `canceling`; delete of ended ones only; 24 h; results for 29 days",
    source="DOC, REC25, CAP26",
    confidence="B",
)
def test_10_cancel_delete_expiry() -> None:
    """Cancel, delete and expiry as 5.3; deterministic clock that tests can advance by 24 h and
    29 days."""
    api = Api()
    batch_id = a_batch(api, 3)
    path = f"{BATCHES}/{batch_id}"

    refused = call(api, "DELETE", path)
    canceling = document(call(api, "POST", f"{path}/cancel"))
    api.clock.sleep(hours(24))
    ended = document(retrieve(api, batch_id))
    api.clock.sleep(days(28))
    archived = document(retrieve(api, batch_id))
    gone = results(api, batch_id)

    assert refused.status == 400
    assert canceling["processing_status"] == "canceling"
    assert (canceling["ended_at"], canceling["results_url"]) == (None, None)
    assert ended["request_counts"]["canceled"] == 3
    assert (archived["processing_status"], archived["results_url"]) == ("ended", None)
    assert archived["archived_at"] is not None
    assert gone.status == 404
    assert document(call(api, "DELETE", path)) == {"id": batch_id, "type": "message_batch_deleted"}
    assert retrieve(api, batch_id).status == 404

    late = Api(faults=[Stall(after_requests=1, lasting=hours(30))])
    expiring = a_batch(late, 3)
    late.clock.sleep(hours(24) - timedelta(microseconds=1))
    running = document(retrieve(late, expiring))["processing_status"]
    late.clock.sleep(timedelta(microseconds=1))
    over = document(retrieve(late, expiring))
    assert (running, over["processing_status"]) == ("in_progress", "ended")
    assert (over["request_counts"]["succeeded"], over["request_counts"]["expired"]) == (1, 2)
    assert over["ended_at"] == over["expires_at"]


@holds(
    "list",
    real="newest first, cursors both ways, `has_more` in the direction of paging",
    source="OAS, REC25, SDK",
    confidence="A",
)
def test_11_list() -> None:
    """List: newest first, cursors, `has_more`, nulls on empty."""
    api = Api()
    empty = document(call(api, "GET", BATCHES))
    ids = [a_batch(api, 1) for _ in range(5)][::-1]

    def page(**query: Any) -> tuple[list[str], bool]:
        asked = [(name, str(value)) for name, value in query.items()]
        shown = document(call(api, "GET", BATCHES, query=asked))
        return [batch["id"] for batch in shown["data"]], shown["has_more"]

    assert empty == {"data": [], "has_more": False, "first_id": None, "last_id": None}
    assert page(limit=2) == (ids[:2], True)
    assert page(limit=2, after_id=ids[1]) == (ids[2:4], True)
    assert page(limit=2, after_id=ids[3]) == (ids[4:], False)
    assert page(limit=2, before_id=ids[3]) == (ids[1:3], True)
    assert page(limit=2, before_id=ids[2]) == (ids[:2], False)


@holds(
    "request ids",
    real="`request-id` on every reply, the same in the body of an error",
    source="REC26, DOC",
    confidence="A",
)
def test_12_request_id() -> None:
    """`request-id` on every reply, equal to `request_id` in error bodies;
    `anthropic-organization-id`."""
    api = Api()
    batch_id = an_ended_batch(api)
    fine = [call(api, "GET", BATCHES), retrieve(api, batch_id), results(api, batch_id)]
    wrong = [
        retrieve(api, "msgbatch_01nobody"),
        create(api, []),
        call(api, "PUT", BATCHES),
        call(api, "GET", "/nowhere"),
        call(api, "GET", BATCHES, headers={}),
    ]
    ids = [reply.header("request-id") for reply in fine + wrong]

    assert None not in ids
    assert len(set(ids)) == len(ids)
    assert [document(reply)["request_id"] for reply in wrong] == ids[len(fine) :]
    organizations = {reply.header("anthropic-organization-id") for reply in fine + wrong[:3]}
    (organization,) = organizations
    assert re.fullmatch("[0-9a-f-]{36}", organization or "")


@holds(
    "what is ignored",
    real="`?beta=true`, unknown headers, `accept`",
    source="EXP",
    confidence="A",
)
def test_13_ignored() -> None:
    """Ignore `?beta=true`, ignore unknown headers, ignore `accept`."""
    api = Api()
    batch_id = an_ended_batch(api)
    strange = {**HEADERS, "accept": "application/binary", "x-unknown": "1", "range": "bytes=0-1"}

    reply = results(api, batch_id, headers=strange, query=[("beta", "true"), ("foo", "bar")])

    assert reply.status == 200
    assert reply.header("content-type") == "application/x-jsonl"


@holds(
    "size",
    real="256 MB for a create, 413 beyond",
    source="DOC errors",
    confidence="B",
    ours="256 MiB of the decoded body, read while it arrives: little more than the body is kept "
    "(in full size: `test_size.py`)",
)
def test_14_size() -> None:
    """Body of 256 MB can be uploaded without the fake exhausting memory (stream to disk),
    413 beyond."""
    limits = Limits(batch_body_bytes=8 * 2**20)
    row = b'{"custom_id":"row-%06d","params":{"x":"' + b"y" * 8_000 + b'"}}'
    body = b'{"requests":[' + b",".join(row % place for place in range(1_000)) + b"]}"
    tracemalloc.start()
    intake = Intake(limits)
    for start in range(0, len(body), 65_536):
        intake.feed(body[start : start + 65_536])
    prepared = intake.finish()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert prepared is not None
    assert (len(prepared.requests), prepared.refusal) == (1_000, None)
    assert peak < 1.5 * len(body)

    too_much = Intake(limits)
    for _ in range(200):
        too_much.feed(b"x" * 65_536)
    refused = too_much.finish()
    assert refused is not None
    assert refused.refusal is not None
    assert refused.refusal.status == 413


@holds(
    "rate limits",
    real="a bucket over all batch endpoints and a bound on queued requests, by tier",
    source="DOC rate-limits",
    confidence="B",
    ours="the same when switched on; the text for a full queue is ours",
)
def test_15_rate_limits() -> None:
    """RPM bucket and queue limit can be switched on; 429 with `retry-after`."""
    slow = Api(limits=Limits(requests_per_minute=1))
    full = Api(limits=Limits(queued_requests=3))

    limited = [call(slow, "GET", BATCHES) for _ in range(2)][1]
    queued = [create(full, requests(2)) for _ in range(2)]
    full.clock.sleep(hours(24))
    again = create(full, requests(2))

    assert (limited.status, queued[1].status) == (429, 429)
    assert int(limited.header("retry-after") or 0) > 0
    assert int(queued[1].header("retry-after") or 0) > 0
    assert (queued[0].status, again.status) == (200, 200)


@holds(
    "faults",
    real="its incidents, at times nobody can choose",
    source="ISS",
    confidence="A",
    ours="selectable, seeded, counted and in the history",
)
def test_16_faults() -> None:
    """Faults of section 15 selectable, seeded, recorded in a request log
    (with `x-stainless-retry-count`)."""

    def statuses(seed: int) -> list[int]:
        api = Api(seed=seed, faults=[Overloaded(share=0.5)])
        return [call(api, "GET", BATCHES).status for _ in range(40)]

    api = Api(faults=[LostReply()])
    create(api, requests(1), headers={**HEADERS, "x-stainless-retry-count": "1"})
    (seen,) = api.history

    assert statuses(1) == statuses(1) != statuses(2)
    assert set(statuses(1)) == {200, 529}
    assert (seen.retry_count, seen.struck_by, seen.cut) == (1, "LostReply", "lost")


@holds(
    "the official client",
    real="create, poll, results, list, cancel, delete",
    source="SDK",
    confidence="A",
    ours="the same; other lines of the client in environments of their own (tests/sdk)",
)
def test_17_golden() -> None:
    """Golden test: official SDK 0.x, 1.x and 2.x all run create → poll → results → delete
    against it without special cases."""
    with Server(Api(clock=PollClock())) as server:
        with anthropic.Anthropic(api_key="k", base_url=server.url, max_retries=0) as client:
            batches = client.messages.batches
            batch = batches.create(requests=requests(3))  # type: ignore[arg-type]
            while batches.retrieve(batch.id).processing_status != "ended":
                pass
            rows = list(batches.results(batch.id))
            deleted = batches.delete(batch.id)
        status = httpx2.get(
            f"{server.url}{BATCHES}/{batch.id}",
            headers={"x-api-key": "k", "anthropic-version": "2023-06-01"},
        ).status_code

    assert {row.result.type for row in rows} == {"succeeded"}
    assert (deleted.id, status) == (batch.id, 404)
