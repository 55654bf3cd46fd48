"""Two reports compared: each way to get worse is seen, and each way to get better."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from reports import ArmName, DrillReport, GameDayReport, NotApplicable
from reports.compare import Kind, compare
from reports.compare_faces import COMPARISONS
from reports.kills import Fate
from tests.builders_reports import (
    COVERAGE,
    HOSTILE,
    a_blast,
    a_drill,
    a_failed_drill,
    a_full_report,
    a_matrix,
    a_report,
    an_arm,
    an_error_drill,
    an_inconclusive_drill,
    three_arms,
    with_every_text,
)

NAME = a_drill().name


def guarded(**changes: object) -> DrillReport:
    """A passed drill whose guarded arm differs."""
    return a_drill(arms=three_arms(guarded=an_arm(ArmName.GUARDED, **changes)))


def slower(hours: int) -> DrillReport:
    """The same, noticed so much later."""
    response = an_arm(ArmName.GUARDED).response
    assert response.detected is not None
    late = replace(response.detected, at=response.detected.at + timedelta(hours=hours))
    return guarded(response=replace(response, detected=late))


def kinds(old: GameDayReport, new: GameDayReport) -> list[tuple[Kind, str]]:
    """What changed, and for whom."""
    return [(change.kind, change.name) for change in compare(old, new).changes]


@pytest.mark.parametrize(
    ("drill", "worse", "better"),
    [
        (a_failed_drill(name=NAME), Kind.FAILING, Kind.MENDED),
        (an_error_drill(name=NAME), Kind.BROKEN, Kind.MENDED),
        (an_inconclusive_drill(name=NAME), Kind.INCONCLUSIVE, Kind.MENDED),
        (slower(1), Kind.SLOWER, Kind.FASTER),
        (guarded(blast=a_blast(wrong=3)), Kind.WIDER, Kind.NARROWER),
        (guarded(blast=a_blast(leaked=1)), Kind.WIDER, Kind.NARROWER),
        (guarded(blast=a_blast(paid_twice=1)), Kind.WIDER, Kind.NARROWER),
        (guarded(blast=a_blast(billed_usd=Decimal(9))), Kind.DEARER, Kind.CHEAPER),
    ],
)
def test_a_drill_that_got_worse_is_seen_and_its_recovery_too(
    drill: DrillReport, worse: Kind, better: Kind
) -> None:
    """One way and the other."""
    good, bad = a_report(), a_report(drill)

    assert [(worse, NAME)] == kinds(good, bad)
    assert [(better, NAME)] == kinds(bad, good)
    assert compare(good, bad).regressions
    assert not compare(bad, good).regressions


def test_a_dearer_prompt_is_no_larger_blast_radius() -> None:
    """Rows and dollars are told apart, and the number of requests says why it is dearer."""
    dear = guarded(blast=a_blast(billed_usd=Decimal(9)))
    both = guarded(blast=a_blast(billed_usd=Decimal(9), sent=6_000, paid_twice=3_000))
    (change,) = compare(a_report(), a_report(dear)).changes

    assert (
        "higher cost",
        "$1.05 billed for 3,000 requests",
        "$9.00 billed for 3,000 requests",
    ) == (change.kind.value, change.before, change.after)
    assert [Kind.WIDER, Kind.DEARER] == [kind for kind, _ in kinds(a_report(), a_report(both))]
    assert "$9.00 billed for 6,000 requests" == compare(a_report(), a_report(both)).changes[1].after


def test_what_is_not_noticed_any_more_is_slower() -> None:
    """It took for ever."""
    response = replace(an_arm(ArmName.GUARDED).response, detected=None)
    (change,) = compare(a_report(), a_report(guarded(response=response))).changes

    assert (Kind.SLOWER, "noticed after 23:00:00", "nobody noticed") == (
        change.kind,
        change.before,
        change.after,
    )


def test_a_drill_that_is_gone_is_lost_coverage() -> None:
    """With the reason, if the report has one; a new one is gained, or fails at once."""
    old = a_report(a_drill(), a_drill(name="second"))
    left_out = NotApplicable("second", "A claim.", "no rows")

    (gone,) = compare(old, a_report()).changes
    (skipped,) = compare(old, a_report(not_applicable=(left_out,))).changes

    assert (Kind.LOST, "second", "not in the report") == (gone.kind, gone.name, gone.after)
    assert "not run: no rows" == skipped.after
    assert [(Kind.GAINED, "second")] == kinds(a_report(), old)
    new = a_report(a_drill(), a_failed_drill(name="second"))
    assert [(Kind.FAILING, "second")] == kinds(a_report(), new)


def test_faults_controls_and_mutants_can_be_lost() -> None:
    """Each by name."""
    bare = replace(COVERAGE, cells=())
    old = a_report(coverage=COVERAGE, kills=a_matrix(Fate.KILLED))
    kills = a_matrix(Fate.KILLED)
    (mutant,) = kills.mutants
    spared = replace(kills, mutants=(replace(mutant, fate=Fate.SURVIVED),))
    new = a_report(coverage=bare, kills=spared)

    names = ["fault Stall", "control Requeue", "mutant Requeue.is_killed"]
    assert [(Kind.LOST, name) for name in names] == kinds(old, new)
    assert [(Kind.GAINED, name) for name in names] == kinds(new, old)


def test_other_rows_are_a_caveat() -> None:
    """Numbers may differ for that reason alone."""
    comparison = compare(a_report(), a_report(seed=8, rows=4, kills=a_matrix()))

    assert [
        "other seeds: 7 before, 8 now",
        "other rows: 3,000 from seeded support tickets before, 4 from seeded support tickets now",
        "only one of the two has a kill matrix",
    ] == list(comparison.caveats)
    assert not comparison.changes


@pytest.mark.parametrize("form", COMPARISONS)
def test_every_format_names_the_regression_and_what_got_better(form: str) -> None:
    """With before and after."""
    old = a_report(a_failed_drill(), a_drill(name="second"))
    new = a_report(a_failed_drill(verdict=a_drill().verdict), a_failed_drill(name="second"))

    text = COMPARISONS[form](compare(old, new)).replace("\\_", "_")

    for words in ("newly failing", "newly passing", "second", "lost_create_is_not_repeated"):
        assert words in text.lower()
    assert "Nothing got worse" in COMPARISONS["text"](compare(old, old))


@pytest.mark.parametrize("form", COMPARISONS)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_inert(form: str, name: str) -> None:
    """Names, jobs and reasons come from files."""
    hostile = with_every_text(a_full_report(), HOSTILE[name])
    output = COMPARISONS[form](compare(a_full_report(), hostile))

    assert output.replace("\n", "").isprintable()
    assert "::" not in {line.strip()[:2] for line in output.split("\n")}
    if form == "html":
        assert {"script", "svg", "b"}.isdisjoint(Tags(output).found)
    if form == "json":
        assert json.loads(output)["regression"]


class Tags(HTMLParser):
    """The names of all elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
