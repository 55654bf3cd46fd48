"""Result lines, read without trust."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.core.answer import (
    KINDS,
    Accepted,
    Answer,
    BilledUsage,
    CacheWrites,
    Quarantined,
    ResultLine,
    UnreadableLine,
    Verdict,
    examined,
    read_line,
)
from tests.controls.builders import a_line

THINKING = {"type": "thinking", "thinking": "Hm.", "signature": "x"}
TEXT = {"type": "text", "text": "Lisbon"}
TOOL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["custom_id", "result", "type", "message", "content", "usage", "error", "text"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def read(raw: bytes) -> ResultLine:
    """A line that can be read."""
    line = read_line(raw)
    assert isinstance(line, ResultLine), line
    return line


def seed_text(line: bytes) -> Any:
    """Seed 001's way to the text of an answer."""
    return json.loads(line)["result"]["message"]["content"][0]["text"]


def test_the_usual_way_to_the_text_breaks_on_thinking_and_ours_does_not() -> None:
    """`content[0]` is a thinking block where the model thinks first."""
    line = a_line(content=[THINKING, TEXT])

    with pytest.raises(KeyError):
        seed_text(line)

    assert "Lisbon" == read(line).text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([], ""),
        ([TEXT], "Lisbon"),
        ([TEXT, TEXT], "LisbonLisbon"),
        ([THINKING, TEXT, TOOL], "Lisbon"),
        ([THINKING], ""),
        ([TOOL], ""),
        ([{"type": "of tomorrow", "text": "x"}], ""),
    ],
)
def test_the_text_of_an_answer_is_that_of_its_text_blocks(
    content: list[dict[str, Any]], text: str
) -> None:
    """Thinking, tools and block types of tomorrow are no text."""
    assert text == read(a_line(content=content)).text


def test_a_recorded_line_is_read_in_full() -> None:
    """The documented shape, with keys that we do not know."""
    raw = (
        b'{"custom_id":"row-000017","result":{"type":"succeeded","message":{"model":"claude-'
        b'haiku-5-5","id":"msg_01","type":"message","role":"assistant","content":[{"type":"text",'
        b'"text":"Lisbon"}],"container":null,"stop_reason":"end_turn","stop_sequence":null,'
        b'"stop_details":null,"diagnostics":null,"usage":{"input_tokens":21,'
        b'"cache_creation_input_tokens":0,"cache_read_input_tokens":3,"cache_creation":'
        b'{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":4,'
        b'"service_tier":"batch","inference_geo":"not_available"}}}}'
    )

    usage = BilledUsage(21, 4, 0, 3, CacheWrites(), "not_available")

    assert ResultLine("row-000017", "succeeded", "Lisbon", "end_turn", "", usage, raw) == read_line(
        raw
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"type": "error", "error": {"type": "api_error", "message": "x"}}, "api_error"),
        ({"type": "error", "error": {"type": "api_error", "details": {"a": 1}}}, "api_error"),
        ({"type": "error"}, "unknown"),
        (None, "unknown"),
    ],
)
def test_the_class_of_an_error_stands_two_levels_down(error: object, expected: str) -> None:
    """`result.error.type` is always `error`, and says nothing."""
    line = {"custom_id": "a", "result": {"type": "errored", "error": error}}

    read_back = read(msgspec.json.encode(line))

    assert ("errored", expected, "") == (read_back.kind, read_back.error_type, read_back.text)


@pytest.mark.parametrize("kind", ["canceled", "expired"])
def test_rows_without_an_answer_have_nothing_but_their_kind(kind: str) -> None:
    """No text, no error, no usage."""
    raw = b'{"custom_id":"a","result":{"type":"%s"}}' % kind.encode()

    assert ResultLine("a", kind, "", None, "", BilledUsage(), raw) == read_line(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"custom_id":"a"}',
        b'{"custom_id":1,"result":{"type":"expired"}}',
        b'{"custom_id":null,"result":{"type":"expired"}}',
        b'{"result":{"type":"expired"}}',
        b'{"custom_id":"a","result":{"type":"of tomorrow"}}',
        b'{"custom_id":"a","result":{"type":"succeeded"}}',
        b'{"custom_id":"a","result":{"type":"succeeded","message":null}}',
        b'{"custom_id":"a","result":{"type":"succeeded","message":{"content":null}}}',
        b'{"custom_id":"a","result":{"type":"succeeded","message":{"content":"Lisbon"}}}',
        b'{"custom_id":"a","result":{"type":"expired"}}{"custom_id":"b"}',
        b'{"custom_id":"\xff","result":{"type":"expired"}}',
        b'{"custom_id":"\\ud800","result":{"type":"expired"}}',
        b'{"custom_id":"a","result":' + b"[" * 100_000,
        b"\x00" * 50,
        a_line(usage={"input_tokens": -1}),
        a_line(usage={"input_tokens": True}),
        a_line(usage={"output_tokens": "5"}),
        a_line(usage={"output_tokens": 2**31}),
        a_line(usage={"output_tokens": 10**30}),
        a_line(usage=None),
    ],
    ids=lambda raw: repr(raw[:60]),
)
def test_a_line_of_another_shape_is_unreadable_and_kept(raw: bytes) -> None:
    """With a short problem and the bytes; usage that cannot be is not believed either."""
    line = read_line(raw)

    assert isinstance(line, UnreadableLine)
    assert raw == line.raw
    assert 0 < len(line.problem) <= 200


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_raise(raw: bytes) -> None:
    """Either a line or an unreadable one."""
    assert isinstance(read_line(raw), ResultLine | UnreadableLine)


@settings(max_examples=300)
@given(JSONISH)
def test_no_document_makes_the_reader_raise(document: Any) -> None:
    """Also JSON of nearly the right shape; what is read has a known kind."""
    line = read_line(json.dumps(document).encode())

    assert isinstance(line, UnreadableLine) or line.kind in KINDS


@given(st.data())
def test_every_cut_of_a_line_is_unreadable(data: st.DataObject) -> None:
    """A connection that breaks in the middle of a line never makes another line of it."""
    line = a_line(text='{"label":"pos"}')
    cut = data.draw(st.integers(0, len(line) - 1))

    assert isinstance(read_line(line[:cut]), UnreadableLine)


class Says:
    """A gate that says one thing, and counts."""

    def __init__(self, verdict: Verdict | Exception) -> None:
        self.verdict = verdict
        self.asked = 0

    def examine(self, answer: Answer) -> Verdict:
        """The one thing."""
        self.asked += 1
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict


ANSWER = Answer("{}", "end_turn", "")
YES, ALSO, NO = Accepted(None), Accepted({"label": "pos"}), Quarantined("schema", "x")


@pytest.mark.parametrize(
    ("verdicts", "expected", "asked"),
    [
        ([YES, ALSO], ALSO, [1, 1]),
        ([NO, ALSO], NO, [1, 0]),
        ([YES, NO], NO, [1, 1]),
        (
            [RecursionError(), ALSO],
            Quarantined("gate_error", "the gate broke: RecursionError"),
            [1, 0],
        ),
        ([], YES, []),
    ],
)
def test_the_first_gate_that_keeps_an_answer_back_decides(
    verdicts: list[Verdict | Exception], expected: Verdict, asked: list[int]
) -> None:
    """One that breaks keeps it back too."""
    gates = [Says(verdict) for verdict in verdicts]

    assert expected == examined(gates, ANSWER)
    assert asked == [gate.asked for gate in gates]
