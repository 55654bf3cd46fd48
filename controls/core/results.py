"""The raw results of a batch, line by line, through the official client.

The client's own iterator builds a typed object per row and dies on one bad line. This reader asks
for the raw stream and splits on newline only: Unicode has other line ends, and they may stand
inside JSON strings. It never follows `results_url`, which could name a foreign host.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anthropic
from anthropic import APIResponse

RAW = {"X-Stainless-Raw-Response": "stream", "Accept": "application/binary"}
"""What the client's `with_streaming_response` adds to a call."""


BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class _Raw(APIResponse[bytes]):
    """The open response; the client wants a class of its own for it."""


class DownloadBroke(Exception):  # noqa: N818 - it names what happened
    """The stream ended before its end; what was complete has been delivered."""


def stream_lines(client: anthropic.Anthropic, batch_id: str) -> Iterator[bytes]:
    """Every non-empty line of a batch's results; raises what `stream_parts` raises."""
    with closing(stream_parts(client, batch_id)) as parts:
        for lines in parts:
            yield from lines


def stream_parts(client: anthropic.Anthropic, batch_id: str) -> Generator[list[bytes], None, None]:
    """Every non-empty line of a batch's results: those that each piece of the stream completes.

    Raises:
        DownloadBroke: the connection failed or the service refused; say why and read again.
    """
    try:
        response = client.get(
            f"/v1/messages/batches/{batch_id}/results",
            cast_to=_Raw,
            options={"headers": RAW, "max_retries": 0, "follow_redirects": False},
        )
    except anthropic.AnthropicError as error:
        raise DownloadBroke(problem_of(error)) from error
    try:
        yield from split_parts(response.iter_bytes())
    except GeneratorExit:
        raise
    except Exception as error:
        raise DownloadBroke(problem_of(error)) from error
    finally:
        response.close()


def split_parts(pieces: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Lines without their newline, in lists as they come; blank lines and a byte order mark are
    dropped."""
    held: list[bytes] = []
    mark = BYTE_ORDER_MARK
    for piece in pieces:
        head, *lines = piece.split(b"\n")
        held.append(head)
        if not lines:
            continue
        lines.insert(0, b"".join(held).removeprefix(mark))
        mark = b""
        held = [lines.pop()]
        yield [stripped for line in lines if (stripped := line.strip(b"\r \t"))]
    if stripped := b"".join(held).removeprefix(mark).strip(b"\r \t"):
        yield [stripped]


def problem_of(error: Exception) -> str:
    """One clause about a failed call, without the body it may quote."""
    if isinstance(error, anthropic.APIStatusError):
        kind = getattr(error, "type", None)  # the client has it since 0.87
        return f"HTTP {error.status_code} {kind or ''}".strip()
    return type(error).__name__


def told_to_wait(error: Exception, now: datetime) -> float:
    """How many seconds the service asked us to wait before another try; 0 if it did not."""
    if not isinstance(error, anthropic.APIStatusError):
        return 0.0
    return seconds_of(error.response.headers.get("retry-after"), now)


def seconds_of(header: str | None, now: datetime) -> float:
    """What `retry-after` asks for: seconds or a date (RFC 9110, 10.2.3); 0 for anything else."""
    if header is None:
        return 0.0
    try:
        wait = float(header)
    except ValueError:
        wait = _seconds_until(header, now)
    return wait if 0 < wait < float("inf") else 0.0


def _seconds_until(date: str, now: datetime) -> float:
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return 0.0
    return ((then if then.tzinfo else then.replace(tzinfo=UTC)) - now).total_seconds()
