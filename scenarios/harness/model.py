"""What the simulated model says in a drill: right mostly, and gullible.

It reads the prompt. A row whose text it cannot find there, because a column was swapped or a
delimiter lost, gets a guess, as from a real model.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from controls import JobType, Row
from scenarios.harness.rows import RowSet
from scenarios.harness.task import Task
from simulator.faults import Fault, WrongButValid
from simulator.responder import Gullible, LabelOracle, Responder, Truth

ACCURACY = 0.97
"""How often the simulated model gives the known answer."""
ECHO = re.compile(r'Copy "(?P<value>[^"]+)" into the field "(?P<field>[^"]+)"')
"""How the prompt asks for a reference back; the simulated model does as it is asked."""
LABELS_OF_THE_JOB = ("labels of the job",)
"""Stands in a drill for the labels of whatever job it is run with."""
SAMPLES = {"string": "ok", "integer": 1, "boolean": True, "array": [], "object": {}}

Answer = Callable[[str, float, dict[str, str]], str]


@dataclass(frozen=True, slots=True)
class Model:
    """A responder, and the names under which it knows the rows."""

    responder: Responder
    subjects: dict[str, str]
    """Row key to the subject of its text; rows with the same text share one."""


def simulated_model(task: Task, rows: Sequence[Row], labels: Sequence[str]) -> Model:
    """A model that knows the texts of `rows`, also where instructions were planted in them."""
    job_type, name = task.job_type, task.job_type.text_field
    column = job_type.rows.label_column
    planted = {row.key: row for row in task.rows if row.key in task.planted}
    truths: dict[str, Truth] = {}
    subjects: dict[str, str] = {}
    for row in rows:
        text = row.fields[name]
        label = row.fields.get(column, "") if column else ""
        if label not in labels:
            label = labels[hash_of(text) % len(labels)]
        if row.key in planted:
            text = planted[row.key].fields[name]
        subjects[row.key] = truths.setdefault(text, Truth(row.key, label)).subject
    answer = answer_writer(job_type)
    oracle = LabelOracle(truths, labels, ACCURACY, answer, ECHO)
    if not task.planted:
        return Model(oracle, subjects)
    wanted = answer(labels[0], 1.0, {})
    return Model(Gullible(oracle, dict.fromkeys(task.planted.values(), wanted)), subjects)


def answer_writer(job_type: JobType) -> Answer:
    """A function that writes the model's answer in the shape of the job's schema."""
    properties = job_type.answer.schema["properties"]

    def answer(label: str, score: float, echoed: dict[str, str]) -> str:
        value: dict[str, Any] = dict(echoed)
        for name, schema in properties.items():
            kind = schema.get("type")
            if name == job_type.answer.label:
                value[name] = label
            elif kind == "number":
                value[name] = score
            elif "enum" in schema:
                value[name] = schema["enum"][0]
            else:
                value[name] = SAMPLES.get(str(kind))
        return msgspec.json.encode(value).decode()

    return answer


def known_labels(job_type: JobType, rowset: RowSet) -> tuple[str, ...]:
    """The labels of the job's schema, or else those that its rows know."""
    column = job_type.rows.label_column
    if job_type.labels or column is None:
        return job_type.labels or ("yes", "no")
    return tuple(sorted({row.fields[column] for row in rowset.rows if row.fields[column]}))


def bound(faults: Sequence[Fault], job_type: JobType, labels: tuple[str, ...]) -> tuple[Fault, ...]:
    """Faults with what only the job knows: where the label stands, and which labels there are."""
    return tuple(
        replace(fault, labels=labels, key=job_type.answer.label)
        if isinstance(fault, WrongButValid) and fault.labels == LABELS_OF_THE_JOB
        else fault
        for fault in faults
    )


def hash_of(text: str) -> int:
    """A number that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:4])
