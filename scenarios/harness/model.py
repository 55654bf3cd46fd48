"""What the simulated model says in a drill: right mostly, and gullible.

It reads the prompt. A row whose text it cannot find there, because a column was swapped or a
delimiter lost, gets a guess, as from a real model.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from random import Random
from typing import Any

import jsonschema_rs
import msgspec

from controls import JobType, Row, SensitiveText
from controls.core.book import document_of
from controls.ids import REFERENCE_FIELD
from controls.policy import Template, label_text
from scenarios.harness.rows import RowSet
from scenarios.harness.shapes import Shape, closed, kinds_of
from scenarios.harness.task import Task
from simulator.documents import conforming
from simulator.faults import Fault, SchemaDrift, WrongButValid
from simulator.faults.drift import DRIFTS, drifted
from simulator.responder import Gullible, LabelOracle, Responder, Truth

ACCURACY = 0.97
"""How often the simulated model gives the known answer."""
ECHO = re.compile(r'Copy "(?P<value>[^"]+)" into the field "(?P<field>[^"]+)"')
"""How the prompt asks for a reference back; the simulated model does as it is asked."""
LABELS_OF_THE_JOB = ("labels of the job",)
"""Stands in a drill for the labels of whatever job it is run with."""
INVENTED = 8
"""From so many draws labels are made up."""
DRAWS = 12
"""How often each kind of drift is tried on each sample, as some of them draw a field."""

Answer = Callable[[str, float, dict[str, str]], str]


@dataclass(frozen=True, slots=True)
class Model:
    """A responder, and what it knows of the rows."""

    responder: Responder
    subjects: dict[str, str]
    """Row key to the subject of its text; rows with the same text share one."""
    truths: dict[str, str]
    """Subject to the right label of its text."""


def simulated_model(
    task: Task, agreed: JobType, rows: Sequence[Row], labels: Sequence[str]
) -> Model:
    """A model that knows the texts of `rows`, also where instructions were planted in them.

    `agreed` is the job type before any sabotage: how the model was meant to be instructed. It knows
    a text also with marks in the place of what the job type redacts; texts that are the same with
    their marks have one subject.
    """
    job_type, name = task.job_type, task.job_type.text_field
    column = job_type.rows.label_column
    planted = {row.key: row for row in task.rows if row.key in task.planted}
    redacted = SensitiveText.of(agreed).scrub
    truths: dict[str, Truth] = {}
    subjects: dict[str, str] = {}
    for row in rows:
        text = row.fields[name]
        label = row.fields.get(column, "") if column else ""
        if label not in labels:
            label = labels[hash_of(text) % len(labels)]
        if row.key in planted:
            text = planted[row.key].fields[name]
        as_sent = redacted(text)
        truth = truths.get(text) or truths.get(as_sent) or Truth(row.key, label)
        truths[text] = truths[as_sent] = truth
        subjects[row.key] = truth.subject
    answer = answer_writer(job_type)
    oracle = LabelOracle(
        truths,
        labels,
        ACCURACY,
        answer,
        ECHO,
        places=places_of(job_type),
        instructions=_instructions(agreed),
    )
    known = {truth.subject: truth.label for truth in truths.values()}
    if not task.planted:
        return Model(oracle, subjects, known)
    wanted = answer(labels[0], 1.0, {})
    orders = {form for order in task.planted.values() for form in (order, redacted(order))}
    gullible = Gullible(oracle, dict.fromkeys(sorted(orders), wanted))
    return Model(gullible, subjects, known)


def _instructions(job_type: JobType) -> str | None:
    """The system prompt of a job that asks for JSON in other words, or not at all."""
    prompt = job_type.prompt
    return None if "json" in f"{prompt.system}{prompt.template}".lower() else prompt.system


def places_of(job_type: JobType) -> tuple[re.Pattern[str], ...]:
    """What stands before a row's text in the prompt: with a fence, and without one."""
    before = ""
    for literal, name in Template(job_type.prompt.template).segments():
        before += re.escape(literal)
        if name == job_type.text_field:
            break
        before += ".*?" if name is not None else ""
    return re.compile(rf"{before}<data-\w+>\n", re.DOTALL), re.compile(before, re.DOTALL)


def answer_writer(job_type: JobType) -> Answer:
    """A function that writes the model's answer in the shape of the job's schema."""
    root = job_type.answer.schema
    graded = job_type.answer.label
    typed = typed_labels(job_type)
    makers = {
        name: member_maker(name, closed(schema, root))
        for name, schema in root["properties"].items()
        if name != graded
    }
    names = list(root["properties"])

    def answer(label: str, score: float, echoed: dict[str, str]) -> str:
        value: dict[str, Any] = dict(echoed)
        for name in names:
            value[name] = typed(label) if name == graded else makers[name](score)
        return msgspec.json.encode(value).decode()

    return answer


def member_maker(name: str, schema: dict[str, Any]) -> Callable[[float], Any]:
    """A function from a score to a value that fits a property: the score itself, if it fits."""
    accepts = jsonschema_rs.validator_for(schema).is_valid
    wants_number = kinds_of(schema) <= {"number", "null"}

    @cache
    def made(score: float) -> Any:
        if wants_number and accepts(score):
            return score
        return conforming(schema, Random(f"{name}/{score}"))

    return made


def label_check(job_type: JobType) -> Callable[[str], bool]:
    """Whether the schema admits a label that is given as text."""
    typed, accepts = typed_labels(job_type), _label_validator(job_type).is_valid
    return lambda label: bool(accepts(typed(label)))


def typed_labels(job_type: JobType) -> Callable[[str], Any]:
    """A function from a label as text to the JSON value that the schema admits for it; the text
    itself, if it admits none."""
    accepts = _label_validator(job_type).is_valid

    @cache
    def typed(label: str) -> Any:
        if accepts(label):
            return label
        try:
            value = msgspec.json.decode(label)
        except (msgspec.DecodeError, RecursionError):
            return label
        return value if accepts(value) else label

    return typed


def _label_validator(job_type: JobType) -> jsonschema_rs.Validator:
    root = job_type.answer.schema
    return jsonschema_rs.validator_for(closed(root["properties"][job_type.answer.label], root))


def known_labels(job_type: JobType, rowset: RowSet) -> tuple[str, ...]:
    """The labels of the job's schema, or else those that its rows know, or else some that fit."""
    if job_type.labels:
        return job_type.labels
    column = job_type.rows.label_column
    known = {row.fields[column] for row in rowset.rows if row.fields[column]} if column else set()
    return tuple(sorted(known)) or invented_labels(job_type)


def invented_labels(job_type: JobType) -> tuple[str, ...]:
    """Labels for a schema that admits many and rows that know none."""
    root = job_type.answer.schema
    schema = closed(root["properties"][job_type.answer.label], root)
    accepts = jsonschema_rs.validator_for(schema).is_valid
    if all(map(accepts, ("yes", "no"))):
        return ("yes", "no")
    drawn = (conforming(schema, Random(f"label/{number}")) for number in range(INVENTED))
    return tuple(dict.fromkeys(label_text(value) for value in drawn if value is not None)) or ("",)


def bound(faults: Sequence[Fault], job_type: JobType, labels: tuple[str, ...]) -> tuple[Fault, ...]:
    """Faults with what only the job knows: which labels there are and where they stand, and which
    kinds of drift its schema can tell."""
    return tuple(_bound(fault, job_type, labels) for fault in faults)


def _bound(fault: Fault, job_type: JobType, labels: tuple[str, ...]) -> Fault:
    if isinstance(fault, WrongButValid) and fault.labels == LABELS_OF_THE_JOB:
        typed = tuple(map(typed_labels(job_type), labels))
        return replace(fault, labels=typed, key=job_type.answer.label)
    if isinstance(fault, SchemaDrift) and fault.kinds == DRIFTS:
        return replace(fault, kinds=_telling_drifts(document_of(job_type), labels[:3]))
    return fault


@lru_cache(maxsize=16)
def _telling_drifts(document: str, labels: tuple[str, ...]) -> tuple[str, ...]:
    """The kinds of drift after which no answer of this job still has the agreed shape.

    Where a label may be any text, a strange one is no drift; where a field may be missing,
    leaving it out is none.

    Args:
        document: the job type as JSON.
    """
    job_type = msgspec.json.decode(document, type=JobType)
    shape = Shape.of(job_type.answer.schema)
    answer = answer_writer(job_type)
    samples = [
        answer(label, score, {REFERENCE_FIELD: "0123456789"})
        for label in labels
        for score in (0.0, 0.37, 1.0)
    ]

    def tells(kind: str) -> bool:
        drawn = (drifted(kind, text, Random(n)) for n in range(DRAWS) for text in samples)
        return not any(text is not None and _passes(text, shape) for text in drawn)

    return tuple(kind for kind in DRIFTS if tells(kind))


def _passes(text: str, shape: Shape) -> bool:
    """Whether an answer still has the agreed shape, and its reference."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    if not isinstance(value, dict) or not isinstance(value.pop(REFERENCE_FIELD, None), str):
        return False
    return bool(shape.validator.is_valid(value))


def hash_of(text: str) -> int:
    """A number that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:4])
