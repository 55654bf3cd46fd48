"""The raw results, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, pairwise

import anthropic
import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from controls.core.results import (
    DownloadBroke,
    problem_of,
    seconds_of,
    split_parts,
    stream_lines,
)
from simulator import Api, Endpoint
from simulator.faults import BrokenLines, Overloaded
from tests.controls.builders import a_client
from tests.simulator.builders import a_batch, an_ended_batch, requests

MARK = b"\xef\xbb\xbf"
SOUP = st.lists(
    st.sampled_from([b"a", b"bc", b"\n", b"\r\n", b" ", b"\t", b"\xe2\x80\xa8", b"\x85", MARK])
).map(b"".join)


def whole(data: bytes) -> list[bytes]:
    """What the lines are, said in the simplest way."""
    lines = (line.strip(b"\r \t") for line in data.removeprefix(MARK).split(b"\n"))
    return [line for line in lines if line]


@settings(max_examples=300)
@given(SOUP | st.binary(max_size=200), st.lists(st.integers(0, 200)), st.booleans())
@example(MARK + b"a\n", [1, 2], True)
@example(MARK, [1], False)
@example(b"", [0, 0], True)
def test_any_chunking_gives_the_lines_of_the_whole(
    data: bytes,
    cuts: list[int],
    marked: bool,  # noqa: FBT001 - Hypothesis passes by position
) -> None:
    """Cut anywhere, also inside a mark, a line end or a character, and with empty pieces."""
    data = MARK + data if marked else data
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]

    assert whole(data) == list(chain.from_iterable(split_parts(iter(pieces))))


def test_only_a_newline_ends_a_line() -> None:
    """Python's `splitlines` knows ten more line ends, which may stand inside JSON strings."""
    line = '{"text":"one\u2028two\u2029three\x0cfour\x85five"}'.encode()

    assert len(line.decode().splitlines()) > 1

    assert [[line, line]] == list(split_parts(iter([line + b"\n" + line + b"\n"])))


def test_a_huge_line_in_small_pieces_takes_no_time() -> None:
    """16 MiB in 4,096 pieces: each byte is copied once, not once per piece."""
    piece = b"x" * 4_096

    ((line,),) = split_parts(iter([piece] * 4_096))

    assert 2**24 == len(line)


def test_lines_are_delivered_as_they_come() -> None:
    """What is complete is not held back until the end."""

    def pieces() -> Iterator[bytes]:
        yield b"one\ntw"
        raise ConnectionError

    lines = split_parts(pieces())

    assert [b"one"] == next(lines)
    with pytest.raises(ConnectionError):
        next(lines)


def test_the_lines_of_a_batch_are_those_of_its_file() -> None:
    """Through the official client, broken lines included: 10 requests, 10 lines."""
    api = Api(faults=[BrokenLines(2)])
    batch_id = an_ended_batch(api, 10)

    assert 10 == len(list(stream_lines(a_client(api), batch_id)))


def test_results_are_not_in_order_of_the_requests() -> None:
    """Seed 003 joins by position; the service shuffles, so nearly every row would be wrong."""
    api = Api()
    batch_id = an_ended_batch(api, requests(50))
    client = a_client(api)

    seen = [
        line.split(b'"custom_id":"')[1].split(b'"')[0].decode()
        for line in stream_lines(client, batch_id)
    ]
    by_position = dict(zip((f"row-{place}" for place in range(50)), seen, strict=True))

    assert sum(asked != got for asked, got in by_position.items()) > 25

    assert {f"row-{place}" for place in range(50)} == set(seen)


def test_a_foreign_results_url_is_not_followed() -> None:
    """The client would send the key to whatever host the batch names; the reader asks ours."""
    asked: list[str] = []

    def bend(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        asked.append(str(request.url))
        return response

    api = Api()
    batch_id = an_ended_batch(api)
    list(stream_lines(a_client(api, bend), batch_id))

    assert [f"http://simulator.invalid/v1/messages/batches/{batch_id}/results"] == asked


@pytest.mark.parametrize(
    ("api", "problem"),
    [
        (Api(), "HTTP 404 not_found_error"),
        (Api(faults=[Overloaded(on=Endpoint.RESULTS)]), "HTTP 529 overloaded_error"),
    ],
)
def test_a_refused_download_says_why(api: Api, problem: str) -> None:
    """Not ended yet, or overloaded: no lines, and a reason without the body."""
    with pytest.raises(DownloadBroke) as caught:
        list(stream_lines(a_client(api), a_batch(api)))

    assert problem == str(caught.value)


def test_a_wrong_encoding_says_why() -> None:
    """A body that is not the gzip that it says it is."""

    def bend(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if not request.url.path.endswith("/results"):
            return response
        stream = httpx2.ByteStream(b"this is no gzip")
        headers = {"content-encoding": "gzip"}
        return httpx2.Response(200, stream=stream, headers=headers, request=request)

    api = Api()
    batch_id = an_ended_batch(api)

    with pytest.raises(DownloadBroke, match="DecodingError"):
        list(stream_lines(a_client(api, bend), batch_id))


def test_a_reader_that_stops_early_closes_the_response() -> None:
    """Nothing stays open, and nothing is raised."""
    closed: list[bool] = []

    class Body(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield b"one\ntwo\n"

        def close(self) -> None:
            closed.append(True)

    def bend(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        return httpx2.Response(200, stream=Body(), request=request)

    lines = stream_lines(a_client(Api(), bend), "msgbatch_1")
    assert isinstance(lines, Iterator)
    assert b"one" == next(lines)
    lines.close()  # type: ignore[attr-defined] # it is a generator

    assert [True] == closed


def test_a_problem_is_told_without_the_body() -> None:
    """Bodies may quote rows; alerts go to people and chats."""
    request = httpx2.Request("GET", "http://simulator.invalid")
    body = {"error": {"type": "api_error", "message": "secret"}}
    response = httpx2.Response(500, json=body, request=request)
    known = anthropic.APIStatusError("secret", response=response, body=body)
    unknown = anthropic.APIStatusError("secret", response=response, body=None)

    assert ["HTTP 500 api_error", "HTTP 500", "ValueError"] == [
        problem_of(error) for error in (known, unknown, ValueError("secret"))
    ]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, 0.0),
        ("30", 30.0),
        ("2.5", 2.5),
        ("0", 0.0),
        ("-7", 0.0),
        ("Fri, 20 Nov 2026 09:02:00 GMT", 120.0),
        ("Fri, 20 Nov 2026 08:00:00 GMT", 0.0),
        ("inf", 0.0),
        ("nan", 0.0),
        ("soon", 0.0),
        ("", 0.0),
    ],
)
def test_every_form_of_retry_after_is_read(header: str | None, expected: float) -> None:
    """Seconds, a fraction, a date; whatever asks for nothing sensible asks for nothing."""
    assert expected == seconds_of(header, datetime(2026, 11, 20, 9, tzinfo=UTC))
