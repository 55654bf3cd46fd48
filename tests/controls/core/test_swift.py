"""The short way accepts only what the long way accepts, with the same JSON."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from controls import Quarantine, RowBinding
from controls.core import collector
from controls.core.answer import Accepted, Answer, Gate, examined
from controls.core.store import META, METADATA
from controls.core.swift import PlainReader, plain_reader
from tests.controls.builders import SCHEMA, Bench, a_job_type, bend_results, rows

REFERENCE = "0123456789"
STRICT, LOOSE = Quarantine(SCHEMA), Quarantine({"type": "object"})
ECHO = json.dumps(REFERENCE)
STRINGS = st.sampled_from(
    (
        *(ECHO, ECHO, '"\\u00301234567890"', '"\\u0030123456789"', '"pos"', '"neg"', '"é"', '""'),
        *('"a\\u0022b"', '"a\\"b"', '"\\ud800"', '"\x7f"', '"\u2028"', '"\n"', '"\\\\"'),
    )
)
NUMBERS = st.sampled_from(
    (
        *("0", "0.5", "1", "-0", "1e400", "NaN", "Infinity", "1" * 30, "9" * 400, "1" * 5_000),
        *("true", "null", "1.0", "1e-400", "18446744073709551616", "0.10000000000000000000001"),
    )
)
KEYS = st.sampled_from(
    ['"ref"', '"ref"', '"label"', '"score"', '"r\\u0065f"', '"more"', '"label "', "ref"]
)
GAPS = st.sampled_from(["", "", " ", "\n", "\t", "\u00a0"])


def members(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Objects as text: keys in any order, some twice."""
    pair = st.tuples(GAPS, KEYS, GAPS, inner, GAPS).map(
        lambda part: f"{part[0]}{part[1]}{part[2]}:{part[3]}{part[4]}"
    )
    return st.lists(pair, max_size=5).map(lambda pairs: "{" + ",".join(pairs) + "}")


VALUES = st.recursive(
    STRINGS | NUMBERS,
    lambda inner: (
        members(inner) | st.lists(inner, max_size=3).map(lambda items: "[" + ",".join(items) + "]")
    ),
    max_leaves=6,
)
GOOD = st.permutations([f'"ref":{ECHO}', '"label":"pos"', '"score":0.5']).map(
    lambda pairs: "{" + ", ".join(pairs) + "}"
)
GROWN = st.tuples(GOOD, KEYS, VALUES).map(lambda part: f"{part[0][:-1]},{part[1]}:{part[2]}}}")
TEXTS = st.tuples(GAPS, GOOD | GROWN | members(VALUES) | VALUES | st.text(), GAPS).map("".join)


def staged_by_the_long_way(text: str, gate: Quarantine) -> bytes | None:
    """The JSON that the collector stages after both gates, or None."""
    verdict = examined((RowBinding(), gate), Answer(text, "end_turn", REFERENCE))
    if isinstance(verdict, Accepted) and verdict.value is not None:
        return msgspec.json.encode(verdict.value)
    return None


@settings(max_examples=1_000, deadline=None)
@given(TEXTS, st.sampled_from([STRICT, LOOSE]))
@example(f'{{"ref":{ECHO},"label":"pos","score":0.5}}', STRICT)
@example(f'{{"ref":{ECHO},"ref":{ECHO},"label":"pos","score":0.5}}', STRICT)
@example('{"ref":"\\u0030123456789","label":"pos","score":0.5}', STRICT)
@example(f'{{"ref":{ECHO},"a":{{"b":1,"b":2}}}}', LOOSE)
@example(f'{{"ref":{ECHO},"a":"\\u0022\\u0022","a":1}}', LOOSE)
@example(f'{{"ref":{ECHO},"a":18446744073709551616}}', LOOSE)
@example(f'{{"ref" : {ECHO} , "a":"\ud800"}}', LOOSE)
def test_what_is_plain_is_what_the_gates_accept(text: str, gate: Quarantine) -> None:
    """The same JSON goes to staging, and the value is what the JSON says."""
    plain = plain_reader(RowBinding(), gate)
    assert plain is not None

    found = plain(text, REFERENCE)

    if found is not None:
        value, written = found
        assert staged_by_the_long_way(text, gate) == written
        assert msgspec.json.decode(written) == value


@given(GOOD)
def test_an_answer_as_agreed_is_plain(text: str) -> None:
    """Whatever the order of its keys: else the short way would be none."""
    plain = plain_reader(RowBinding(), STRICT)
    assert plain is not None

    found = plain(text, REFERENCE)

    assert found is not None
    assert staged_by_the_long_way(text, STRICT) == found[1]


class Stricter(Quarantine):
    """A gate with an opinion of its own."""


class Looser(RowBinding):
    """An identity with an opinion of its own."""


def test_other_gates_have_no_short_way() -> None:
    """A subclass may have another opinion, and is asked for it."""
    assert plain_reader(RowBinding(), Stricter(SCHEMA)) is None
    assert plain_reader(Looser(), Quarantine(SCHEMA)) is None


def crooked(lines: list[bytes]) -> list[bytes]:
    """Every third line is wrong in some way; some come twice."""
    bent: list[bytes] = []
    for place, line in enumerate(lines):
        kind = place % 24
        written = bent_line(line, kind)
        bent.append(written)
        if kind in {1, 12}:
            bent.append(written)
        if kind == 2:
            bent.append(written.replace(b"end_turn", b"refusal"))
    return bent


def bent_line(line: bytes, kind: int) -> bytes:
    """The line with something about it that is not plain."""
    document: dict[str, Any] = json.loads(line)
    message = document["result"]["message"]
    block = message["content"][0]
    match kind:
        case 0:
            message["stop_reason"] = "max_tokens"
        case 3:
            block["text"] += " That is all."
        case 6:
            message["content"].append({"type": "text", "text": " "})
        case 9:
            document["custom_id"] += "0000"
        case 12:
            message["usage"] |= {"cache_creation_input_tokens": 9, "inference_geo": "us"}
        case 15:
            block["text"] = block["text"].replace('"ref"', '"r\\u0065f"')
        case 18:
            message["usage"]["input_tokens"] = 150_000
        case 21:
            return line[:-9]
    return json.dumps(document).encode()


def tables(*, swift: bool, bent: bool, patch: pytest.MonkeyPatch) -> tuple[int, list[Any]]:
    """How many answers went the short way, and all that a job of 200 rows left in the store."""
    plain_answers = 0

    def reader(identity: Gate, gate: Gate) -> PlainReader | None:
        plain = plain_reader(identity, gate)

        def counted(text: str, reference: str) -> tuple[dict[str, Any], bytes] | None:
            nonlocal plain_answers
            assert plain is not None
            found = plain(text, reference)
            plain_answers += found is not None
            return found

        return counted if swift else None

    def bend(body: bytes, download: int) -> bytes:
        return b"\n".join(crooked(body.splitlines())) if bent and download > 1 else body

    patch.setattr(collector, "plain_reader", reader)
    bench = Bench(job_type=a_job_type(ceiling="500"), bend=bend_results(bend))
    bench.run(rows(200))
    kept = [table for table in METADATA.sorted_tables if table is not META]
    with bench.store.connect() as connection:
        return plain_answers, [
            (table.name, sorted(map(repr, connection.execute(select(table))))) for table in kept
        ]


@pytest.mark.parametrize("bent", [False, True])
@pytest.mark.parametrize("per_write", [7, 5_000])
def test_the_store_is_the_same_without_the_short_way(
    bent: bool,  # noqa: FBT001 - pytest passes by name
    per_write: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every table, with the ledger's hashes: of a good job and of one with crooked results."""
    monkeypatch.setattr(collector, "ROWS_PER_WRITE", per_write)

    plain_answers, with_it = tables(swift=True, bent=bent, patch=monkeypatch)
    none, without_it = tables(swift=False, bent=bent, patch=monkeypatch)

    assert without_it == with_it
    assert none == 0 < plain_answers
    assert bent == any(bodies for name, bodies in with_it if name == "quarantine")
