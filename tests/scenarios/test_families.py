"""Families of drills: one claim, a drill for each variant, each with a name of its own."""

from __future__ import annotations

from typing import Any

import pytest

from controls import BatchRunner
from scenarios import Drill, EveryRowAnswered, ReadsWithoutTheClient, World, WrongColumn, drill
from scenarios.harness.coverage import coverage_of
from scenarios.harness.discovery import select
from scenarios.harness.errors import UsageError
from simulator.faults import BlankLine, Endpoint, InvalidUtf8, RateLimited


def family(each: Any) -> tuple[Drill, ...]:
    """A family with these variants."""

    @drill(
        defends_against="odd results files",
        each=each,
        controls=[BatchRunner],
        checks=[EveryRowAnswered()],
    )
    def lines_are_read(world: World) -> None:
        """Lines are read."""
        world.run(world.rows(10))

    return lines_are_read


def test_variants_are_named_after_their_first_part() -> None:
    """What is typed in a shell comes from the name of the class."""
    made = family([BlankLine(), [InvalidUtf8(), ReadsWithoutTheClient()], WrongColumn()])

    assert [
        "lines_are_read.blank_line",
        "lines_are_read.invalid_utf8",
        "lines_are_read.wrong_column",
    ] == [one.name for one in made]
    assert {"lines_are_read"} == {one.family for one in made}
    assert "gameday run lines_are_read.blank_line" == made[0].replay
    assert ((InvalidUtf8(),), (), 1) == (made[1].faults, made[1].sabotage, len(made[1].instead))
    assert ((), (WrongColumn(),)) == (made[2].faults, made[2].sabotage)


def test_a_mapping_gives_variants_names_of_their_own() -> None:
    """So one class may stand there twice."""
    made = family({"at_once": RateLimited(retry_after=0), "later": RateLimited(retry_after=9)})

    assert ["at_once", "later"] == [one.variant for one in made]


@pytest.mark.parametrize(
    ("each", "says"),
    [
        ([], "no variants"),
        ([BlankLine(), BlankLine(2)], "two variants named 'blank_line'"),
        ({"with space": BlankLine()}, "a variant named 'with space'"),
        ({"py": BlankLine()}, "a variant named 'py'"),
    ],
)
def test_names_that_could_not_be_typed_are_refused(each: Any, says: str) -> None:
    """Each variant can be run alone, by its name."""
    with pytest.raises(UsageError, match=says):
        family(each)


def test_the_name_of_a_family_stands_for_its_variants() -> None:
    """One by its whole name; all by that of the family, dashes or not; another by neither."""
    alone = select(["odd-results-lose-no-row.blank-line"])
    together = select(["odd-results-lose-no-row"])

    assert ["odd_results_lose_no_row.blank_line"] == [one.name for one in alone]
    assert len(together) > len(alone)
    with pytest.raises(UsageError, match=r"odd_results_lose_no_row\.blank_line'\?"):
        select(["odd_results_lose_no_row.blank_lines"])


def test_the_coverage_tells_moments_apart_and_names_what_is_open() -> None:
    """A fault counts where it strikes, and what no drill has is not passed over."""
    covered = coverage_of(family([BlankLine(), RateLimited(Endpoint.CREATE), WrongColumn()]))

    assert [
        ("prepare", "WrongColumn"),
        ("create", "RateLimited"),
        ("download", "BlankLine"),
    ] == [(cell.moment, cell.fault) for cell in covered.cells]
    assert {"BatchRunner"} == {cell.control for cell in covered.cells}
    assert covered.faults - 2 == len(covered.open_faults)
    assert "LostReply" in covered.open_faults
    assert "BatchRunner" not in covered.open_controls
    assert covered.controls - 1 == len(covered.open_controls)
