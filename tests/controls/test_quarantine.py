"""Validate or quarantine."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls import ControlError, Quarantine
from controls.core.answer import Accepted, Answer, Quarantined, Verdict
from controls.quarantine import REASONS, STOP_REASONS
from tests.controls.builders import SCHEMA

GATE = Quarantine(SCHEMA)
LOOSE = Quarantine({"type": "object"})
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
JSONISH = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner)
)


def examine(text: str, stop_reason: str | None = "end_turn", gate: Quarantine = GATE) -> Verdict:
    """What the gate says of this text."""
    return gate.examine(Answer(text, stop_reason, ""))


def reason(text: str, stop_reason: str | None = "end_turn", gate: Quarantine = GATE) -> str:
    """The reason code, or `accepted`."""
    verdict = examine(text, stop_reason, gate)
    return verdict.reason if isinstance(verdict, Quarantined) else "accepted"


def test_an_answer_as_agreed_is_accepted_as_it_is() -> None:
    """The decoded object, without the reference."""
    text = ' {"label":"pos","score":0.5,"ref":"0123456789"}\n'

    assert Accepted({"label": "pos", "score": 0.5}) == examine(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("pos", "not_json"),
        ('{"label":"pos","score":0.5', "not_json"),
        ('{"label":"pos","score":0.5}}', "not_json"),
        ('{"label":"pos","score":0.5} That is all.', "not_json"),
        ('Sure! {"label":"pos","score":0.5}', "not_json"),
        ('```json\n{"label":"pos","score":0.5}\n```', "not_json"),
        ("{'label':'pos','score':0.5}", "not_json"),
        ('{"label":"pos","score":0.5,}', "not_json"),
        ('{"label":"pos","score":NaN}', "not_json"),
        ('{"label":"pos","score":Infinity}', "not_json"),
        ('{"label":"pos","score":1e999}', "not_json"),
        ('{"label":"pos","score":.5}', "not_json"),
        ('{"label":"pos","score":' + "1" * 5_000 + "}", "not_json"),
        ('\ufeff{"label":"pos","score":0.5}', "not_json"),
        ('{"label":"\ud800","score":0.5}', "not_json"),
        ("[" * 100_000, "not_json"),
        ('{"label":"pos","score":0.5,"x":' + "[" * 5_000 + "]" * 5_000 + "}", "not_json"),
        ('[{"label":"pos","score":0.5}]', "not_an_object"),
        ('"pos"', "not_an_object"),
        ("null", "not_an_object"),
        ("1", "not_an_object"),
        ("{}", "schema"),
        ('{"label":"pos"}', "schema"),
        ('{"label":"pos","score":"0.5"}', "schema"),
        ('{"label":"pos","score":true}', "schema"),
        ('{"label":"pos","score":null}', "schema"),
        ('{"label":"pos","score":1.1}', "schema"),
        ('{"label":"pos","score":-0.1}', "schema"),
        ('{"label":"POS","score":0.5}', "schema"),
        ('{"label":["pos"],"score":0.5}', "schema"),
        ('{"label":"pos","score":0.5,"why":"x"}', "schema"),
        ('{"Label":"pos","score":0.5}', "schema"),
        ('{"label":"neg","label":"pos","score":0.5}', "duplicate_key"),
        ('{"label":"pos","score":0.5,"ref":"a","ref":"b"}', "duplicate_key"),
        ('{"label":"neg","l\\u0061bel":"pos","score":0.5}', "duplicate_key"),
    ],
)
def test_what_is_not_as_agreed_is_kept_back(text: str, expected: str) -> None:
    """Malformed, fenced, chatty, of wrong type or range: each with its code."""
    assert expected == reason(text)


@pytest.mark.parametrize("stop_reason", STOP_REASONS)
def test_an_incomplete_answer_is_kept_back_however_it_reads(stop_reason: str) -> None:
    """Cut off, refused, paused: the text does not matter."""
    assert stop_reason == reason('{"label":"pos","score":0.5}', stop_reason)


@pytest.mark.parametrize("stop_reason", ["end_turn", "stop_sequence", None, "of tomorrow"])
def test_other_stop_reasons_are_judged_by_the_text(stop_reason: str | None) -> None:
    """A new stop reason alone is no damage."""
    assert "accepted" == reason('{"label":"pos","score":0.5}', stop_reason)


@settings(max_examples=200)
@given(st.text(st.characters()) | st.text('{}[]":,truefalsn0123.-eE \\u'))
def test_no_text_makes_the_gate_raise(text: str) -> None:
    """Anything a model can say ends in a verdict with a known reason."""
    assert reason(text) in {"accepted", *REASONS}


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_no_bytes_make_the_gate_raise(raw: bytes) -> None:
    """Also what no model would say."""
    assert reason(raw.decode("utf-8", "surrogateescape")) in {"accepted", *REASONS}


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(["label", "score", "why"]), JSONISH))
def test_the_gate_never_coerces(value: dict[str, Any]) -> None:
    """What is accepted is exactly what was said, in value and type; the rest is kept back."""
    text = json.dumps(value)
    verdict = examine(text)
    score = value.get("score")
    agreed = (
        value.keys() == {"label", "score"}
        and value["label"] in ("pos", "neg")
        and isinstance(value["label"], str)
        and isinstance(score, int | float)
        and not isinstance(score, bool)
        and 0 <= score <= 1
    )

    assert agreed == isinstance(verdict, Accepted)
    if isinstance(verdict, Accepted):
        assert verdict.value is not None
        assert value == verdict.value
        assert [type(member) for member in value.values()] == [
            type(member) for member in verdict.value.values()
        ]


@settings(max_examples=60)
@given(st.dictionaries(st.text(max_size=3), SCALARS | st.lists(SCALARS, max_size=2)), st.data())
def test_a_key_given_twice_is_always_seen(value: dict[str, Any], data: st.DataObject) -> None:
    """Whatever else the object holds, quotes and nesting included."""
    value = {key: member for key, member in value.items() if key != "ref"}
    text = json.dumps(value).replace("NaN", "0").replace("-Infinity", "0").replace("Infinity", "0")
    key = json.dumps(data.draw(st.sampled_from([*value, "new"])))
    twice = "{" + f"{key}:1,{text[1:-1]}" + ("," if value else "") + f"{key}:2" + "}"

    assert reason(twice, gate=LOOSE) in {"duplicate_key", "not_json"}


def test_nesting_hides_no_key_that_is_given_twice() -> None:
    """At every depth, also where one of the two readers gives up and the other does not."""
    reasons = {
        reason('{"a":0,"a":' + "[" * depth + "]" * depth + "}", gate=LOOSE)
        for depth in range(1_200)
    }

    assert {"duplicate_key", "not_json"} == reasons


@pytest.mark.parametrize("depth", [1, 200, 300, 500])
def test_nesting_beyond_the_schema_is_kept_back(depth: int) -> None:
    """Also where the validator gives up."""
    deep = "[" * depth + "]" * depth

    assert "schema" == reason(f'{{"label":"pos","score":0.5,"x":{deep}}}')


def test_many_keys_are_judged_in_no_time() -> None:
    """200,000 keys, one of them twice: found without comparing each with each."""
    pairs = ",".join(f'"k{number}":0' for number in range(200_000))

    assert "duplicate_key" == reason(f'{{{pairs},"k7":1}}', gate=LOOSE)


def test_a_detail_is_short_whatever_the_answer_is() -> None:
    """Details go into alerts and reports."""
    verdict = examine(json.dumps({"label": "x" * 100_000, "score": 0.5}))

    assert isinstance(verdict, Quarantined)
    assert verdict.detail.startswith("label: ")
    assert len(verdict.detail) <= 200


@pytest.mark.parametrize("schema", [{"type": "strnig"}, {"required": 1}, {"pattern": 3}])
def test_a_schema_that_is_none_is_refused_at_the_start(schema: dict[str, Any]) -> None:
    """Not at the first answer."""
    with pytest.raises(ControlError, match="not a JSON Schema"):
        Quarantine(schema)


def test_two_gates_of_one_schema_share_their_compiled_form() -> None:
    """The key order of the schema does not matter."""
    other = Quarantine(dict(reversed(SCHEMA.items())))

    assert "accepted" == reason('{"label":"pos","score":1}', gate=other)
    assert repr(other) == repr(GATE) == "Quarantine()"


def seed_check(value: dict[str, Any]) -> bool:
    """Seed 001's validation in one line: the score is a number in range."""
    return isinstance(value["score"], int | float) and 0 <= value["score"] <= 1


def test_the_usual_type_check_takes_true_for_a_number_and_ours_does_not() -> None:
    """`bool` is an `int` in Python: `true` passes the naive check and is stored as 1."""
    text = '{"label":"pos","score":true}'

    assert seed_check(json.loads(text))

    assert "schema" == reason(text)
