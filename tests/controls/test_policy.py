"""Job types: what is refused before a job exists."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls import ControlError, load_job_type
from controls.policy import (
    AnswerPolicy,
    CanaryPolicy,
    JobType,
    RequeuePolicy,
    RowsPolicy,
    SchedulePolicy,
    SpendPolicy,
    Template,
    WatchdogPolicy,
    check_columns,
    check_job_type,
)
from tests.controls.builders import SCHEMA, a_job_type

JOBS = Path(__file__).parents[2] / "scenarios" / "jobs"


def with_schema(**changes: Any) -> JobType:
    """A job type whose schema is changed."""
    return a_job_type(schema=SCHEMA | changes)


def with_spend(usd: str = "1", cap: int = 128, **limits: str) -> JobType:
    """A job type with these limits."""
    more: dict[str, Any] = {name: Decimal(limit) for name, limit in limits.items()}
    return a_job_type(spend=SpendPolicy(ceiling_usd=Decimal(usd), max_tokens_cap=cap, **more))


def with_canary(**changes: Any) -> JobType:
    """A job type with this canary."""
    return a_job_type(canary=CanaryPolicy(**changes))


def with_schedule(**changes: Any) -> JobType:
    """A job type with this schedule."""
    return a_job_type(schedule=SchedulePolicy(**changes))


def with_watchdog(**changes: Any) -> JobType:
    """A job type with this watchdog."""
    return a_job_type(watchdog=WatchdogPolicy(**changes))


def a_deep_schema(levels: int) -> dict[str, Any]:
    """A list of lists of lists."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


@pytest.mark.parametrize("path", sorted(JOBS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_job_that_ships_holds(path: Path) -> None:
    """The examples pass their own rules."""
    check_job_type(load_job_type(path))


def test_a_policy_that_holds_is_accepted() -> None:
    """The builder's policy breaks no rule."""
    check_job_type(a_job_type())


@pytest.mark.parametrize(
    ("job_type", "complaint"),
    [
        (a_job_type(template="Say hello."), "without any {column}"),
        (a_job_type(template="{text} {email}"), "uses email in its template but does not allow"),
        (a_job_type(template="{text} {b} {a}"), "uses a, b in its template"),
        (a_job_type(template="{text"), "template cannot be read"),
        (a_job_type(template="{}"), "not a column name"),
        (a_job_type(template="{text.__class__}"), "not a column name"),
        (a_job_type(template="{text[0]}"), "not a column name"),
        (a_job_type(template="{text!r}"), "not a column name"),
        (a_job_type(template="{text:>9}"), "not a column name"),
        (with_schema(type="array"), "answers of any shape"),
        (with_schema(additionalProperties=True), "answers of any shape"),
        (with_schema(additionalProperties={}), "answers of any shape"),
        (with_schema(properties={"score": {}}), "grades 'label'"),
        (with_schema(properties={"label": {}, "ref": {}}), "has a property 'ref'"),
        (with_schema(required="label"), "not a JSON Schema"),
        (with_schema(properties={"label": {"type": "strnig"}}), "not a JSON Schema"),
        (with_schema(properties={"label": {"$ref": "http://127.0.0.1:9/x"}}), "leads out of it"),
        (with_schema(properties={"label": {"$ref": "other.json"}}), "leads out of it"),
        (with_schema(properties={"label": {"anyOf": [{"$ref": "x"}]}}), "leads out of it"),
        (with_schema(properties=5), "not a JSON Schema: 5 is not of type"),
        (with_schema(properties={"label": a_deep_schema(70)}), "deeper than 64 levels"),
        (with_schema(properties={"label": {"type": "array"}}), "is a list or an object"),
        (
            a_job_type(rows=RowsPolicy(allowed_fields=("text",), text="body")),
            "has 'body' for rows.text, which its template does not use",
        ),
        (a_job_type(max_tokens=0), "asks for 0 output tokens in prompt.max_tokens"),
        (a_job_type(max_tokens=-1), "asks for -1 output tokens"),
        (a_job_type(max_tokens=129), "asks for 129 .* spend.max_tokens_cap is 128"),
        (with_canary(min_rows=0), "has 0 for canary.min_rows"),
        (with_canary(min_rows=-3), "has -3 for canary.min_rows"),
        (
            a_job_type(rows=RowsPolicy(allowed_fields=("text",), sensitive={"cards": "allow"})),
            "says what happens to 'cards', which nothing looks for",
        ),
        (a_job_type(approved_by=" "), "names nobody who approved it"),
        (a_job_type(owner=""), "nobody to page"),
        (with_spend("0"), "no spend ceiling above zero"),
        (with_spend("-1"), "no spend ceiling above zero"),
        (with_spend("NaN"), "no spend ceiling above zero"),
        (with_spend("Infinity"), "no spend ceiling above zero"),
        (with_spend(cap=0), "caps output below one token"),
        (with_spend(approvable_usd="NaN"), "lets a person approve an amount that is none"),
        (with_spend(approvable_usd="Infinity"), "lets a person approve"),
        (with_spend(team_usd_per_day="0"), "a ceiling for the team's day"),
        (with_spend(team_usd_per_day="-1"), "a ceiling for the team's day"),
        (with_spend(team_usd_per_day="NaN"), "a ceiling for the team's day"),
        (with_spend(team_usd_per_day="Infinity"), "a ceiling for the team's day"),
        (with_canary(share=0), "a canary share of 0"),
        (with_canary(share=1.1), "a canary share of 1.1"),
        (with_canary(share=float("nan")), "a canary share of nan"),
        (with_canary(max_bad_share=0), "cannot decide"),
        (with_canary(max_bad_share=1), "cannot decide"),
        (with_canary(confidence=1), "cannot decide"),
        (with_canary(min_accuracy=1.5), "is no share"),
        (with_canary(max_label_shift=float("nan")), "is no share"),
        (a_job_type(requeue=RequeuePolicy(max_rounds=-1)), "negative number of rounds"),
        (with_schedule(priority=10), "a priority of 10"),
        (with_schedule(priority=-10), "a priority of -10"),
        (with_schedule(priority=-1, window=(22, 24)), r"the window \[22, 24\]"),
        (with_schedule(priority=-1, window=(6, 6)), r"the window \[6, 6\]"),
        (with_schedule(window=(22, 6)), "its priority says that it cannot wait"),
        (with_schedule(deadline_hours=0), "a deadline after 0 hours"),
        (with_schedule(deadline_hours=float("nan")), "a deadline after nan hours"),
        (with_watchdog(warn_errored_share=0.6), "stops before it warns"),
        (with_watchdog(warn_errored_share=0), "at a share that is none"),
        (with_watchdog(stop_errored_share=1.1), "at a share that is none"),
        (with_watchdog(warn_errored_rows=200), "stops before it warns"),
        (with_watchdog(warn_hours=24), "warns when the 24 hours"),
        (with_watchdog(grace_hours=float("nan")), "warns when the 24 hours"),
    ],
)
def test_a_policy_that_cannot_hold_is_refused(job_type: JobType, complaint: str) -> None:
    """Each rule, with what is wrong and a way out."""
    with pytest.raises(ControlError, match=complaint) as caught:
        check_job_type(job_type)

    assert caught.value.fix


def test_schedule_and_watchdog_are_read_from_the_file(tmp_path: Path) -> None:
    """Every setting by its name; what is not set keeps its default."""
    path = tmp_path / "job.toml"
    path.write_text(
        (JOBS / "tickets.toml").read_text()
        + "\n[schedule]\npriority = -1\nwindow = [22, 6]\ndeadline_hours = 72"
        + "\n[watchdog]\nstop_errored_share = 0.25\n"
    )
    job_type = load_job_type(path)

    assert SchedulePolicy(priority=-1, window=(22, 6), deadline_hours=72) == job_type.schedule
    assert WatchdogPolicy(stop_errored_share=0.25) == job_type.watchdog


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name =", "is not TOML"),
        ("name = 'x'", "does not describe a job type"),
        ("\x00", "is not TOML"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    """The file is named and the first problem told."""
    path = tmp_path / "job.toml"
    path.write_text(text)

    with pytest.raises(ControlError, match=complaint):
        load_job_type(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """TOML is UTF-8."""
    path = tmp_path / "job.toml"
    path.write_bytes(b'name = "\xff"')

    with pytest.raises(ControlError, match="is not TOML"):
        load_job_type(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """With the path."""
    with pytest.raises(ControlError, match=r"nowhere\.toml cannot be read"):
        load_job_type(tmp_path / "nowhere.toml")


def test_a_misspelt_setting_is_refused(tmp_path: Path) -> None:
    """A ceiling that nobody reads protects nobody."""
    text = (JOBS / "tickets.toml").read_text().replace("ceiling_usd", "cieling_usd")
    path = tmp_path / "job.toml"
    path.write_text(text)

    with pytest.raises(ControlError, match="cieling_usd"):
        load_job_type(path)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_a_template_is_read_or_refused(text: str) -> None:
    """Any text: either segments that, written out, are the same template, or a ControlError."""
    try:
        segments = Template(text).segments()
    except ControlError:
        return
    again = "".join(
        literal.replace("{", "{{").replace("}", "}}") + ("" if name is None else f"{{{name}}}")
        for literal, name in segments
    )

    assert segments == Template(again).segments()


def test_a_template_knows_its_gaps_in_order() -> None:
    """Doubled braces are braces."""
    template = Template("{{{a}}} and {b c}, {a}")

    assert ["a", "b c", "a"] == list(template.fields())
    assert [
        ("{", None),
        ("", "a"),
        ("}", None),
        (" and ", "b c"),
        (", ", "a"),
    ] == template.segments()


def test_the_text_is_the_first_field_unless_said_otherwise() -> None:
    """Drills and the simulated model ask for it."""
    named = RowsPolicy(allowed_fields=("a", "b"), text="b")

    assert "a" == a_job_type(template="{a} {b}").text_field
    assert "b" == a_job_type(template="{a} {b}", rows=named).text_field


def test_labels_are_those_that_the_schema_lists() -> None:
    """In its order; none where it lists none."""
    free = msgspec.structs.replace(a_job_type().answer, schema=SCHEMA | {"properties": {}})

    assert ("pos", "neg") == a_job_type().labels
    assert () == a_job_type(answer=free).labels


@pytest.mark.parametrize(
    ("label", "labels"),
    [
        ({"enum": ["b", "a", "b"]}, ("b", "a")),
        ({"type": ["string", "null"], "enum": ["a", None]}, ("a",)),
        ({"type": "integer", "enum": [1, 2]}, ("1", "2")),
        ({"type": "boolean"}, ("false", "true")),
        ({"const": "only"}, ("only",)),
        ({"anyOf": [{"const": "x"}, {"enum": [7]}, {"type": "null"}]}, ("x", "7")),
        ({"anyOf": [{"const": "x"}, {"type": "string"}]}, ()),
        ({"$ref": "#/$defs/deep/L"}, ("l",)),
        ({"$ref": "#/$defs/loop"}, ()),
        ({"type": "string"}, ()),
        (True, ()),
    ],
)
def test_labels_are_found_wherever_a_schema_lists_them(
    label: object, labels: tuple[str, ...]
) -> None:
    """As text, as a column of known answers holds them."""
    defs = {"deep": {"L": {"enum": ["l"]}}, "loop": {"$ref": "#/$defs/loop"}}

    assert labels == with_schema(properties={"label": label}, **{"$defs": defs}).labels


def test_a_file_that_breaks_a_rule_is_named(tmp_path: Path) -> None:
    """Whoever has several job files knows which one to open."""
    path = tmp_path / "job.toml"
    path.write_text(
        (JOBS / "tickets.toml").read_text().replace("max_tokens = 64", "max_tokens = 0")
    )

    with pytest.raises(ControlError, match=r"^In .*job\.toml: The job type .* asks for 0"):
        load_job_type(path)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", r"describe a job type: Object missing required field `max_tokens` - at `\$\.prompt`"),
        ("max_tokens = null", r"is not TOML: Invalid value \(at line \d+"),
        ("max_tokens = false", r"Expected `int \| null`, got `bool` - at `\$\.prompt\.max_tokens`"),
    ],
)
def test_a_file_without_a_bound_for_answers_is_refused(
    line: str, told: str, tmp_path: Path
) -> None:
    """TOML knows no null: whoever leaves it out has forgotten it."""
    path = tmp_path / "job.toml"
    path.write_text((JOBS / "tickets.toml").read_text().replace("max_tokens = 64", line))

    with pytest.raises(ControlError, match=told):
        load_job_type(path)


@pytest.mark.parametrize(
    ("rows", "columns", "complaint", "hint"),
    [
        ({}, ("texts", "id"), "no column 'text', but the template uses it", "'texts'?"),
        ({}, ("id",), "no column 'text'", "There are: id."),
        ({"key": "id"}, ("text",), "no column 'id', but it identifies a row", "There are: text."),
        ({"text": "body"}, ("text",), "'body', but it is named in rows.text", "There are"),
        ({"label_column": "truth"}, ("text",), "'truth', but it holds the known", "There are"),
    ],
)
def test_rows_without_a_needed_column_are_refused(
    rows: dict[str, Any], columns: tuple[str, ...], complaint: str, hint: str
) -> None:
    """With the reason, and the nearest column that exists."""
    job_type = a_job_type(rows=RowsPolicy(allowed_fields=("text",), **rows))

    with pytest.raises(ControlError, match=complaint) as caught:
        check_columns(job_type, columns)

    assert hint in caught.value.fix


def test_rows_with_all_columns_are_accepted() -> None:
    """More columns than needed are fine."""
    check_columns(a_job_type(), ("id", "text"))


def test_an_answer_policy_grades_label_by_default() -> None:
    """The usual name."""
    assert "label" == AnswerPolicy(schema=SCHEMA).label
