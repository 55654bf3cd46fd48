"""Jobs and rows that cannot go together are refused before anything runs, with the field's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from controls import JobType, Row, load_job_type
from scenarios.harness.door import check_door
from scenarios.harness.errors import UsageError
from scenarios.harness.game import DEFAULT_JOB, open_game
from scenarios.harness.model import known_labels
from scenarios.harness.rows import RowSet
from scenarios.harness.tickets import tickets

JOB = load_job_type(DEFAULT_JOB)
ROWS = tickets(0, 150)


def changed(part: str = "", **changes: Any) -> JobType:
    """The default job with another value in one of its parts."""
    inner = getattr(JOB, part)
    return msgspec.structs.replace(JOB, **{part: msgspec.structs.replace(inner, **changes)})


def answering(properties: Mapping[str, Any], label: str = "label", **schema: Any) -> JobType:
    """The default job with other properties, all of them required."""
    whole = {**JOB.answer.schema, "properties": dict(properties), "required": list(properties)}
    return changed("answer", schema=whole | schema, label=label)


def refused(job: JobType, rows: RowSet = ROWS) -> str:
    """The complaint at the door."""
    with pytest.raises(UsageError) as caught:
        check_door(job, rows, known_labels(job, rows), Path("job.toml"))
    assert caught.value.what.startswith("In job.toml: ")
    assert caught.value.fix
    assert "\n" not in str(caught.value)
    return caught.value.what


LABEL = JOB.answer.schema["properties"]["label"]


@pytest.mark.parametrize(
    ("job", "says"),
    [
        (changed("prompt", model="claude-none-9"), "prompt.model = 'claude-none-9': There is no"),
        (
            changed("prompt", max_tokens=128_001),
            "prompt.max_tokens = 128,001, but claude-sonnet-5-5 writes 128,000 at most",
        ),
        (changed("prompt", max_tokens=5), "prompt.max_tokens = 5 cuts off the answers"),
        (
            changed("spend", ceiling_usd=Decimal("0.01")),
            "spend.ceiling_usd = 0.01, but the worst case of 150 rows is more than $0.0",
        ),
        (
            changed("canary", min_rows=5),
            "canary.min_rows = 5 makes a canary of 5 of 150 rows; it takes 24",
        ),
        (changed("canary", min_accuracy=0.97), "canary.min_accuracy = 0.97, but the simulated"),
        (
            changed("canary", min_accuracy=0.96),
            "takes 40 of 150 rows, but it takes 74 to prove canary.min_accuracy = 0.96",
        ),
        (answering({"label": LABEL, "Label": {}}), "'label' and 'Label' differ in case alone"),
        (answering({"label": LABEL, " ": {}}), "the property ' ' cannot be the name"),
        (answering({"label": LABEL, "a\0b": {}}), "cannot be the name of a column"),
        (
            answering({"label": LABEL, **{f"p{n}": {"const": 1} for n in range(2_100)}}),
            "no table can be made of the properties",
        ),
        (answering({"label": {"type": "integer"}}), "a known answer of the rows, does not fit"),
        (answering({"label": LABEL}, minProperties=3), "cannot make up an answer that fits"),
        (answering({"label": LABEL, "x": False}), "cannot make up an answer that fits"),
        (
            answering({"label": LABEL, "x": {"type": "string", "pattern": "^(?=.*z)[a-z]{9}$"}}),
            "cannot make up an answer that fits [answer.schema]: x: ",
        ),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_job_that_no_calm_day_could_hold_for_is_refused(job: JobType, says: str) -> None:
    """The file, the field, its value, and what to write instead."""
    assert says in refused(job)


def test_a_model_that_is_priced_and_retired_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A price alone does not make it answer."""
    monkeypatch.setattr("scenarios.harness.door.working_model", lambda _: None)

    assert "which does not answer any more" in refused(JOB)


def test_rows_that_all_say_the_same_are_refused() -> None:
    """Nothing could tell their answers apart; one row alone is not all the same."""
    same = tuple(
        Row(row.ordinal, row.key, {**row.fields, "body": "hello"}) for row in ROWS.rows[:40]
    )

    assert "all 40 rows of support tickets made from seed 0 say the same there: 'hello'" in (
        refused(JOB, replace(ROWS, rows=same))
    )
    check_door(JOB, replace(ROWS, rows=same[:1]), JOB.labels, DEFAULT_JOB)


def test_a_small_file_is_its_own_canary() -> None:
    """Where the slice is everything, nothing has to be proved by its size."""
    small = replace(ROWS, rows=ROWS.rows[:10])

    check_door(changed("canary", min_rows=10), small, JOB.labels, DEFAULT_JOB)


def test_a_game_is_opened_through_the_door(tmp_path: Path) -> None:
    """What the door refuses never becomes a game."""
    job = tmp_path / "job.toml"
    job.write_text(DEFAULT_JOB.read_text().replace("claude-sonnet-5-5", "claude-none-9"))

    with pytest.raises(UsageError, match=r"In .*job\.toml: prompt\.model = 'claude-none-9'"):
        open_game(None, job, 0)
