"""What a create call refuses at once, in the words of the service."""

from __future__ import annotations

from typing import Any

import pytest

from simulator import Api, Limits
from tests.simulator.builders import a_params, a_request, call, create, document, message, requests

BAD_ID = "String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"
CREATE = "/v1/messages/batches"

BAD_REQUESTS: list[tuple[Any, str]] = [
    (a_request("team:job:42"), f"requests.0.custom_id: {BAD_ID}"),
    (a_request("a/b"), f"requests.0.custom_id: {BAD_ID}"),
    (a_request("row-1\n"), f"requests.0.custom_id: {BAD_ID}"),
    (a_request("é"), f"requests.0.custom_id: {BAD_ID}"),
    (a_request("x" * 65), "requests.0.custom_id: String should have at most 64 characters"),
    (a_request(""), "requests.0.custom_id: String should have at least 1 character"),
    ({"params": a_params()}, "requests.0.custom_id: Field required"),
    ({"custom_id": 7, "params": {}}, "requests.0.custom_id: Input should be a valid string"),
    ({"custom_id": "a"}, "requests.0.params: Field required"),
    ({"custom_id": "a", "params": []}, "requests.0.params: Input should be a valid dictionary"),
    ({"custom_id": "a", "params": None}, "requests.0.params: Input should be a valid dictionary"),
    (a_request("a") | {"foo": 1}, "requests.0.foo: Extra inputs are not permitted"),
    ("a", "requests.0: Input should be a valid dictionary"),
]


@pytest.mark.parametrize(("request_", "expected"), BAD_REQUESTS)
def test_a_bad_request_refuses_the_whole_call(request_: Any, expected: str) -> None:
    """400 with the place and the reason, and nothing is stored."""
    api = Api()

    response = create(api, [request_, a_request("fine")])

    assert response.status == 400
    assert document(response)["error"]["type"] == "invalid_request_error"
    assert expected == message(response)
    assert api.books().batches == ()


def test_the_place_counts_from_zero() -> None:
    """`requests.N` points into the list that was sent."""
    response = create(Api(), [a_request("a"), a_request("b"), a_request("c d")])

    assert f"requests.2.custom_id: {BAD_ID}" == message(response)


def test_ids_are_unique() -> None:
    """A duplicate is named."""
    response = create(Api(), [a_request("dup"), a_request("other"), a_request("dup")])

    expected = "requests: custom_id's must be unique within a batch. Duplicate custom_id found: dup"
    assert expected == message(response)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"requests": []}, "requests: List should have at least 1 item after validation, not 0"),
        ({}, "requests: Field required"),
        ({"requests": {}}, "requests: Input should be a valid list"),
        ({"requests": [a_request()], "foo": 1}, "foo: Extra inputs are not permitted"),
        ([], "Input should be a valid dictionary"),
    ],
)
def test_the_envelope_is_closed(body: Any, expected: str) -> None:
    """Missing, mistyped and unknown keys at the top."""
    assert expected == message(call(Api(), "POST", CREATE, body))


def test_a_batch_has_a_largest_size() -> None:
    """100,000 by the contract; the number in the text is the one in force."""
    response = create(Api(limits=Limits(requests_per_batch=2)), requests(3))

    expected = "requests: List should have at most 2 items after validation, not 3"
    assert expected == message(response)


def test_a_body_has_a_largest_size() -> None:
    """413 in the envelope of errors."""
    response = create(Api(limits=Limits(batch_body_bytes=100)), requests(3))

    assert response.status == 413
    assert document(response)["error"]["type"] == "request_too_large"


HOSTILE = {
    "empty": b"",
    "not json": b"nope",
    "truncated": b'{"requests": [',
    "not utf-8": b'{"requests": [{"custom_id": "a", "params": {"model": "\xff"}}]}',
    "utf-8 cut at the end": b'{"requests": [{"custom_id": "a", "params": {}}]} "\xc3',
    "lone surrogate": b'{"requests": [{"custom_id": "\\ud800", "params": {}}]}',
    "deep": b'{"requests": ' + b"[" * 200_000,
    "deep params": b'{"requests":[{"custom_id":"a","params":'
    + b"[" * 200_000
    + b"]" * 200_000
    + b"}]}",
    "nan": b'{"requests": NaN}',
    "huge number": b'{"requests": ' + b"9" * 100_000 + b"}",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bodies_are_refused_and_do_no_harm(body: bytes) -> None:
    """Whatever comes, the answer is a 400 that says it is no JSON, or what is wrong."""
    response = call(Api(), "POST", CREATE, body)

    assert response.status == 400
    assert document(response)["error"]["type"] == "invalid_request_error"


def test_a_body_that_is_no_json_says_so() -> None:
    """The captured text, and then the reason."""
    response = call(Api(), "POST", CREATE, b"nope")

    assert message(response).startswith("The request body is not valid JSON: ")


def test_utf8_is_checked_across_pieces() -> None:
    """A letter that lies across two pieces of the check is no error; a broken one is."""
    padding = "é" * (2**20 // 2)
    fine = [a_request("a", messages=[{"role": "user", "content": f"x{padding}"}])]

    assert create(Api(), fine).status == 200


def test_params_are_not_looked_at() -> None:
    """A typo in `params` is found by the worker, much later."""
    assert create(Api(), [{"custom_id": "a", "params": {"modle": 1}}]).status == 200
