"""The short way for result lines that are beyond doubt in order; most lines are.

It accepts only what the long way of the collector accepts, with the same JSON in staging, and
decides nothing else: at the first doubt a line goes the long way, as if nobody had looked at it.
The speed is that of one loop with local names (see `benchmarks/controls.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from math import inf
from typing import Any

import msgspec

from controls.core.answer import LINE_ERRORS, Gate, decode_line, kind_of
from controls.core.harvest import Harvest
from controls.core.labels import grader
from controls.core.work import Work
from controls.ids import REFERENCE_FIELD, RowBinding
from controls.quarantine import Quarantine

PlainReader = Callable[[str, str], tuple[dict[str, Any], str] | None]
"""Reads a text that must echo a reference: the value and its JSON, or None when in doubt."""

_NOT_PLAIN = (*LINE_ERRORS, ValueError)
_DOUBTS = (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError)


def plain_reader(identity: Gate, gate: Gate) -> PlainReader | None:
    """What reads plain answers as exactly these two gates do; None for any other gates."""
    if kind_of(identity) is not RowBinding or kind_of(gate) is not Quarantine:
        return None
    assert isinstance(gate, Quarantine)
    decode = msgspec.json.Decoder().decode
    encode = msgspec.json.Encoder().encode
    is_valid = gate.is_valid

    def plain(text: str, reference: str) -> tuple[dict[str, Any], str] | None:
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
            written = encode(value).decode()
        except _DOUBTS:
            return None
        return (value, written) if text.count('"') == written.count('"') + 4 else None

    return plain


def swift_taker(
    work: Work, harvest: Harvest, plain: PlainReader, take: Callable[[bytes], None]
) -> Callable[[Sequence[bytes]], None]:
    """What sorts the lines of a first download; what is not plain goes to `take`."""
    lines, mine, kinds, news = harvest.lines, harvest.ordinals, harvest.kinds, harvest.news
    rows, reference = work.rows, work.dresser.referrer()
    prefix = work.namespace.prefix
    start = len(prefix)
    is_long, long_at = work.price.is_long, work.price.long_context_tokens or inf
    grade = grader(work.job.type, harvest.tally)
    ordinals, outcomes, digests = news.ordinals, news.outcomes, news.digests
    read, said, cache_written, cache_read = news.usages
    staged, keys, values = news.staged

    def take_all(part: Sequence[bytes]) -> None:
        accepted = 0
        for raw in part:
            try:
                line = decode_line(raw)
                custom_id = line.custom_id
                ordinal = int(custom_id[start:])
            except _NOT_PLAIN:
                take(raw)
                continue
            message = line.result.message
            if (
                line.result.type != "succeeded"
                or message is None
                or message.stop_reason != "end_turn"
                or len(message.content) != 1
                or message.content[0].type != "text"
                or custom_id != f"{prefix}{ordinal}"
                or ordinal not in mine
                or ordinal in lines
            ):
                take(raw)
                continue
            row = rows[ordinal]
            found = plain(message.content[0].text, reference(row))
            if found is None:
                take(raw)
                continue
            lines[ordinal] = digest = sha256(raw).digest()[:16]
            accepted += 1
            value, written = found
            staged.append(row.ordinal)
            keys.append(row.key)
            values.append(written)
            grade(row, value)
            usage = message.usage
            tokens, cached = usage.input_tokens, usage.cache_read_input_tokens or 0
            created, writes = usage.cache_creation_input_tokens or 0, usage.cache_creation
            ordinals.append(ordinal)
            outcomes.append("accepted")
            read.append(tokens)
            said.append(usage.output_tokens)
            cache_written.append(created)
            cache_read.append(cached)
            digests.append(digest)
            if (
                created
                or usage.inference_geo == "us"
                or (
                    (
                        tokens + cached > long_at
                        or (
                            writes is not None
                            and (
                                writes.ephemeral_5m_input_tokens or writes.ephemeral_1h_input_tokens
                            )
                        )
                    )
                    and is_long(usage)
                )
            ):
                news.priced_alone.append(usage)
        kinds["succeeded"] += accepted

    return take_all
