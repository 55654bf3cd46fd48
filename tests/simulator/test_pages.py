"""Lists with cursors."""

from __future__ import annotations

from typing import Any

import pytest

from simulator import Api
from tests.simulator.builders import a_batch, call, document, message


def page(api: Api, path: str = "/v1/messages/batches", **query: object) -> Any:
    """One page."""
    return document(
        call(api, "GET", path, query=[(name, str(value)) for name, value in query.items()])
    )


def ids(page_: Any) -> list[str]:
    """The ids on a page."""
    return [item["id"] for item in page_["data"]]


@pytest.fixture
def api() -> Api:
    """25 batches."""
    api = Api()
    for _ in range(25):
        a_batch(api, 1)
    return api


def test_an_empty_list() -> None:
    """All four keys, and nulls."""
    expected = {"data": [], "has_more": False, "first_id": None, "last_id": None}
    empty = page(Api())

    assert expected == empty
    assert list(expected) == list(empty)


def test_the_newest_come_first_twenty_at_a_time(api: Api) -> None:
    """The default page, and its cursors."""
    newest = [batch.id for batch in reversed(api.books().batches)]

    first = page(api)

    assert newest[:20] == ids(first)
    assert (True, newest[0], newest[19]) == (
        first["has_more"],
        first["first_id"],
        first["last_id"],
    )


def test_after_id_goes_on(api: Api) -> None:
    """Pages follow each other without a gap, until there is no more."""
    newest = [batch.id for batch in reversed(api.books().batches)]

    second = page(api, limit=10, after_id=newest[9])
    third = page(api, limit=10, after_id=second["last_id"])
    beyond = page(api, after_id=newest[-1])

    assert (newest[10:20], True) == (ids(second), second["has_more"])
    assert (newest[20:], False) == (ids(third), third["has_more"])
    assert (ids(beyond), beyond["has_more"]) == ([], False)


def test_before_id_gives_the_nearest_newest_first(api: Api) -> None:
    """`has_more` is about the direction being paged."""
    newest = [batch.id for batch in reversed(api.books().batches)]

    near = page(api, limit=5, before_id=newest[10])
    rest = page(api, limit=5, before_id=newest[5])

    assert (newest[5:10], True) == (ids(near), near["has_more"])
    assert (newest[:5], False) == (ids(rest), rest["has_more"])


def test_one_at_a_time(api: Api) -> None:
    """`first_id` equals `last_id`."""
    single = page(api, limit=1, beta="true")

    assert single["first_id"] == single["last_id"] == ids(single)[0]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"limit": 0}, "limit: Input should be greater than or equal to 1"),
        ({"limit": 1001}, "limit: Input should be less than or equal to 1000"),
        (
            {"limit": "x"},
            "limit: Input should be a valid integer, unable to parse string as an integer",
        ),
        ({"limit": "9" * 5000}, "limit: Input should be a valid integer, unable to parse"),
        ({"after_id": "a", "before_id": "b"}, "Only one of after_id and before_id may be given"),
        ({"after_id": "nope"}, "after_id: nope was not found"),
        ({"before_id": "nope"}, "before_id: nope was not found"),
    ],
)
def test_bad_pages_are_refused(query: dict[str, Any], expected: str) -> None:
    """400, and which parameter it is."""
    response = call(
        Api(), "GET", "/v1/messages/batches", query=[(k, str(v)) for k, v in query.items()]
    )

    assert response.status == 400
    assert message(response).startswith(expected)


def test_models_are_a_list_too() -> None:
    """The same pages, newest first."""
    first = page(Api(), "/v1/models", limit=3)
    rest = page(Api(), "/v1/models", limit=1000, after_id=first["last_id"])

    assert len(first["data"]) == 3
    assert first["has_more"]
    assert not set(ids(first)) & set(ids(rest))
