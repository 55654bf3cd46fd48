"""The canary slice, graded."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from controls import RowBinding
from controls.core.answer import ResultLine, Usage, read_line
from controls.core.grading import expected_shares, grade
from controls.core.moment import Grades
from controls.policy import RowsPolicy
from tests.controls.builders import a_job_type, a_line, a_row, rows

REFERENCE = "0123456789"


def graded(text: str = "", line: ResultLine | None = None, **changes: Any) -> Grades:
    """The grades of a slice of one row of three, which got this answer."""
    job_type = a_job_type(labels_in=changes.get("labels_in"))
    job_rows = changes.get("rows", rows(3, truth="pos"))
    answer = line or read_line(a_line(text=text))
    assert isinstance(answer, ResultLine)
    return grade(
        job_type,
        job_rows,
        job_rows[:1],
        {} if changes.get("missing") else {0: (answer, REFERENCE)},
        Decimal("0.5"),
        binding=RowBinding(),
    )


def without_text(kind: str) -> ResultLine:
    """A line of a row without an answer."""
    return ResultLine("t-j-0", kind, "", None, "api_error", Usage(), b"")


GOOD = f'{{"label":"pos","score":0.5,"ref":"{REFERENCE}"}}'


def test_a_good_answer_is_good_and_its_label_counts() -> None:
    """Valid, bound to its row, and right."""
    assert Grades(
        rows=1,
        bad=0,
        bad_reasons={},
        known=1,
        correct=1,
        labels={"pos": 1},
        expected={"pos": 1.0},
        cost_usd=Decimal("0.5"),
        remaining_rows=2,
    ) == graded(GOOD, labels_in="truth")


def test_a_valid_answer_may_be_wrong() -> None:
    """It is not bad, but not correct either."""
    grades = graded(GOOD.replace("pos", "neg"), labels_in="truth")

    assert (0, 1, 0, {"neg": 1}) == (grades.bad, grades.known, grades.correct, grades.labels)


def test_labels_that_are_no_text_are_graded_as_their_json() -> None:
    """A column of known answers says `true`, not `True`."""
    schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"label": {"type": "boolean"}},
    }
    line = read_line(a_line(text=f'{{"label":true,"ref":"{REFERENCE}"}}'))
    assert isinstance(line, ResultLine)
    job_type = a_job_type(
        schema=schema, rows=RowsPolicy(allowed_fields=("text",), label_column="truth")
    )
    row = a_row(0, truth="true")
    grades = grade(job_type, [row], [row], {0: (line, REFERENCE)}, Decimal(1), binding=RowBinding())

    assert (0, 1, 1, {"true": 1}) == (grades.bad, grades.known, grades.correct, grades.labels)


def test_without_known_answers_nothing_is_known() -> None:
    """No label column, or nothing in it."""
    empty = (a_row(0, truth=""), a_row(1, truth="pos"))

    assert (0, {}) == (graded(GOOD).known, graded(GOOD).expected)
    assert 0 == graded(GOOD, labels_in="truth", rows=empty).known


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("Hello!", "not_json"),
        ('{"label":"pos","score":0.5}', "off_task"),
        (GOOD.replace(REFERENCE, "9876543210"), "wrong_row"),
        (GOOD.replace("0.5", "true"), "schema"),
    ],
)
def test_an_answer_that_would_be_quarantined_is_bad(text: str, reason: str) -> None:
    """By the schema of the policy and the binding, not by the gate under test."""
    assert (1, {reason: 1}) == (graded(text).bad, graded(text).bad_reasons)


@pytest.mark.parametrize("kind", ["errored", "expired", "canceled"])
def test_a_row_without_an_answer_is_bad(kind: str) -> None:
    """Whatever the service says of it."""
    assert {kind: 1} == graded(line=without_text(kind)).bad_reasons


def test_a_row_that_did_not_come_back_is_bad() -> None:
    """Missing is not good."""
    assert {"lost": 1} == graded(missing=True).bad_reasons


def test_expected_shares_are_those_of_the_known_answers() -> None:
    """Rows without a known answer say nothing."""
    known = [a_row(0, truth="a"), a_row(1, truth="a"), a_row(2, truth="b"), a_row(3, truth="")]

    assert {"a": 2 / 3, "b": 1 / 3} == expected_shares(known, "truth")
    assert {} == expected_shares(known, None)
    assert {} == expected_shares(known, "nothing")
