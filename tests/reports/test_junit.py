"""JUnit XML: what a CI system makes of a game day."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from reports import Format, GameDayReport, render
from tests.builders_reports import HOSTILE, a_full_report, a_report, with_every_text


def parsed(report: GameDayReport) -> ET.Element:
    """The XML as a parser reads it."""
    return ET.fromstring(render(report, Format.JUNIT))


def cases(report: GameDayReport) -> dict[str, ET.Element]:
    """The test cases by name."""
    return {case.attrib["name"]: case for case in parsed(report).iter("testcase")}


@pytest.mark.parametrize("path", [".", "testsuite"])
def test_the_counts_are_those_of_the_verdicts(path: str) -> None:
    """FAIL is a failure; INCONCLUSIVE and ERROR are errors; nothing is skipped."""
    element = parsed(a_full_report()).find(path)

    assert element is not None
    counts = {key: element.attrib[key] for key in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "2", "skipped": "0"}


@pytest.mark.parametrize(
    ("name", "tag", "kind"),
    [
        ("lost_create_is_not_repeated", "failure", "fail"),
        ("stall_out_of_reach", "error", "inconclusive"),
        ("harness_is_broken", "error", "error"),
    ],
)
def test_every_verdict_but_pass_is_a_problem(name: str, tag: str, kind: str) -> None:
    """With its kind, why, and what to type to see it again."""
    problem = cases(a_full_report())[name].find(tag)

    assert problem is not None
    assert kind == problem.attrib["type"]
    assert problem.attrib["message"]
    assert "again: gameday run" in str(problem.text)


def test_a_passed_drill_has_no_problem() -> None:
    """Properties and a summary, nothing else."""
    case = cases(a_full_report())["expired_rows_are_resent"]

    assert [child.tag for child in case] == ["properties", "system-out"]


def test_each_case_tells_how_to_repeat_it() -> None:
    """In the summary that a CI system shows."""
    outputs = [str(case.findtext("system-out")) for case in cases(a_full_report()).values()]

    assert all("again: gameday run expired_rows_are_resent --seed 7" in text for text in outputs)


def test_a_drill_that_was_not_run_is_no_test() -> None:
    """It is a property and a line of output of the suite."""
    report = a_full_report()

    assert "labels_are_stable" not in cases(report)
    output = str(parsed(report).findtext("testsuite/system-out"))
    assert "labels_are_stable: these rows have no label" in output


def test_an_empty_game_day_is_not_green() -> None:
    """A suite without tests would pass everywhere, so it gets one that does not."""
    root = parsed(replace(a_report(), drills=()))

    assert (root.attrib["tests"], root.attrib["errors"]) == ("1", "1")
    assert root.find("testsuite/testcase/error[@type='inconclusive']") is not None


def test_there_are_no_times() -> None:
    """Wall time would make two runs of one seed differ."""
    assert not [e for e in parsed(a_full_report()).iter() if {"time", "timestamp"} & set(e.attrib)]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_changes_no_element(text: str) -> None:
    """The tree has the same elements and attributes whatever the data says."""
    expected = [(e.tag, list(e.attrib)) for e in parsed(a_full_report()).iter()]

    found = [(e.tag, list(e.attrib)) for e in parsed(with_every_text(a_full_report(), text)).iter()]

    if text:
        assert expected == found
    else:
        assert len(expected) == len(found)
