"""The results file of a batch: its lines, in pieces, made as they are taken (contract 7)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from random import Random
from typing import Any, Final

import msgspec

from simulator.books import RequestBook
from simulator.errors import ApiError
from simulator.faults.seams import Line, Reshape
from simulator.special import PLAIN, Special

PIECE_BYTES: Final = 64 * 1024
"""One send for each row would be four to five times slower (measured)."""

ROW_ERROR_DETAILS: Final = {"error_visibility": "user_facing"}
ROWS_A_PIECE: Final = 128
"""About 100 KB at the usual size of a row."""
REFUSAL: Final = {"type": "refusal", "category": None, "explanation": None}
_NON_ASCII: Final = re.compile("[^\x00-\x7f]+")
_ENCODE: Final = msgspec.json.Encoder().encode


def shuffled(rows: Sequence[RequestBook], dice: Random) -> list[int]:
    """The positions of the requests, in an order that means nothing."""
    order = list(range(len(rows)))
    dice.shuffle(order)
    return order


def lines_of(order: Iterable[int], rows: Sequence[RequestBook]) -> list[Line]:
    """One line for each request, for faults to bend."""
    return [Line(rows[row].custom_id, row) for row in order]


def pieces(lines: Iterable[Line], rows: Sequence[RequestBook]) -> Iterator[bytes]:
    """The file, in pieces of at least 64 KiB, the last one excepted."""
    piece = bytearray()
    for line in lines:
        start = len(piece)
        piece += whole_line(line.custom_id, rows[line.row])
        if line.spoil is not None:
            piece[start:] = line.spoil(bytes(piece[start:]))
        piece += line.end
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


def whole_line(custom_id: str, row: RequestBook) -> bytes:
    """One line, without its end."""
    return b'{"custom_id":"%b","result":%b}' % (custom_id.encode("ascii"), result_json(row))


def straight(
    order: Sequence[int],
    rows: Sequence[RequestBook],
    finish: Callable[[bytes], bytes] | None = None,
) -> Iterator[bytes]:
    """The same file where no fault bends it: a whole piece is made at a time."""
    for start in range(0, len(order), ROWS_A_PIECE):
        chosen = [rows[row] for row in order[start : start + ROWS_A_PIECE]]
        lines = [
            whole_line(row.custom_id, row)
            if row.result or row.outcome != "succeeded" or not row.sent_text
            else _usual_line(row.model, row.stop_reason, row.inference_geo)
            % (
                row.custom_id.encode(),
                row.message_id.encode(),
                encode_text(row.sent_text),
                row.input_tokens,
                row.output_tokens,
            )
            for row in chosen
        ]
        if finish is not None:
            lines = [finish(line) for line in lines]
        lines.append(b"")
        yield b"\n".join(lines)


def finisher(*, escape: bool, leave_out: bool) -> Callable[[bytes], bytes] | None:
    """What is done to every line by choice (contract 17)."""
    if not (escape or leave_out):
        return None

    def finish(line: bytes) -> bytes:
        if leave_out:
            for key in (b'"container":null,', b'"diagnostics":null,'):
                head, _, tail = line.rpartition(key)
                line = head + tail
        return line if not escape else _NON_ASCII.sub(_escaped, line.decode()).encode("ascii")

    return finish


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


def result_json(row: RequestBook) -> bytes:
    """The `result` of one line (contract 7.2)."""
    if row.result:
        return row.result
    if row.outcome == "succeeded":
        return _succeeded(row)
    if row.outcome == "errored":
        error = ApiError(0, row.error_type, row.error_message, ROW_ERROR_DETAILS)
        envelope = error.envelope(row.error_request_id)
        return _ENCODE({"type": "errored", "error": envelope})
    return b'{"type":"%b"}' % row.outcome.encode("ascii")


def reshaped(row: RequestBook, changes: Sequence[Reshape]) -> bytes:
    """The `result` of one line, its message or its error edited."""
    result = msgspec.json.decode(result_json(row))
    for change in changes:
        change(result["message" if row.outcome == "succeeded" else "error"])
    return _ENCODE(result)


def message(
    *,
    model: str,
    message_id: str,
    text: str,
    stop_reason: str,
    usage: dict[str, Any],
    special: Special = PLAIN,
) -> dict[str, Any]:
    """A message object, key order as on the wire (contract 7.2 and 11.3)."""
    return {
        "model": model,
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "content": _content(text, special),
        "container": None,
        "stop_reason": stop_reason,
        "stop_sequence": special.stop_sequence,
        "stop_details": REFUSAL if stop_reason == "refusal" else None,
        "diagnostics": None,
        "usage": usage,
    }


def _content(text: str, special: Special) -> list[dict[str, Any]]:
    """The blocks: thinking comes before the text, a tool call after it."""
    blocks: list[dict[str, Any]] = []
    if special.thinking is not None:
        blocks.append(special.thinking.to_wire())
    if text:
        blocks.append({"type": "text", "text": text})
    if special.tool_use is not None:
        blocks.append(special.tool_use)
    return blocks


def usage(
    input_tokens: int,
    output_tokens: int,
    *,
    service_tier: str,
    inference_geo: str,
    special: Special = PLAIN,
) -> dict[str, Any]:
    """A usage object (contract 11.3)."""
    cached = special.cached
    document = {
        "input_tokens": input_tokens,
        "cache_creation_input_tokens": cached.written_5m + cached.written_1h,
        "cache_read_input_tokens": cached.read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": cached.written_5m,
            "ephemeral_1h_input_tokens": cached.written_1h,
        },
        "output_tokens": output_tokens,
        "service_tier": service_tier,
        "inference_geo": inference_geo,
    }
    if special.thinking is not None:
        document["output_tokens_details"] = {"thinking_tokens": special.thinking.tokens}
    return document


def special_result(row: RequestBook, special: Special) -> bytes:
    """The `result` of a succeeded row that has more than a text."""
    used = usage(
        row.input_tokens,
        row.output_tokens,
        service_tier="batch",
        inference_geo=row.inference_geo,
        special=special,
    )
    document = message(
        model=row.model,
        message_id=row.message_id,
        text=clean(row.sent_text),
        stop_reason=row.stop_reason,
        usage=used,
        special=special,
    )
    return _ENCODE({"type": "succeeded", "message": document})


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


@cache
def _usual_line(model: str, stop_reason: str, inference_geo: str) -> bytes:
    """The line of a row with a text and nothing special, all written out but what differs."""
    known = (model.encode(), b"%b", b'[{"type":"text","text":%b}]', stop_reason.encode())
    template = _SUCCEEDED.replace(b"%d", b"%b") % (*known, b"%d", b"%d", inference_geo.encode())
    return b'{"custom_id":"%b","result":' + template + b"}"


def encode_text(text: str) -> bytes:
    """A text as JSON; a responder's stray surrogate becomes a question mark, as UTF-8 must."""
    try:
        return _ENCODE(text)
    except UnicodeEncodeError:
        return _ENCODE(clean(text))


def clean(text: str) -> str:
    """The text, without what UTF-8 cannot say."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text
