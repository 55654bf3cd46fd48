"""The overview charts: what they show, and that nothing of the library's own page comes along."""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from decimal import Decimal
from xml.etree import ElementTree as ET

from reports import ArmName, Entry, Response
from reports.charts import MOST, charts
from tests.builders_reports import HOSTILE, a_blast, a_drill, a_report, an_arm, three_arms


def test_harm_is_shown_by_drill_and_the_largest_first() -> None:
    """As long as there are few drills; a drill that harmed nobody has no bar."""
    small = an_arm(ArmName.BARE, blast=a_blast(lost=5, wrong=2))
    none = an_arm(ArmName.BARE, blast=a_blast(billed_usd=Decimal(9)))
    report = a_report(
        a_drill(name="small", arms=three_arms(bare=small)),
        a_drill(name="none", arms=three_arms(bare=none)),
        a_drill(name="large"),
    )

    harm = charts(report)[0]

    assert [("large", 1_500, 0), ("small", 7, 0)] == [
        (line.label, line.bare, line.guarded) for line in harm.lines
    ]
    assert "1,507 without the controls, 0 with them" in harm.says


def test_many_drills_are_shown_by_failure_mode() -> None:
    """Their rows are added up."""
    drills = [a_drill(name=f"drill_{n}", failure_mode=f"mode {n % 2}") for n in range(MOST + 2)]

    harm = charts(a_report(*drills))[0]

    expected = [("mode 0", 10_500), ("mode 1", 10_500)]
    assert expected == [(line.label, line.bare) for line in harm.lines]


def test_detection_counts_from_the_first_strike() -> None:
    """An arm in which nothing struck is no arm in which nobody noticed."""
    at_three = Entry(timedelta(hours=3), "fault", "Stall")
    late = Response(at_three, Entry(timedelta(hours=3, minutes=2), "alarm", "late"))
    arms = three_arms(
        bare=an_arm(ArmName.BARE, response=Response(at_three)),
        guarded=an_arm(ArmName.GUARDED, response=late),
    )
    calm = three_arms(
        bare=an_arm(ArmName.BARE, response=Response()),
        guarded=an_arm(ArmName.GUARDED, response=Response()),
    )

    detection = charts(a_report(a_drill(arms=arms), a_drill(name="calm", arms=calm)))[-1]

    seen = [(e.label, e.bare, e.guarded) for e in detection.lines if e.bare or e.guarded]
    assert [("under an hour", 0, 1), ("nobody noticed", 1, 0)] == seen


def test_one_drill_needs_no_chart() -> None:
    """There is nothing to compare."""
    assert charts(a_report()) == []


def test_a_drawing_has_shapes_and_words_and_nothing_else() -> None:
    """No style, script, address or identifier of the library, whatever a drill is called."""
    for text in (HOSTILE["script"], HOSTILE["svg"], HOSTILE["end of style"], "plain"):
        report = a_report(a_drill(name=text), a_drill(name=text + "2"))
        for chart in charts(report):
            root = ET.fromstring(chart.drawing)
            assert {part.tag for part in root.iter()} <= {"svg", "g", "rect", "path", "text"}
            names = {name for part in root.iter() for name in part.attrib}
            assert not names & {"style", "id", "href", "onclick"}
            assert not re.search("http|url", chart.drawing)


def test_the_library_leaves_no_import_hook_behind() -> None:
    """Python 3.11 warns of one like it at each import."""
    charts(a_report(a_drill(), a_drill(name="other")))

    assert not [hook for hook in sys.meta_path if type(hook).__module__.startswith("pygal")]
