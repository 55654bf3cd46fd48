"""A team's own pytest run collects drills: one line in its conftest, one item per drill."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from controls.canary import bounds
from scenarios.harness.discovery import all_drills
from scenarios.harness.tickets import COLUMNS, tickets

pytest_plugins = "pytester"

OWN = """
from controls import Requeue
from scenarios import EveryRowAnswered, World, drill
from simulator import hours
from simulator.faults import Stall


@drill(
    defends_against="expiry",
    faults=[Stall(after_share=0.5, lasting=hours(25), times=1, spare_batches=1)],
    controls=[Requeue(max_rounds=0)],
    checks=[EveryRowAnswered()],
)
def does_not_hold(world: World) -> None:
    '''A control that does nothing.'''
    world.run(world.rows())
"""

Team = Callable[..., pytest.Pytester]


@pytest.fixture(autouse=True, scope="module")
def _imported() -> None:
    """What the inner runs would be the first to import is forgotten at their end, and numpy cannot
    be imported twice."""
    bounds(1, 9, 0.95)
    all_drills()


@pytest.fixture
def team(pytester: pytest.Pytester) -> Team:
    """A project with two hundred rows, a test of its own, and a conftest."""

    def made(conftest: str, label: str | None = None, seed: str = "3") -> pytest.Pytester:
        pytester.makeconftest(conftest)
        pytester.makeini(f"[pytest]\ngameday_rows = rows.csv\ngameday_seed = {seed}\n")
        pytester.makepyfile(test_ours="def test_ours():\n    pass\n")
        with (pytester.path / "rows.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            known = {} if label is None else {"sentiment": label}
            writer.writerows({**row.fields, **known} for row in tickets(0, 200).rows)
        return pytester

    return made


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """The team's pytest, in this process."""
    return pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider", *arguments)


def test_drills_are_items_and_one_that_is_not_green_fails(team: Team) -> None:
    """Names and files; the failure reads like the command, and JUnit comes free."""
    pytester = team("gameday_drills = ['expired-rows-are-resent', 'drills/*.py']")
    (pytester.path / "drills").mkdir()
    (pytester.path / "drills" / "own.py").write_text(OWN)
    result = run(pytester, "-v", "--junitxml=junit.xml")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "conftest.py::expired_rows_are_resent PASSED*",
            "conftest.py::does_not_hold FAILED*",
            "test_ours.py::test_ours PASSED*",
            "FAIL  does_not_hold",
            "*the guarded arm did not hold",
            "*- guarded: EveryRowAnswered broke: 200 of 200 rows have no answer; first: T-100000",
            "*again: gameday run drills/own.py --seed 3 --rows rows.csv",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    cases = {
        case.get("name"): case for case in ET.parse(pytester.path / "junit.xml").iter("testcase")
    }
    assert {"expired_rows_are_resent", "does_not_hold", "test_ours"} == set(cases)
    verdicts = cases["does_not_hold"].findall("properties/property[@name='verdict']")
    assert ["FAIL"] == [verdict.get("value") for verdict in verdicts]


@pytest.mark.parametrize(
    ("arguments", "drills", "tests"),
    [
        (("-m", "gameday"), True, False),
        (("-m", "gameday", "-k", "swapped"), True, False),
        (("-m", "not gameday"), False, True),
        (("test_ours.py",), False, True),
        (("conftest.py::swapped_answers_are_caught",), True, False),
        ((), True, True),
    ],
)
def test_drills_are_chosen_as_tests_are(
    arguments: tuple[str, ...], team: Team, *, drills: bool, tests: bool
) -> None:
    """By marker, name, file and node id."""
    pytester = team("gameday_drills = ['all']")
    result = run(pytester, "--collect-only", "-q", "--strict-markers", *arguments)
    items = [line for line in result.outlines if "::" in line]

    assert pytest.ExitCode.OK == result.ret
    assert drills is ("conftest.py::swapped_answers_are_caught" in items)
    assert tests is ("test_ours.py::test_ours" in items)


def test_a_drill_that_does_not_apply_is_skipped_with_its_reason(team: Team) -> None:
    """Nothing tells a guess from an answer where none is known."""
    pytester = team("gameday_drills = ['wrong_column_stops_at_the_canary']", label="")
    result = run(pytester, "-rs", "-m", "gameday")

    result.assert_outcomes(skipped=1, deselected=1)
    result.stdout.fnmatch_lines(["*not applicable: the rows have no known answers*"])


@pytest.mark.parametrize(
    ("conftest", "complaint"),
    [
        ("gameday_drills = ['expired_row']", "*Did you mean 'expired_rows_are_resent'?"),
        ("gameday_drills = 'all'", "*gameday_drills is 'all'. Write for example*"),
        ("gameday_drills = []", "*gameday_drills asks for no drill.*"),
        ("gameday_drills = ['nowhere/*.py']", "*There is no drill file nowhere/[*].py in *"),
    ],
)
def test_a_line_that_asks_for_nothing_is_an_error(
    conftest: str, complaint: str, team: Team
) -> None:
    """An empty collection would be green; the sentence says how to mend it."""
    result = run(team(conftest))

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([complaint])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_rows_and_seeds_that_are_wrong_fail_the_items(team: Team) -> None:
    """With the sentence that the command would say."""
    conftest = "gameday_drills = ['expired_rows_are_resent']"
    (pytester := team(conftest, seed="three")).makeconftest(conftest)
    seed = run(pytester)
    rows = run(pytester, "-o", "gameday_seed=3", "-o", "gameday_rows=nowhere.csv")

    seed.assert_outcomes(failed=1, passed=1)
    seed.stdout.fnmatch_lines(["gameday: gameday_seed = three is no number. Mend it."])
    rows.assert_outcomes(failed=1, passed=1)
    rows.stdout.fnmatch_lines(["gameday: *nowhere.csv*"])


def test_nobody_is_bothered_who_did_not_ask(team: Team) -> None:
    """A conftest without the line imports nothing of ours."""
    pytester = team("drills = ['all']")
    asks = (
        "import sys\ndef test_it():\n    assert not {'simulator', 'scenarios'} & set(sys.modules)\n"
    )
    Path(pytester.path / "test_ours.py").write_text(asks)

    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=1)
