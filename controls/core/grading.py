"""The canary slice, graded: a second opinion that does not ask the gates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from controls.core.answer import Answer, Gate, Quarantined, ResultLine, examined
from controls.core.moment import Grades
from controls.core.rows import Row
from controls.policy import JobType, label_text
from controls.quarantine import Quarantine


def grade(
    job_type: JobType,
    rows: Sequence[Row],
    slice_rows: Sequence[Row],
    answers: dict[int, tuple[ResultLine, str]],
    cost_usd: Decimal,
    *,
    binding: Gate,
) -> Grades:
    """Grade what came back for the slice: `answers` holds line and reference by ordinal."""
    schema = Quarantine(job_type.answer.schema)
    label_column = job_type.rows.label_column
    reasons: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    known = correct = 0
    for row in slice_rows:
        line, reference = answers.get(row.ordinal, (None, ""))
        if line is None or line.kind != "succeeded":
            reasons[line.kind if line else "lost"] += 1
            continue
        verdict = examined((binding, schema), Answer(line.text, line.stop_reason, reference))
        if isinstance(verdict, Quarantined) or verdict.value is None:
            reasons[getattr(verdict, "reason", "empty")] += 1
            continue
        label = label_text(verdict.value.get(job_type.answer.label))
        labels[label] += 1
        if label_column and (truth := row.fields.get(label_column, "")):
            known += 1
            correct += label == truth
    return Grades(
        rows=len(slice_rows),
        bad=reasons.total(),
        bad_reasons=dict(reasons),
        known=known,
        correct=correct,
        labels=dict(labels),
        expected=expected_shares(rows, label_column),
        cost_usd=cost_usd,
        remaining_rows=len(rows) - len(slice_rows),
    )


def expected_shares(rows: Iterable[Row], label_column: str | None) -> dict[str, float]:
    """The share of each label among the known answers of the job; empty without any."""
    if label_column is None:
        return {}
    counts = Counter(label for row in rows if (label := row.fields.get(label_column, "")))
    total = counts.total()
    return {label: count / total for label, count in counts.items()}
