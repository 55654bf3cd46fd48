"""JUnit XML, for the test tab of a CI system.

Such a tab knows no INCONCLUSIVE. It becomes an `<error>`, never a skip: a drill that proved
nothing must not look green. There are no times, so that the same seed gives the same bytes.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from reports.model import DrillReport, GameDayReport, Verdict
from reports.phrases import as_expected, headline, held_or_broke, other_troubles, own_words
from reports.text import drill_lines
from reports.untrusted import shown, shown_command, shown_end

TAGS = {Verdict.FAIL: "failure", Verdict.INCONCLUSIVE: "error", Verdict.ERROR: "error"}


def render_junit(report: GameDayReport) -> str:
    """One suite for the game day, one case for each drill that was run."""
    failures = report.count(Verdict.FAIL)
    errors = report.count(Verdict.INCONCLUSIVE) + report.count(Verdict.ERROR)
    counts = {
        "tests": str(len(report.drills) or 1),
        "failures": str(failures),
        "errors": str(errors if report.drills else 1),
        "skipped": "0",
    }
    root = ET.Element("testsuites", {"name": "gameday", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": f"gameday {shown(report.job)}", **counts})
    _properties(suite, _suite_facts(report))
    for drill in report.drills:
        _testcase(suite, drill)
    if not report.drills:
        _empty_game_day(suite, report)
    if report.not_applicable:
        ET.SubElement(suite, "system-out").text = _not_applicable(report)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _testcase(suite: ET.Element, drill: DrillReport) -> None:
    case = ET.SubElement(suite, "testcase", classname="gameday", name=shown(drill.name))
    _properties(case, _drill_facts(drill))
    if tag := TAGS.get(drill.verdict):
        problem = ET.SubElement(case, tag, type=drill.verdict.name.lower(), message=_message(drill))
        problem.text = _details(drill)
    ET.SubElement(case, "system-out").text = "\n".join(drill_lines(drill))


def _message(drill: DrillReport) -> str:
    """The headline that a CI system shows: the verdict's reason, and the pipeline's own."""
    problem = drill.error.strip().splitlines()[-1:]
    return shown("; ".join([drill.because, *own_words(drill), *problem]))


def _details(drill: DrillReport) -> str:
    reasons = dict.fromkeys([drill.because, *own_words(drill), *other_troubles(drill)])
    lines = [*map(shown, reasons)]
    if drill.error:
        lines.append(shown_end(drill.error))
    return "\n".join([*lines, f"again: {shown_command(drill.replay)}"])


def _empty_game_day(suite: ET.Element, report: GameDayReport) -> None:
    """An empty suite would be green."""
    case = ET.SubElement(suite, "testcase", classname="gameday", name="some drill was run")
    ET.SubElement(case, "error", type="inconclusive", message=headline(report))


def _suite_facts(report: GameDayReport) -> list[tuple[str, str]]:
    return [
        ("verdict", report.verdict.name),
        ("headline", headline(report)),
        ("seed", str(report.seed)),
        ("job", report.job),
        ("rows", f"{report.rows} from {report.rows_source}"),
        ("command", report.command),
        *(("not applicable", f"{drill.name}: {drill.why}") for drill in report.not_applicable),
    ]


def _drill_facts(drill: DrillReport) -> list[tuple[str, str]]:
    arms = [(arm.arm.value, f"{held_or_broke(arm)}, {as_expected(arm)}") for arm in drill.arms]
    return [
        ("verdict", drill.verdict.name),
        ("because", drill.because),
        ("claim", drill.claim),
        ("failure_mode", drill.failure_mode),
        *arms,
        *(("control", control) for control in drill.controls),
        ("replay", drill.replay),
    ]


def _properties(parent: ET.Element, facts: list[tuple[str, str]]) -> None:
    properties = ET.SubElement(parent, "properties")
    for name, value in facts:
        ET.SubElement(properties, "property", name=name, value=shown(value))


def _not_applicable(report: GameDayReport) -> str:
    lines = [f"{shown(drill.name)}: {shown(drill.why)}" for drill in report.not_applicable]
    return "\n".join(["Not applicable, so not run:", *lines])
