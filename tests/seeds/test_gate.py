"""The usual gate between a model's answer and a table, and what passes it or breaks it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from controls import Canary
from simulator import Question, Said
from simulator.faults import Fault, Refusal, ThinkingFirst, ToolUseOnly
from tests.controls.builders import Bench, an_answer, rows
from tests.seeds.builders import Says, Usual, odd

ROWS = rows(12)


class UsualGate:
    """Reads the first text, checks label and score, stages the rest of the object unseen."""

    def __init__(self) -> None:
        self.staged: dict[str, Any] = {}
        self.refused: dict[str, str] = {}

    def take(self, custom_id: str, message: Mapping[str, Any]) -> None:
        """One result. Raises what the author did not think of."""
        try:
            answer = json.loads(message["content"][0]["text"])
        except (KeyError, ValueError):
            self.refused[custom_id] = "unparseable"
            return
        score = answer.get("score")
        if answer.get("label") not in {"pos", "neg"}:
            self.refused[custom_id] = "bad label"
        elif not isinstance(score, int | float) or not 0 <= score <= 1:
            self.refused[custom_id] = "bad score"
        else:
            self.staged[custom_id] = answer


def through_the_usual_gate(says: Says, faults: Sequence[Fault] = ()) -> UsualGate:
    """All rows of a batch through the usual gate, at the right level of the line."""
    usual, gate = Usual(says, faults), UsualGate()
    for line in usual.results(usual.run(ROWS)):
        wire = line.to_dict()
        assert isinstance(wire["result"], dict)
        gate.take(line.custom_id, wire["result"]["message"])
    return gate


def guarded(says: Says, faults: Sequence[Fault] = ()) -> Bench:
    """The same rows, the same model, our runner. The canary is off: the gate stands alone."""
    bench = Bench(says=says, faults=faults, without=[Canary])
    assert "done" == bench.run(ROWS).status
    return bench


def twice(question: Question) -> str:
    """An answer that gives its label twice."""
    return an_answer(question).replace('"label":', '"label":"neg","label":', 1)


@pytest.mark.parametrize(
    ("special", "raised", "reason"),
    [
        (lambda _: "[]", AttributeError, "not_an_object"),
        (lambda _: '"pos"', AttributeError, "not_an_object"),
        (lambda _: "null", AttributeError, "not_an_object"),
        (lambda asked: an_answer(asked).replace('"pos"', '["pos"]', 1), TypeError, "schema"),
        (lambda asked: an_answer(asked).replace('"pos"', '{"pos":1}', 1), TypeError, "schema"),
    ],
    ids=["list", "string", "null", "label in a list", "label in an object"],
)
def test_one_odd_answer_breaks_the_usual_gate(
    special: Says, raised: type[Exception], reason: str
) -> None:
    """Valid JSON of another shape raises outside of the two exceptions that are caught. The loop
    dies at that line: the team loses every row behind it, paid for, and the job has no end."""
    says = odd(special)

    with pytest.raises(raised):
        through_the_usual_gate(says)

    bench = guarded(says)
    assert {reason: 1} == bench.reasons
    assert 11 == len(bench.labels)


@pytest.mark.parametrize(
    ("special", "stored", "reason"),
    [
        (lambda asked: an_answer(asked, score=True), {"score": True}, "schema"),
        (lambda asked: an_answer(asked, email="a@b.example"), {"email": "a@b.example"}, "schema"),
        (twice, {"label": "pos"}, "duplicate_key"),
        (
            lambda asked: Said(an_answer(asked), stop_reason="max_tokens"),
            {"label": "pos"},
            "max_tokens",
        ),
    ],
    ids=["true as a number", "a field nobody asked for", "a key twice", "cut off"],
)
def test_the_usual_gate_lets_through_what_was_not_agreed(
    special: Says, stored: dict[str, Any], reason: str
) -> None:
    """`true` counts as 1, unknown fields ride along, the last of two labels wins, an answer that
    was cut off looks whole: the table holds values that nobody agreed to, and no row tells."""
    says = odd(special)
    passed = through_the_usual_gate(says).staged["row-3"]

    assert stored.items() <= passed.items()

    bench = guarded(says)
    assert {reason: 1} == bench.reasons
    assert "key-3" not in bench.labels


@pytest.mark.parametrize(
    ("fault", "raised", "reason"),
    [(Refusal(share=1.0), IndexError, "refusal"), (ToolUseOnly(share=1.0), None, "tool_use")],
    ids=["refusal", "tool use"],
)
def test_a_succeeded_row_need_not_have_a_text(
    fault: Fault, raised: type[Exception] | None, reason: str
) -> None:
    """A refusal is a succeeded row with no content at all: `content[0]` raises, and the rows behind
    it are lost. A tool call is called unparseable, and its cause is lost."""
    if raised is not None:
        with pytest.raises(raised):
            through_the_usual_gate(an_answer, [fault])
    else:
        assert {"unparseable"} == set(through_the_usual_gate(an_answer, [fault]).refused.values())

    assert {reason: 12} == guarded(an_answer, [fault]).reasons


def test_the_first_block_need_not_be_the_text() -> None:
    """A thinking block may stand first, and good answers are thrown away as unparseable: the team
    pays for all of them and keeps none."""
    fault = ThinkingFirst(share=1.0)
    gate = through_the_usual_gate(an_answer, [fault])

    assert (0, 12) == (len(gate.staged), len(gate.refused))

    assert 12 == len(guarded(an_answer, [fault]).labels)


def test_a_gate_on_the_wrong_level_keeps_every_good_answer_back() -> None:
    """The message lies under `result`. Read one level too high it is a KeyError, which the gate
    takes for bad JSON: a whole good batch ends in quarantine, with a wrong reason."""
    usual, gate = Usual(), UsualGate()
    for line in usual.results(usual.run(ROWS)):
        wire = line.to_dict()
        gate.take(line.custom_id, wire.get("message", {}))  # type: ignore[arg-type]

    assert {"unparseable"} == set(gate.refused.values())
    assert (0, 12) == (len(gate.staged), len(gate.refused))

    assert 12 == len(guarded(an_answer).labels)


def test_a_gate_cannot_tell_whose_answer_it_is() -> None:
    """Well-formed, in range, and about another row: the usual gate stages it under the id it came
    with, so a customer gets the answer to another one's question."""

    def mixed_up(question: Question) -> str:
        return '{"label":"neg","score":0.9,"ref":"0123456789"}'

    says = odd(mixed_up)

    assert "neg" == through_the_usual_gate(says).staged["row-3"]["label"]

    assert {"wrong_row": 1} == guarded(says).reasons
