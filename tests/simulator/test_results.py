"""The results file, to the byte."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from simulator import Api, FromCallable, Said
from simulator.books import RequestBook
from simulator.faults.results_file import Line
from simulator.results import PIECE_BYTES, message, pieces, result_json, usage
from tests.simulator.builders import a_request, an_ended_batch, by_id, requests, results


def a_row(**changes: Any) -> RequestBook:
    """A succeeded row."""
    settings: dict[str, Any] = {
        "batch_id": "b",
        "custom_id": "row-0",
        "params": msgspec.Raw(b"{}"),
        "outcome": "succeeded",
        "text": "Lisbon",
        "sent_text": "Lisbon",
        "model": "claude-haiku-5-5",
        "message_id": "msg_01Zx",
        "stop_reason": "end_turn",
        "input_tokens": 21,
        "output_tokens": 4,
    }
    return RequestBook(**settings | changes)


def test_a_succeeded_row_to_the_byte() -> None:
    """Contract 7.2, key order and all."""
    expected = (
        b'{"type":"succeeded","message":{"model":"claude-haiku-5-5","id":"msg_01Zx",'
        b'"type":"message","role":"assistant","content":[{"type":"text","text":"Lisbon"}],'
        b'"container":null,"stop_reason":"end_turn","stop_sequence":null,"stop_details":null,'
        b'"diagnostics":null,"usage":{"input_tokens":21,"cache_creation_input_tokens":0,'
        b'"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":0,'
        b'"ephemeral_1h_input_tokens":0},"output_tokens":4,"service_tier":"batch",'
        b'"inference_geo":"not_available"}}}'
    )

    assert expected == result_json(a_row())


@pytest.mark.parametrize("text", ["Lisbon", "", 'say "hi"\n', "\u2028é\U0001f600", "\x00"])
def test_the_template_and_the_message_agree(text: str) -> None:
    """The fast way and the plain way give the same bytes."""
    plain = message(
        model="claude-haiku-5-5",
        message_id="msg_01Zx",
        text=text,
        stop_reason="end_turn",
        usage=usage(21, 4, service_tier="batch", inference_geo="not_available"),
    )

    expected = msgspec.json.encode({"type": "succeeded", "message": plain})
    assert expected == result_json(a_row(sent_text=text))


@pytest.mark.parametrize("outcome", ["canceled", "expired"])
def test_rows_without_an_answer(outcome: str) -> None:
    """A type and nothing else."""
    assert b'{"type":"%b"}' % outcome.encode() == result_json(a_row(outcome=outcome))


def test_pieces_are_large() -> None:
    """64 KiB at least, the last one excepted; together they are the file."""
    row = a_row(sent_text="x" * 500)
    lines = [Line(f"row-{place}", 0) for place in range(1_000)]

    found = list(pieces(lines, [row]))

    assert len(found) > 5
    assert all(len(piece) >= PIECE_BYTES for piece in found[:-1])
    assert b"".join(found).count(b"\n") == 1_000


def test_an_empty_answer_has_no_content() -> None:
    """As a refusal before any output."""
    api = Api(responder=FromCallable(lambda _: Said("", stop_reason="refusal")))

    result = by_id(api, an_ended_batch(api, 1))["row-0"]

    assert (result["message"]["content"], result["message"]["stop_reason"]) == ([], "refusal")


def test_any_text_can_be_sent() -> None:
    """Line separators stay inside their line; what is no text becomes a question mark."""
    api = Api(responder=FromCallable(lambda _: "a\u2028b\r\n\ud800"))

    body = results(api, an_ended_batch(api, 1)).read()

    assert body.count(b"\n") == 1
    assert "a\u2028b\\r\\n?" in body.decode()


def test_an_alias_is_answered_with_its_dated_id() -> None:
    """`message.model` is the resolved id."""
    api = Api()
    batch_id = an_ended_batch(api, [a_request("a", model="claude-haiku-4-5")])

    assert by_id(api, batch_id)["a"]["message"]["model"] == "claude-haiku-4-5-20251001"


def test_results_are_made_while_they_are_read() -> None:
    """Nobody waits for the last row to get the first."""
    api = Api(responder=FromCallable(lambda _: "x" * 200))
    response = results(api, an_ended_batch(api, requests(2_000)))

    assert not isinstance(response.body, bytes)
    assert len(next(iter(response.body))) < len(results(api, api.books().batches[0].id).read())


def test_the_answer_is_cut_at_max_tokens() -> None:
    """And says so."""
    api = Api(responder=FromCallable(lambda _: "x" * 200))
    an_ended_batch(api, [a_request("a", max_tokens=10)])

    (row,) = api.books().requests

    assert (row.text, row.output_tokens, row.stop_reason) == ("x" * 40, 10, "max_tokens")
