"""A create body that is read while it arrives is read like one that is read whole."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from simulator import Limits, intake
from simulator.intake import Intake
from simulator.validation import Prepared, prepare
from tests.simulator.builders import a_request, requests

LIMITS: Final = Limits(batch_body_bytes=100_000, requests_per_batch=60)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that small bodies are cut often."""
    monkeypatch.setattr(intake, "PART_BYTES", 200)


def taken(body: bytes, piece_bytes: int = 70) -> Prepared:
    """The body, in pieces."""
    sink = Intake(LIMITS)
    for start in range(0, len(body), piece_bytes):
        sink.feed(body[start : start + piece_bytes])
    return sink.finish() or sink.read_slowly()


def same(body: bytes, piece_bytes: int = 70) -> Prepared:
    """The same requests, or the same refusal, either way."""
    whole, pieces = prepare(body, LIMITS), taken(body, piece_bytes)
    assert whole.refusal == pieces.refusal
    assert (whole.digest, whole.size) == (pieces.digest, pieces.size)
    assert [(one.custom_id, bytes(one.params)) for one in whole.requests] == [
        (one.custom_id, bytes(one.params)) for one in pieces.requests
    ]
    return pieces


NESTED: Final = [{"custom_id": "x"}, {"custom_id": "y", "params": {}}]
ROWS: Final[list[list[Any]]] = [
    requests(40),
    requests(1),
    requests(61),
    requests(400),
    [],
    [a_request("naïve"), *requests(30)],
    [*requests(30), a_request("row-3")],
    [*requests(30), {"custom_id": "a"}],
    [*requests(30), a_request("a") | {"more": 1}],
    [*requests(30), 7],
    requests(30, messages=[{"role": "user", "content": ',{"custom_id":"a"},{"custom_id":'}]),
    requests(30, metadata=NESTED, tools=NESTED),
    requests(30, messages=[{"role": "user", "content": "naïve \u2028 😀" * 9}]),
    [{"params": one["params"], "custom_id": one["custom_id"]} for one in requests(40)],
]


@pytest.mark.parametrize("rows", ROWS, ids=range(len(ROWS)))
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_layouts(rows: list[Any], indent: int | None, *, ascii_only: bool) -> None:
    """Compact or spacious, escaped or not, either key first."""
    body = json.dumps({"requests": rows}, indent=indent, ensure_ascii=ascii_only).encode()
    compact = json.dumps({"requests": rows}, separators=(",", ":")).encode()

    same(body)
    same(compact, 1_000)


@pytest.mark.parametrize(
    "tail", [b"", b"]", b"]}}", b'],"more":1}', b'],"requests":[]}', b",]}", b"]}\n \n", b"]} x"]
)
def test_ends(tail: bytes) -> None:
    """What comes after the last request counts too."""
    body = json.dumps({"requests": requests(30)}, separators=(",", ":")).encode()

    same(body[:-2] + tail)


def test_most_of_a_large_body_is_never_read_twice() -> None:
    """The usual layout needs no second look."""
    sink = Intake(LIMITS)
    sink.feed(json.dumps({"requests": requests(50)}, separators=(",", ":")).encode())

    assert sink.finish() is not None


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(place=some.integers(0, 3_000), junk=some.binary(max_size=6), size=some.integers(1, 400))
def test_damage(place: int, junk: bytes, size: int) -> None:
    """Bytes that were lost or replaced on the way give the same verdict."""
    body = json.dumps({"requests": requests(25)}, separators=(",", ":")).encode()
    broken = body[:place] + junk + body[place + len(junk) :]
    whole, pieces = prepare(broken, LIMITS), taken(broken, size)

    assert (whole.refusal is None) is (pieces.refusal is None)
    assert len(whole.requests) == len(pieces.requests)
