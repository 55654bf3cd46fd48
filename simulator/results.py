"""The results file of a batch: its lines, in pieces, made as they are taken (contract 7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final

import msgspec

from simulator.books import RequestBook
from simulator.errors import ApiError
from simulator.faults.results_file import Line

PIECE_BYTES: Final = 64 * 1024
"""One send for each row would be four to five times slower (measured)."""

ROW_ERROR_DETAILS: Final = {"error_visibility": "user_facing"}
_ENCODE: Final = msgspec.json.Encoder().encode


def shuffled(rows: Sequence[RequestBook], dice: Random) -> list[Line]:
    """One line for each request, in an order that means nothing."""
    order = list(range(len(rows)))
    dice.shuffle(order)
    return [Line(rows[row].custom_id, row) for row in order]


def pieces(lines: Sequence[Line], rows: Sequence[RequestBook]) -> Iterator[bytes]:
    """The file, in pieces of at least 64 KiB, the last one excepted."""
    piece = bytearray()
    for line in lines:
        start = len(piece)
        piece += b'{"custom_id":"'
        piece += line.custom_id.encode("ascii")
        piece += b'","result":'
        piece += result_json(rows[line.row])
        piece += b"}"
        if line.spoil is not None:
            piece[start:] = line.spoil(bytes(piece[start:]))
        piece += b"\n"
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


def result_json(row: RequestBook) -> bytes:
    """The `result` of one line (contract 7.2)."""
    if row.outcome == "succeeded":
        return _succeeded(row)
    if row.outcome == "errored":
        error = ApiError(0, row.error_type, row.error_message, ROW_ERROR_DETAILS)
        envelope = error.envelope(row.error_request_id)
        return _ENCODE({"type": "errored", "error": envelope})
    return b'{"type":"%b"}' % row.outcome.encode("ascii")


def message(
    *,
    model: str,
    message_id: str,
    text: str,
    stop_reason: str,
    usage: dict[str, Any],
) -> dict[str, Any]:
    """A message object, key order as on the wire (contract 7.2 and 11.3)."""
    return {
        "model": model,
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": text}] if text else [],
        "container": None,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "stop_details": None,
        "diagnostics": None,
        "usage": usage,
    }


def usage(
    input_tokens: int, output_tokens: int, *, service_tier: str, inference_geo: str
) -> dict[str, Any]:
    """A usage object (contract 11.3); nothing here is ever cached."""
    return {
        "input_tokens": input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output_tokens,
        "service_tier": service_tier,
        "inference_geo": inference_geo,
    }


_SUCCEEDED: Final = (
    b'{"type":"succeeded","message":{"model":"%b","id":"%b","type":"message",'
    b'"role":"assistant","content":%b,"container":null,"stop_reason":"%b",'
    b'"stop_sequence":null,"stop_details":null,"diagnostics":null,"usage":{"input_tokens":%d,'
    b'"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":'
    b'{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":%d,'
    b'"service_tier":"batch","inference_geo":"%b"}}}'
)
"""The same as `message`, written out: several times faster, and a test holds them together."""


def _succeeded(row: RequestBook) -> bytes:
    text = row.sent_text
    content = b'[{"type":"text","text":%b}]' % encode_text(text) if text else b"[]"
    return _SUCCEEDED % (
        row.model.encode(),
        row.message_id.encode(),
        content,
        row.stop_reason.encode(),
        row.input_tokens,
        row.output_tokens,
        row.inference_geo.encode(),
    )


def encode_text(text: str) -> bytes:
    """A text as JSON; a responder's stray surrogate becomes a question mark, as UTF-8 must."""
    try:
        return _ENCODE(text)
    except UnicodeEncodeError:
        return _ENCODE(text.encode("utf-8", "replace").decode("utf-8"))
