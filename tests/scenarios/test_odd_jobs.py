"""Jobs that are legal and odd: they work, or the drill says why it proved nothing."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from controls import JobType
from reports import ArmName, Outcome, Verdict
from scenarios import LABELS_OF_THE_JOB, NoRowPaidTwice
from scenarios.harness.arms import applies, run_drill
from scenarios.harness.discovery import select
from scenarios.harness.door import check_door
from scenarios.harness.game import DEFAULT_JOB, open_game
from scenarios.harness.model import bound, known_labels
from scenarios.harness.rows import read_rows
from scenarios.harness.tickets import tickets
from scenarios.harness.world import Game
from simulator.faults import SchemaDrift, WrongButValid
from simulator.faults.drift import DRIFTS

JOB = open_game(None, None, 0).job_type
LABEL, SCORE = (JOB.answer.schema["properties"][name] for name in ("label", "score"))
TICKETS = tickets(0, 150)


def a_job(properties: dict[str, Any], *, graded: bool = False, **prompt: Any) -> JobType:
    """The default job with these properties, and without known answers unless it is graded."""
    schema = {**JOB.answer.schema, "properties": properties, "required": list(properties)}
    return msgspec.structs.replace(
        JOB,
        answer=msgspec.structs.replace(JOB.answer, schema=schema),
        prompt=msgspec.structs.replace(JOB.prompt, **prompt),
        rows=JOB.rows if graded else msgspec.structs.replace(JOB.rows, label_column=None),
    )


def a_game(job: JobType) -> Game:
    """A small game, past the door."""
    check_door(job, TICKETS, known_labels(job, TICKETS), DEFAULT_JOB)
    return Game(job, TICKETS, 0)


ODD: dict[str, JobType] = {
    "boolean label": a_job({"label": {"type": "boolean"}, "score": SCORE}),
    "integer label": a_job({"label": {"type": "integer", "enum": [1, 2, 3]}, "score": SCORE}),
    "any number as label": a_job({"label": {"type": "number", "minimum": 50}}),
    "a label by its pattern": a_job({"label": {"type": "string", "pattern": "^[A-Z]{3}$"}}),
    "any text as label": a_job({"label": {"type": "string"}, "score": SCORE}),
    "anything as label": a_job({"label": True, "score": SCORE}),
    "a key's name": a_job({"label": LABEL, "row_key": {"type": "string"}, "promotion": SCORE}),
    "odd names": a_job({"label": LABEL, "a b": SCORE, "select": SCORE, "q\"u'o": {"type": "null"}}),
    "lists and objects": a_job(
        {
            "label": LABEL,
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2},
            "none": {"type": "array", "maxItems": 0},
            "meta": {"type": "object", "properties": {"deep": {"type": ["integer", "null"]}}},
        }
    ),
    "bounds": a_job(
        {
            "label": LABEL,
            "score": {"type": "integer", "minimum": 50},
            "text": {"type": "string", "minLength": 30},
        }
    ),
    "no system prompt": a_job({"label": LABEL, "score": SCORE}, system=""),
    "no word of JSON": a_job({"label": LABEL, "score": SCORE}, system="Say how they feel."),
}


@pytest.mark.parametrize("name", ["schema_drift_is_quarantined", "rebuilt_mapping_is_harmless"])
@pytest.mark.parametrize("job", ODD.values(), ids=ODD)
def test_an_odd_job_goes_through_a_drill(job: JobType, name: str) -> None:
    """The fault does harm without the control and none with it, whatever an answer looks like."""
    report = run_drill(select([name])[0], a_game(job))
    guarded = report.arm(ArmName.GUARDED)

    assert Verdict.PASS is report.verdict, (report.because, report.error)
    assert guarded is not None
    assert guarded.blast.promoted > 100


def test_a_valid_but_wrong_label_has_the_type_of_a_label() -> None:
    """Else the gate would see what only a person can."""
    report = run_drill(select(["bad_write_is_rolled_back"])[0], a_game(ODD["integer label"]))

    assert Verdict.PASS is report.verdict, report.because


def test_drift_is_what_the_schema_can_tell() -> None:
    """A strange text is no drift where every text is a label; a listed label keeps all kinds."""
    (listed,) = bound([SchemaDrift(share=0.1)], JOB, JOB.labels)
    (free,) = bound([SchemaDrift(share=0.1)], ODD["any text as label"], ("yes", "no"))
    (chosen,) = bound([SchemaDrift(share=0.1, kinds=("nan",))], JOB, JOB.labels)

    assert isinstance(listed, SchemaDrift)
    assert isinstance(free, SchemaDrift)
    assert isinstance(chosen, SchemaDrift)
    assert listed.kinds == DRIFTS
    assert {"unknown_label"} == set(DRIFTS) - set(free.kinds)
    assert ("nan",) == chosen.kinds


def test_with_one_label_an_injection_proves_nothing() -> None:
    """What it orders is what an honest model says: neither green nor red."""
    job = a_job({"label": {"enum": ["only"]}, "score": SCORE})
    report = run_drill(select(["injected_instructions_stay_data"])[0], a_game(job))

    assert Verdict.INCONCLUSIVE is report.verdict
    assert "these checks saw nothing: NoInjectionPromoted" == report.because


@pytest.mark.parametrize(
    ("job", "why"),
    [
        (a_job({"label": LABEL}), "the rows have no known answers"),
        (a_job({"label": {"const": "pos"}}, graded=True), "one label only"),
    ],
)
def test_a_wrong_column_cannot_be_noticed_without_known_answers(job: JobType, why: str) -> None:
    """The canary is not blamed for what nothing could tell."""
    reason = applies(select(["wrong_column_stops_at_the_canary"])[0], Game(job, TICKETS, 0))

    assert reason is not None
    assert why in reason.why


def test_a_column_of_known_answers_may_be_blank(tmp_path: Path) -> None:
    """Then there are none, and labels are made up."""
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ticket_id", "body", "plan", "sentiment"])
        writer.writerows([[n, f"text {n}", "free", ""] for n in range(60)])
    schema = {**JOB.answer.schema, "properties": {"label": {"type": "string"}, "score": SCORE}}
    job = msgspec.structs.replace(JOB, answer=msgspec.structs.replace(JOB.answer, schema=schema))

    assert ("yes", "no") == known_labels(job, read_rows(path, job))


def test_copies_of_a_runaway_join_are_not_rows_of_the_user() -> None:
    """The headline counts the user's rows; a runaway join costs dollars."""
    runaway = select(["runaway_join_is_refused"])[0]
    small = replace(runaway, sabotage=(replace(runaway.sabotage[0], rows=20_000),))  # type: ignore[type-var]
    report = run_drill(small, Game(JOB, tickets(0, 1_000), 0))
    bare = report.arm(ArmName.BARE)

    assert Verdict.PASS is report.verdict, report.because
    assert bare is not None
    assert (20_000, 0, 150) == (bare.blast.sent, bare.blast.wrong, bare.blast.promoted)


def test_a_wrong_record_fails_a_drill_whose_own_checks_look_elsewhere() -> None:
    """The reply is lost, and the row is paid once; but what was promoted is wrong."""
    lost = select(["lost_reply_is_not_paid_twice"])[0]
    wrong = WrongButValid(share=0.2, labels=LABELS_OF_THE_JOB, spare_batches=1)
    drill = replace(lost, faults=(*lost.faults, wrong), checks=(NoRowPaidTwice(),))
    report = run_drill(drill, a_game(JOB))

    assert (Verdict.FAIL, "the guarded arm did not hold") == (report.verdict, report.because)
    guarded = report.arm(ArmName.GUARDED)
    assert guarded is not None
    assert ["RecordIsRight"] == [
        finding.check for finding in guarded.findings if finding.outcome is Outcome.BROKE
    ]
