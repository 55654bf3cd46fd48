"""Counting labels, and known answers that are right, for the canary and the ramp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from controls.core.book import Tally
from controls.core.rows import Row
from controls.policy import JobType, label_text

LABELS_COUNTED = 10_000
"""Different labels of one batch; what comes beyond is not counted, a canary has seen enough."""


def grader(job_type: JobType, tally: Tally) -> Callable[[Row, dict[str, Any]], None]:
    """What counts one accepted answer."""
    field, column, labels = job_type.answer.label, job_type.rows.label_column, tally.labels

    def grade(row: Row, value: dict[str, Any]) -> None:
        label = value.get(field)
        name = label if label.__class__ is str else label_text(label)
        if name in labels:
            labels[name] += 1
        elif len(labels) < LABELS_COUNTED:
            labels[name] = 1
        if column and (truth := row.fields.get(column, "")):
            tally.known += 1
            tally.correct += name == truth

    return grade
