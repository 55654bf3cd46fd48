"""A batch that is too large for memory lies in a temporary file, and nobody can tell."""

from __future__ import annotations

import errno
import gc
import json
from collections.abc import Callable, Iterator
from io import FileIO
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec import Raw, structs

from simulator import Api, Choices, FromCallable, Limits, Order, Request, intake, shelf
from simulator.faults import RowsErrored, RowsMissing
from simulator.intake import Intake
from simulator.shelf import Blocks, Shelf, open_files
from simulator.validation import Prepared
from tests.simulator.builders import DAY, HEADERS, call, requests

BATCHES: Final = "/v1/messages/batches"
EMPTY: Final = Raw(b"{}")
COUNT: Final = 1_200


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """So that small bodies are shelved, and no file is left over."""
    monkeypatch.setattr(intake, "PART_BYTES", 2_000)
    monkeypatch.setattr(intake, "SHELF_BYTES", 10_000)
    gc.collect()
    before = open_files()
    yield
    gc.collect()
    assert before == open_files()


def a_body() -> bytes:
    """A create body."""
    return json.dumps({"requests": requests(COUNT)}, separators=(",", ":")).encode()


def taken(body: bytes) -> Prepared:
    """A body as it comes over a socket."""
    sink = Intake(Limits())
    for start in range(0, len(body), 700):
        sink.feed(body[start : start + 700])
    return sink.finish() or sink.read_slowly()


def get(api: Api, path: str) -> bytes:
    """The body of a reply."""
    response = call(api, "GET", path)
    assert 200 == response.status, response.read()
    return response.read()


def worked(prepared: Prepared, **settings: Any) -> tuple[Api, str]:
    """A service with one batch that has ended, and the path of the batch."""
    api = Api(seed=3, **settings)
    head = Request(method="POST", path=BATCHES, headers=HEADERS, prepared=prepared, decoded=True)
    made = json.loads(api.handle(head).read())
    api.clock.sleep(DAY)
    return api, f"{BATCHES}/{made['id']}"


def seen(prepared: Prepared, **settings: Any) -> list[object]:
    """All that a caller and a witness get to see."""
    api, path = worked(prepared, **settings)
    told: list[object] = [get(api, path), get(api, f"{path}/results"), get(api, f"{path}/results")]
    books = api.books()
    told += [books.billed_usd, books.batches, books.firings]
    told += [(bytes(row.params), structs.replace(row, params=EMPTY)) for row in books.requests]
    return told


def in_memory(prepared: Prepared) -> Prepared:
    """The same requests, without a file."""
    return structs.replace(prepared, requests=list(prepared.requests))


SETTINGS: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "plain": dict,
    "submitted": lambda: {"choices": Choices(results_order=Order.SUBMITTED)},
    "escaped": lambda: {"choices": Choices(escape_results=True)},
    "reshuffled": lambda: {"choices": Choices(results_order=Order.RESHUFFLED)},
    "errors": lambda: {"faults": [RowsErrored(0.1, custom_ids=("row-7", "row-900"))]},
    "bent": lambda: {"faults": [RowsMissing(0.1)]},
    "surrogates": lambda: {"responder": FromCallable(lambda _: "a\ud800b")},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_file_changes_no_byte(name: str) -> None:
    """Batch, downloads, bill, firings and books are the same as from memory."""
    prepared = taken(a_body())
    assert isinstance(prepared.requests, Shelf)

    assert seen(in_memory(prepared), **SETTINGS[name]()) == seen(prepared, **SETTINGS[name]())


def test_a_fault_may_come_after_the_file_was_written() -> None:
    """The download is bent all the same, and whole again without the fault."""
    api, path = worked(taken(a_body()))
    whole = get(api, f"{path}/results")
    api.plan.add(RowsMissing(0.1))
    bent = get(api, f"{path}/results")
    api.plan.replace(())

    assert COUNT == whole.count(b"\n") > bent.count(b"\n")
    assert whole == get(api, f"{path}/results")


def test_files_go_with_what_they_hold() -> None:
    """Requests when they are worked, results with their batch, all of it at a reset."""
    before = open_files()
    prepared = taken(a_body())
    assert before + 1 == open_files()
    api, path = worked(prepared)
    del prepared
    get(api, path)
    assert before + 2 == open_files()
    call(api, "DELETE", path)
    assert before + 1 == open_files()
    assert COUNT == len(api.books().requests)
    api.reset()
    assert before == open_files()


def test_a_refused_body_leaves_no_file() -> None:
    """Neither does one that turns out to be unreadable late."""
    before = open_files()
    broken = taken(a_body()[:-2] + b",7]}")
    twice = taken(a_body()[:-2] + b"," + a_body()[13:])

    assert "requests.1200" in str(broken.refusal)
    assert "Duplicate custom_id found: row-0" in str(twice.refusal)
    assert before == open_files()


@pytest.mark.parametrize("written", [-1, 0, 3, 20])
def test_a_full_disk_changes_nothing(
    written: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has no room stays in memory; -1: no file can be had at all."""
    expected = seen(taken(a_body()))
    left, names = [written], count()

    class Disk(FileIO):
        """A file of so many writes, the last one cut short."""

        def write(self, data: Any, /) -> int:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(memoryview(data)[: max(len(data) // 2, 1)])

    def make(**_: object) -> FileIO:
        if written < 0:
            raise OSError(errno.EROFS, "Read-only file system")
        return Disk(tmp_path / str(next(names)), "w+")

    monkeypatch.setattr(shelf, "TemporaryFile", make)
    assert expected == seen(taken(a_body()))


def test_files_are_not_opened_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number, blocks stay in memory."""
    monkeypatch.setattr(shelf, "FILES_AT_MOST", open_files() + 2)
    kept = [Blocks() for _ in range(5)]
    for number, blocks in enumerate(kept):
        blocks.add(bytes([number]))

    assert shelf.FILES_AT_MOST == open_files()
    assert [[b"\0"], [b"\1"], [b"\2"], [b"\3"], [b"\4"]] == [list(blocks) for blocks in kept]


def test_a_shelf_is_a_list() -> None:
    """Positions, slices, and the end."""
    numbers: Shelf[int] = Shelf(list)
    numbers.add(b"\1\2\3", 3)
    numbers.add(b"\4", 1)
    numbers.add(b"\5\6", 2)

    assert [1, 2, 3, 4, 5, 6] == list(numbers)
    assert [1, 4, 6] == [numbers[0], numbers[3], numbers[-1]]
    assert [2, 4, 6] == numbers[1::2]
    with pytest.raises(IndexError):
        numbers[6]
