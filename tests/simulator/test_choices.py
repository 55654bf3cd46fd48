"""What nobody has documented: one test for each point, with its switch where it has one."""

from __future__ import annotations

import msgspec
import pytest

from simulator import Api, Choices, Limits, Order, SimulatorError, days, hours, seconds
from tests.simulator.builders import (
    HEADERS,
    a_batch,
    a_request,
    an_ended_batch,
    call,
    create,
    document,
    lines,
    message,
    requests,
    results,
    retrieve,
)
from tests.simulator.fidelity import PAGE, chooses

BATCHES = "/v1/messages/batches"
KEYS = {"a": "wrkspc_01A", "b": "wrkspc_01B"}


def as_key(key: str, **more: str) -> dict[str, str]:
    """The headers of a caller."""
    return {**HEADERS, "authorization": f"Bearer {key}", **more}


@chooses(
    "cancel of a `canceling` or `ended` batch", ours="200, unchanged", switch="refuse_late_cancel"
)
def test_a_late_cancel() -> None:
    """200 and the same object, or 400."""
    for choices, expected in ((Choices(), 200), (Choices(refuse_late_cancel=True), 400)):
        api = Api(choices=choices)
        path = f"{BATCHES}/{a_batch(api)}/cancel"
        first = call(api, "POST", path)
        second = call(api, "POST", path)
        api.clock.sleep(hours(24))
        third = call(api, "POST", path, b"{}")

        assert [first.status, second.status, third.status] == [200, expected, expected]


@chooses("delete while `canceling`", ours="400 as in progress")
def test_delete_while_canceling() -> None:
    """The same words."""
    api = Api()
    path = f"{BATCHES}/{a_batch(api)}"
    call(api, "POST", f"{path}/cancel")

    refused = call(api, "DELETE", path)

    assert refused.status == 400
    assert message(refused) == (
        "In progress batches cannot be deleted. Consider canceling the batch instead."
    )


@chooses("a deleted batch, one of another workspace, a malformed id", ours="404, as if unknown")
def test_what_cannot_be_seen() -> None:
    """Nobody can tell which it is."""
    api = Api(keys=KEYS)
    mine = an_ended_batch(api, headers=as_key("a"))
    deleted = an_ended_batch(api, headers=as_key("a"))
    call(api, "DELETE", f"{BATCHES}/{deleted}", headers=as_key("a"))
    replies = {
        mine: retrieve(api, mine, headers=as_key("b")),
        deleted: retrieve(api, deleted, headers=as_key("a")),
        "nonsense": retrieve(api, "nonsense", headers=as_key("a")),
    }

    for batch_id, reply in replies.items():
        assert (reply.status, message(reply)) == (404, f"Message Batch {batch_id} not found.")
    assert document(call(api, "GET", BATCHES, headers=as_key("b")))["data"] == []


@chooses("when params are checked", ours="by the worker: an errored row, seen at the end alone")
def test_when_params_are_checked() -> None:
    """The create call succeeds, and nothing shows before the batch has ended."""
    api = Api()
    batch_id = a_batch(api, [a_request("a", max_tokens=0), a_request("b", messages=...)])
    early = document(retrieve(api, batch_id))["request_counts"]
    api.clock.sleep(hours(24))

    assert (early["processing"], early["errored"]) == (2, 0)
    assert document(retrieve(api, batch_id))["request_counts"]["errored"] == 2


@chooses("texts for a full queue and for too many requests", ours="as in the form of others")
def test_the_words_of_what_is_too_much() -> None:
    """429 and 400."""
    queue, many = Api(limits=Limits(queued_requests=1)), Api(limits=Limits(requests_per_batch=1))
    full, long = create(queue, requests(2)), create(many, requests(2))

    assert (full.status, message(full)) == (
        429,
        (
            "This request would exceed your organization's limit of 1 batch requests in the "
            "processing queue."
        ),
    )
    assert (long.status, message(long)) == (
        400,
        "requests: List should have at most 1 items after validation, not 2",
    )


@chooses("results after archive", ours="404, `results_url` null", switch="keep_archived_url")
def test_after_archive() -> None:
    """404 in both cases; the URL may stay."""
    for choices, kept in ((Choices(), False), (Choices(keep_archived_url=True), True)):
        api = Api(choices=choices)
        batch_id = an_ended_batch(api, after=days(29))
        batch = document(retrieve(api, batch_id))

        assert (batch["results_url"] is not None) is kept
        assert batch["archived_at"][:10] == "2026-12-19"
        assert results(api, batch_id).status == 404


@chooses("`retry-after` while `canceling`", ours="10", switch="hint_while_canceling")
def test_the_hint_while_canceling() -> None:
    """There, or not."""
    for choices, expected in ((Choices(), "10"), (Choices(hint_while_canceling=False), None)):
        api = Api(choices=choices)
        batch_id = a_batch(api)
        running = retrieve(api, batch_id).header("retry-after")
        call(api, "POST", f"{BATCHES}/{batch_id}/cancel")

        assert (running, retrieve(api, batch_id).header("retry-after")) == ("10", expected)


@chooses("partial counts", ours="off", switch="drain_counts")
def test_counts_can_drain() -> None:
    """They only fall, and their sum stays."""
    api = Api(choices=Choices(drain_counts=True))
    batch_id = a_batch(api, 100)
    seen = []
    for _ in range(400):
        seen.append(document(retrieve(api, batch_id))["request_counts"])
        api.clock.sleep(seconds(5))
    left = [counts["processing"] for counts in seen]

    assert sorted(left, reverse=True) == left
    assert len(set(left)) > 10
    assert {sum(counts.values()) for counts in seen} == {100}


@chooses("`limit` out of range, both cursors", ours="400")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ([("limit", "1001")], "limit: Input should be less than or equal to 1000"),
        ([("limit", "0")], "limit: Input should be greater than or equal to 1"),
        (
            [("after_id", "a"), ("before_id", "b")],
            "Only one of after_id and before_id may be given",
        ),
    ],
)
def test_a_list_that_cannot_be(query: list[tuple[str, str]], expected: str) -> None:
    """400 with the reason."""
    refused = call(Api(), "GET", BATCHES, query=query)

    assert (refused.status, message(refused)) == (400, expected)


@chooses("an unknown cursor", ours="400", switch="unknown_cursor_is_empty")
def test_an_unknown_cursor() -> None:
    """400, or an empty page."""
    query = [("after_id", "msgbatch_01nobody")]
    lenient = call(Api(choices=Choices(unknown_cursor_is_empty=True)), "GET", BATCHES, query=query)

    assert call(Api(), "GET", BATCHES, query=query).status == 400
    assert document(lenient)["data"] == []


@chooses("a wrong method, an unknown path", ours="405, 404; the message names the nearest route")
def test_wrong_calls() -> None:
    """In the envelope of errors, also without a key; the history says the same."""
    api = Api()
    wrong, unknown = call(api, "PATCH", BATCHES), call(api, "GET", "/v1/nothing", headers={})

    assert (wrong.status, unknown.status) == (405, 404)
    assert document(wrong)["error"]["type"] == "invalid_request_error"
    assert document(unknown) == {
        "type": "error",
        "error": {"type": "not_found_error", "message": message(unknown)},
        "request_id": unknown.header("request-id"),
    }
    assert message(wrong) == f"No route for PATCH {BATCHES}. This path takes POST and GET."
    assert message(unknown) == (
        "No route for GET /v1/nothing. Nearest: GET /v1/models; "
        "part 2 of the path is 'nothing' and not 'models'."
    )
    assert [seen.no_route for seen in api.history] == [message(wrong), message(unknown)]


@chooses("the order of results", ours="a seeded shuffle that stays", switch="results_order")
def test_the_order_of_results() -> None:
    """Stable, fresh each time, or as submitted."""

    def twice(order: Order) -> list[list[str]]:
        api = Api(choices=Choices(results_order=order))
        batch_id = an_ended_batch(api, 30)
        return [[line["custom_id"] for line in lines(api, batch_id)] for _ in range(2)]

    stable, fresh, straight = map(twice, Order)

    assert stable[0] == stable[1] != straight[0]
    assert fresh[0] != fresh[1]
    assert straight[0] == [f"row-{place}" for place in range(30)]


@chooses("an idempotency key", ours="ignored")
def test_an_idempotency_key() -> None:
    """Two creates are two batches."""
    api = Api()
    for _ in range(2):
        create(api, requests(1), headers={**HEADERS, "idempotency-key": "same"})

    assert len(api.books().batches) == 2


@chooses("overload in the worker", ours="invisible", switch="overloaded_share")
def test_some_rows_end_overloaded() -> None:
    """A share of them, not billed."""
    api = Api(choices=Choices(overloaded_share=0.2))
    an_ended_batch(api, 500)
    books = api.books()
    struck = [book for book in books.requests if book.error_type == "overloaded_error"]

    assert 60 < len(struck) < 140
    assert not any(book.billed_picodollars for book in struck)


@chooses("non-ASCII in results", ours="UTF-8 as it is", switch="escape_results")
def test_results_can_be_escaped() -> None:
    """The same text either way."""
    said = "naïve \u2028 😀"
    submitted = [a_request("a", messages=[{"role": "user", "content": said}])]
    for choices, ascii_only in ((Choices(), False), (Choices(escape_results=True), True)):
        api = Api(choices=choices)
        body = results(api, an_ended_batch(api, submitted)).read()

        assert body.isascii() is ascii_only
        assert msgspec.json.decode(body)["result"]["message"]["content"][0]["text"] == said


@chooses("`container` and `diagnostics`", ours="present, null", switch="leave_out_optional_keys")
def test_optional_keys_can_be_left_out() -> None:
    """Null, or not there; nothing else changes."""
    choices = Choices(leave_out_optional_keys=True)
    full, short = (
        lines(api, an_ended_batch(api, 1))[0]["result"]["message"]
        for api in (Api(), Api(choices=choices))
    )

    assert full.keys() - short.keys() == {"container", "diagnostics"}
    assert {name: full[name] for name in short} == short


@chooses("256 MB", ours="256 * 2**20 bytes of the decoded body")
def test_what_a_megabyte_is() -> None:
    """A number of the contract, in one place."""
    assert Limits().batch_body_bytes == 268_435_456


@pytest.mark.parametrize("settings", [{"overloaded_share": 1.5}, {"least_cached_tokens": -1}])
def test_choices_that_cannot_be(settings: dict[str, int]) -> None:
    """Refused where they are written."""
    with pytest.raises(SimulatorError):
        Choices(**settings)  # type: ignore[arg-type]


def test_the_fidelity_page_is_current() -> None:
    """`python -m tests.simulator.fidelity > docs/fidelity.md` has been run."""
    from tests.simulator import fidelity, test_conformance  # noqa: F401, PLC0415

    assert PAGE.read_text("utf-8") == fidelity.render()
