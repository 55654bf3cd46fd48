"""`report.json`: written, read back, and refused with one clear message."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports import (
    SCHEMA_VERSION,
    Format,
    GameDayReport,
    ReportError,
    load,
    render,
)
from reports.json_report import read
from tests.builders_reports import HOSTILE, a_drill, a_full_report, a_report, with_every_text

CENTURY = timedelta(days=36_500)


def joined(text: str) -> str:
    """A high and a low surrogate side by side mean one character in JSON."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(exclude_categories=()), max_size=8).map(joined),
    int: st.integers(),
    bool: st.booleans(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    timedelta: st.timedeltas(min_value=-CENTURY, max_value=CENTURY),
    datetime: st.datetimes(
        min_value=datetime(2, 1, 1),  # noqa: DTZ001 - Hypothesis wants a naive bound
        max_value=datetime(9998, 1, 1),  # noqa: DTZ001 - Hypothesis wants a naive bound
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
    ),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type of the model."""
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(
            kind, **{field.name: values_of(hints[field.name]) for field in fields(kind)}
        )
    if get_origin(kind) is tuple:
        return st.lists(values_of(get_args(kind)[0]), max_size=2).map(tuple)
    if get_args(kind):
        return st.one_of(
            [st.none() if part is type(None) else values_of(part) for part in get_args(kind)]
        )
    return st.sampled_from(kind) if issubclass(kind, Enum) else LEAVES[kind]


@settings(deadline=None, max_examples=50)
@given(values_of(GameDayReport))
def test_every_report_comes_back_as_it_went(report: GameDayReport) -> None:
    """Every field of every value survives, whatever it holds."""
    assert report == read(render(report, Format.JSON))[0]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_comes_back_as_it_went(text: str) -> None:
    """Unlike the other formats this one keeps every character."""
    report = with_every_text(a_full_report(), text)

    assert report == read(render(report, Format.JSON))[0]


def test_the_head_is_for_readers() -> None:
    """Schema, verdict and counts stand at the top."""
    document = json.loads(render(a_full_report(), Format.JSON))

    assert list(document)[:3] == ["schema_version", "verdict", "counts"]
    assert document["counts"] == {"PASS": 1, "INCONCLUSIVE": 1, "FAIL": 1, "ERROR": 1}
    assert (document["verdict"], document["schema_version"]) == ("ERROR", SCHEMA_VERSION)


@pytest.mark.parametrize(
    "head",
    [
        {"verdict": "PASS"},
        {"counts": {"PASS": 4, "INCONCLUSIVE": 0, "FAIL": 0, "ERROR": 0}},
        {"counts": {}},
        {"verdict": None},
    ],
)
def test_the_head_is_not_believed(head: dict[str, Any]) -> None:
    """It is counted again, and a file that says something else is refused."""
    document = json.loads(render(a_full_report(), Format.JSON)) | head

    with pytest.raises(ReportError, match="does not follow from the drills"):
        load(json.dumps(document))


def test_a_key_that_stands_twice_is_refused() -> None:
    """Readers differ in which of the two they believe."""
    text = render(a_report(), Format.JSON)

    with pytest.raises(ReportError, match="'verdict' stands there twice"):
        load(text.replace('"verdict": "PASS"', '"verdict": "FAIL", "verdict": "PASS"', 1))


def test_values_are_written_in_readable_forms() -> None:
    """Money as text, time in UTC, durations in seconds, enums by name."""
    document = json.loads(render(a_report(), Format.JSON))
    arm = document["drills"][0]["arms"][0]

    assert document["started_at"] == "2026-01-01T00:00:00Z"
    assert document["drills"][0]["verdict"] == "PASS"
    assert (arm["arm"], arm["lasted"], arm["blast"]["billed_usd"]) == ("calm", 1200, "1.05")
    assert arm["findings"][0]["outcome"] == "held"


def test_a_file_is_utf_8_and_readable() -> None:
    """Letters stay letters; only hidden characters are escaped."""
    text = render(a_report(job="Prüfung 漢字 \u202e"), Format.JSON)

    assert r'"job": "Prüfung 漢字 \u202e"' in text


@pytest.mark.parametrize("path", [(), ("drills", 0), ("drills", 0, "arms", 1, "findings", 0)])
def test_an_unknown_key_is_refused(path: tuple[str | int, ...]) -> None:
    """A report is not judged by half: what the key says might matter."""
    document = json.loads(render(a_report(), Format.JSON))
    change(*path, "mood", to="calm")(document)

    with pytest.raises(ReportError, match=r"does not know the key.*mood"):
        load(json.dumps(document))


def test_a_key_with_a_default_may_be_missing() -> None:
    """An older writer did not know it."""
    document = json.loads(render(a_report(), Format.JSON))
    del document["drills"][0]["error"]

    assert a_report() == load(json.dumps(document))


def test_a_time_without_a_zone_is_refused_when_writing() -> None:
    """It would mean another instant on another machine."""
    naive = a_report(started_at=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the mistake

    with pytest.raises(ReportError, match="no zone"):
        render(naive, Format.JSON)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "line 1, column 2"),
        ("PK\x03\x04", "not JSON"),
        ("[]", "Expected an object, found an array"),
        ("null", "found null"),
        ("NaN", "not a number that JSON knows"),
        ("[" * 100_000, "nested too deep"),
        ("1" * 5_000, "without end"),
        ("{}", "not a report of gameday"),
        ('{"schema_version": 1}', "not a report of gameday"),
        ('{"schema_version": "1.1"}', "schema '1.1'; this gameday reads"),
        ('{"schema_version": "3.0"}', "schema '3.0'; this gameday reads"),
        ('{"schema_version": "2.0"}', "A key is missing. At seed."),
    ],
)
def test_what_is_not_a_report_is_refused(text: str, message: str) -> None:
    """One message with what, where, and how to fix it."""
    with pytest.raises(ReportError) as caught:
        load(text)

    assert message in str(caught.value)
    assert caught.value.fix in str(caught.value)


def change(*path: str | int, to: object) -> Callable[[Any], None]:
    """Put another value in the place that `path` leads to."""

    def apply(document: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = to

    return apply


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (change("seed", to="7"), 'Expected a whole number, found "7". At seed.'),
        (change("seed", to=True), "Expected a whole number, found true or false."),
        (change("seed", to=7.5), "Expected a whole number, found a number."),
        (change("job", to=None), "Expected text, found null. At job."),
        (change("drills", to={}), "Expected an array, found an object. At drills."),
        (change("drills", 0, to=[]), "Expected an object, found an array. At drills[0]."),
        (change("started_at", to="noon"), "Expected a time such as"),
        (change("started_at", to="2026-01-01T00:00:00"), "with its zone"),
        (change("drills", 0, "verdict", to="GREEN"), "one of PASS, INCONCLUSIVE, FAIL, ERROR"),
        (change("drills", 0, "verdict", to=0), "one of PASS"),
        (change("drills", 0, "verdict", to={}), "one of PASS"),
        (change("drills", 0, "arms", 0, "arm", to="PASS"), "one of calm, bare, guarded"),
        (change("drills", 0, "arms", 0, "held", to=1), "Expected true or false, found a number"),
        (change("drills", 0, "arms", 1, "lasted", to="1h"), "At drills[0].arms[1].lasted."),
        (change("drills", 0, "arms", 1, "lasted", to=1e300), "that a calendar can hold"),
        (
            change("drills", 0, "arms", 1, "response", "struck", "at", to=False),
            "a number of seconds",
        ),
        (change("drills", 0, "arms", 0, "blast", "billed_usd", to=1.05), "an amount as text"),
        (change("drills", 0, "arms", 0, "blast", "billed_usd", to="$1"), 'found "$1"'),
        (change("drills", 0, "arms", 0, "blast", "billed_usd", to="NaN"), "a finite amount"),
        (change("job", to=["\x1b"]), "found an array"),
        (change("seed", to="\x1b[31m" * 99), r"\x1b[31m"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(spoil: Callable[[Any], None], message: str) -> None:
    """The reader learns which value of which drill is wrong, and nothing hidden reaches him."""
    document = json.loads(render(a_report(a_drill()), Format.JSON))
    spoil(document)

    with pytest.raises(ReportError) as caught:
        load(json.dumps(document))

    assert message in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400
