"""The short way for result lines that are beyond doubt in order; most lines are.

It accepts only what the long way of the collector accepts, with the same JSON in staging, and
decides nothing else: at the first doubt a line goes the long way, as if nobody had looked at it.
The speed is that of one loop with local names, and of types that refuse whatever is not plain
while they decode it (see `benchmarks/controls.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import count
from math import inf
from typing import Annotated, Any, Literal

import msgspec

from controls.core.answer import LINE_ERRORS, Gate, Tokens, kind_of
from controls.core.columns import Sent
from controls.core.harvest import ACCEPTED, Harvest
from controls.core.labels import grader
from controls.core.work import Work
from controls.ids import REFERENCE_FIELD, RowBinding
from controls.quarantine import Quarantine

PlainReader = Callable[[str, str], tuple[dict[str, Any], bytes] | None]
"""Reads a text that must echo a reference: the value and its JSON, or None when in doubt."""

_DOUBTS = (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError)
_Nothing = Annotated[int, msgspec.Meta(ge=0, le=0)]


class _NoWrites(msgspec.Struct, gc=False):
    ephemeral_5m_input_tokens: _Nothing = 0
    ephemeral_1h_input_tokens: _Nothing = 0


class _Usage(msgspec.Struct, gc=False):
    """Nothing that makes a price of its own: no cache written, no region that costs more."""

    input_tokens: Tokens = 0
    output_tokens: Tokens = 0
    cache_creation_input_tokens: _Nothing | None = None
    cache_read_input_tokens: Tokens | None = None
    cache_creation: _NoWrites | None = None
    inference_geo: Literal["not_available", "global"] | None = None


class _Text(msgspec.Struct, gc=False, tag_field="type", tag="text"):
    text: str


class _Message(msgspec.Struct, gc=False):
    content: tuple[_Text]
    stop_reason: Literal["end_turn"]
    usage: _Usage


class _Succeeded(msgspec.Struct, gc=False, tag_field="type", tag="succeeded"):
    message: _Message


class _Plain(msgspec.Struct, gc=False):
    custom_id: str
    result: _Succeeded


_decode_plain = msgspec.json.Decoder(_Plain).decode
_NOT_PLAIN = (*LINE_ERRORS, KeyError)


def plain_reader(identity: Gate, gate: Gate) -> PlainReader | None:
    """What reads plain answers as exactly these two gates do; None for any other gates."""
    if kind_of(identity) is not RowBinding or kind_of(gate) is not Quarantine:
        return None
    assert isinstance(gate, Quarantine)
    decode = msgspec.json.Decoder().decode
    encode = msgspec.json.Encoder().encode
    is_valid = gate.is_valid

    def plain(text: str, reference: str) -> tuple[dict[str, Any], bytes] | None:
        """Without a backslash every quotation mark is the edge of a string: a text that has as
        many as its value, and four for the reference, gives no key twice."""
        if "\\" in text:
            return None
        try:
            value = decode(text)
            if value.__class__ is not dict or value.pop(REFERENCE_FIELD, None) != reference:
                return None
            if not is_valid(value):
                return None
            written = encode(value)
        except _DOUBTS:
            return None
        return (value, written) if text.count('"') == written.count(b'"') + 4 else None

    return plain


def swift_taker(
    work: Work, harvest: Harvest, sent: Sent, plain: PlainReader, take: Callable[[bytes], None]
) -> Callable[[Sequence[bytes]], None]:
    """What sorts the lines of a first download; what is not plain goes to `take`.

    Rows are not looked at: a job goes on only with the rows it began with, so that key and
    reference are those that were written down before they were sent.
    """
    prefix = work.namespace.prefix
    ordinals, keys, references = sent.ordinals, sent.keys, sent.references
    places = dict(zip(map(prefix.__add__, map(str, ordinals)), count()))
    rows, lines, kinds = work.rows, harvest.lines, harvest.kinds
    long_at = work.price.long_context_tokens or inf
    grade, labels = grader(work.job.type, harvest.tally), harvest.tally.labels
    field, knows = work.job.type.answer.label, bool(work.job.type.rows.label_column)
    came, staged = harvest.news.answered, harvest.news.staged

    def take_all(part: Sequence[bytes]) -> None:
        accepted = 0
        for raw in part:
            try:
                line = _decode_plain(raw)
                place = places[line.custom_id]
            except _NOT_PLAIN:
                take(raw)
                continue
            message = line.result.message
            usage = message.usage
            ordinal = ordinals[place]
            tokens, cached = usage.input_tokens, usage.cache_read_input_tokens or 0
            found = plain(message.content[0].text, references[place])
            if found is None or ordinal in lines or tokens + cached > long_at:
                take(raw)
                continue
            value, written = found
            lines[ordinal] = digest = sha256(raw).digest()[:16]
            accepted += 1
            label = value.get(field)
            if knows or label.__class__ is not str or label not in labels:
                grade(rows[ordinal], value)
            else:
                labels[label] += 1
            staged_ordinal(ordinal)
            staged_key(keys[place])
            staged_value(written)
            came_ordinal(ordinal)
            came_outcome(ACCEPTED)
            came_input(tokens)
            came_output(usage.output_tokens)
            came_written(0)
            came_read(cached)
            came_digest(digest)
        kinds["succeeded"] += accepted

    staged_ordinal, staged_key = staged.ordinals.append, staged.keys.append
    staged_value = staged.values.append
    came_ordinal, came_outcome = came.ordinals.append, came.outcomes.append
    came_input, came_output = came.input_tokens.append, came.output_tokens.append
    came_written, came_read = came.cache_written.append, came.cache_read.append
    came_digest = came.digests.append
    return take_all
