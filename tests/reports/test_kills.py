"""The kill matrix as JSON and as text."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from reports.errors import ReportError
from reports.kills import (
    Fate,
    KillMatrix,
    MutantReport,
    Trial,
    fate_of,
    load_kills,
    render_kills,
    render_kills_text,
)


def a_trial(fate: Fate, drill: str = "a_drill", says: str = "5 rows are nowhere") -> Trial:
    """A drill's word on a mutant."""
    check = "EveryRowAnswered" if fate is Fate.KILLED else ""
    return Trial(drill, 400, fate, 0 if fate is Fate.NOT_EXERCISED else 3, check, says)


def a_mutant(*fates: Fate, name: str = "OnlyWarns") -> MutantReport:
    """A mutant that met these fates, one after the other."""
    trials = tuple(a_trial(fate, f"drill_{place}") for place, fate in enumerate(fates))
    return MutantReport("Canary", name, "fails open", "Warns.", fate_of(trials), trials)


MATRIX = KillMatrix(
    7,
    "gameday prove --seed 7",
    ("drill_0", "drill_1", "never_run"),
    (
        a_mutant(Fate.SURVIVED, Fate.KILLED, name="killed"),
        a_mutant(Fate.SURVIVED, name="survived"),
        a_mutant(Fate.NOT_EXERCISED, name="unseen"),
        a_mutant(Fate.VOID, Fate.NOT_EXERCISED, name="crashed"),
    ),
)


@pytest.mark.parametrize(
    ("fates", "expected"),
    [
        ((), Fate.NOT_EXERCISED),
        ((Fate.NOT_EXERCISED, Fate.VOID), Fate.VOID),
        ((Fate.VOID, Fate.SURVIVED), Fate.SURVIVED),
        ((Fate.SURVIVED, Fate.VOID, Fate.KILLED), Fate.KILLED),
    ],
)
def test_the_drill_that_says_most_decides(fates: tuple[Fate, ...], expected: Fate) -> None:
    """One kill is enough; a crash says less than a drill that held."""
    assert expected is fate_of(tuple(map(a_trial, fates)))


def test_a_matrix_is_read_back_as_it_was_written() -> None:
    """Nothing is lost, and the counts stand at the top."""
    text = render_kills(MATRIX)

    assert load_kills(text) == MATRIX
    assert ["schema_version", "counts"] == list(json.loads(text))[:2]
    assert {"killed": 1, "survived": 1, "not exercised": 1, "void": 1} == json.loads(text)["counts"]


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"schema_version": "2.0"}, "schema_version"),
        ({"counts": {"killed": 4}}, "counts"),
        ({"surprise": 1}, "surprise"),
        ({"seed": "7"}, "seed"),
    ],
)
def test_a_matrix_that_cannot_be_is_refused(changed: dict[str, Any], where: str) -> None:
    """Neither another version nor counts of its own are believed."""
    with pytest.raises(ReportError) as error:
        load_kills(json.dumps(json.loads(render_kills(MATRIX)) | changed))

    assert where == error.value.where


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "[" * 100_000])
def test_what_is_no_matrix_is_refused(text: str) -> None:
    """No traceback, whatever it is."""
    with pytest.raises(ReportError):
        load_kills(text)


def test_a_fate_of_its_own_is_refused() -> None:
    """A survivor does not become a kill by editing one word."""
    forged = replace(MATRIX.mutants[1], fate=Fate.KILLED)
    matrix = replace(MATRIX, mutants=(MATRIX.mutants[0], forged))

    with pytest.raises(ReportError, match="does not follow") as error:
        load_kills(render_kills(matrix))

    assert "mutants[1].fate" == error.value.where


def test_the_text_has_a_column_per_drill_and_names_what_was_not_killed() -> None:
    """Killed in the second drill, and three others in full."""
    lines = render_kills_text(MATRIX).splitlines()

    assert "Kill matrix: 4 mutants against 2 drills" == lines[0]
    assert "  killed    sK  EveryRowAnswered" in lines
    assert "  survived  s   SURVIVED" in lines
    assert "   1  drill_0" in lines
    assert not [line for line in lines if "never_run" in line]
    assert [
        f"{word}  Canary.{name} (fails open)"
        for word, name in (
            ("SURVIVED", "survived"),
            ("NOT EXERCISED", "unseen"),
            ("VOID", "crashed"),
        )
    ] == [line for line in lines if "(fails open)" in line]
    assert "      - drill_0: acted differently 3 times; 5 rows are nowhere" in lines
    assert (
        "1 of 4 mutants of 1 controls were killed; 1 survived, 1 not exercised, 1 void. Seed 7."
    ) == lines[-1]


def test_text_from_rows_is_shown_and_not_obeyed() -> None:
    """An escape sequence in a reason reaches neither the terminal nor the JSON."""
    hostile = a_trial(Fate.SURVIVED, says="\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}")
    matrix = replace(MATRIX, mutants=(replace(MATRIX.mutants[1], trials=(hostile,)),))

    for text in (render_kills_text(matrix), render_kills(matrix)):
        assert "\x1b" not in text
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in text
