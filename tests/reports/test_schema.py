"""The published schema of `report.json`: as the model is, and as strict as its reader."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings

from reports import Format, GameDayReport, render
from reports.kills import Fate
from reports.model import SCHEMA_VERSION
from reports.schema import FILE, NAME, as_text, build
from tests.builders_reports import a_full_report, a_matrix, a_report
from tests.reports.test_json_report import values_of

SCHEMA = jsonschema_rs.validator_for(build(), validate_formats=True)


def a_document(report: GameDayReport) -> Any:
    """The report as its file holds it."""
    return json.loads(render(report, Format.JSON))


def test_the_published_file_is_what_the_model_says() -> None:
    """Who changes the model runs `python -m reports.schema`."""
    assert as_text() == FILE.read_text("utf-8")


def test_the_schema_is_sound_and_has_a_name_with_its_version() -> None:
    """By the meta-schema of draft 2020-12."""
    jsonschema_rs.meta.validate(build())

    assert NAME == build()["$id"]
    assert NAME.endswith(f":{SCHEMA_VERSION}")


@pytest.mark.parametrize(
    "report", [a_report(), a_full_report(), a_report(kills=a_matrix(Fate.KILLED, Fate.VOID))]
)
def test_every_report_fits(report: GameDayReport) -> None:
    """One of each verdict, an empty one, and one with a kill matrix."""
    assert [] == [str(error) for error in SCHEMA.iter_errors(a_document(report))]


@settings(deadline=None, max_examples=25)
@given(values_of(GameDayReport))
def test_every_report_that_can_be_built_fits(report: GameDayReport) -> None:
    """Whatever its texts, times and amounts are."""
    assert [] == [str(error) for error in SCHEMA.iter_errors(a_document(report))]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema_version",), "1.1"),
        (("surprise",), True),
        (("drills", 0, "verdict"), "GREEN"),
        (("drills", 0, "arms", 0, "held"), 1),
        (("drills", 0, "arms", 0, "blast", "billed_usd"), 1.05),
        (("started_at",), "yesterday"),
        (("seed",), None),
    ],
)
def test_what_the_reader_refuses_does_not_fit(path: tuple[Any, ...], value: object) -> None:
    """A type, a name or a key that is none of the model's."""
    document = a_document(a_report())
    *way, last = path
    place = document
    for step in way:
        place = place[step]
    place[last] = value

    assert not SCHEMA.is_valid(document)


def test_every_field_says_what_it_is() -> None:
    """The docstrings of the model are the descriptions of the schema."""
    arm = build()["$defs"]["ArmReport"]

    assert arm["properties"]["lasted"]["description"] == "Virtual time from start to end."
    assert arm["description"] == "One arm of one drill, judged."
