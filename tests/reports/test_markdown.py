"""Markdown for a job summary: small enough for the runner, most important first."""

from __future__ import annotations

import pytest

from reports import Format, Verdict, render
from reports.kills import Fate
from reports.markdown import LARGEST, code, plain, render_markdown
from tests.builders_reports import (
    COVERAGE,
    a_drill,
    a_failed_drill,
    a_full_report,
    a_matrix,
    a_report,
    an_error_drill,
)

RUNNERS_LIMIT = 1_024 * 1_024
"""Bytes of a step's summary. Source: docs.github.com, "Workflow commands for GitHub Actions"."""
FULL = a_full_report(coverage=COVERAGE, kills=a_matrix(*Fate))


def test_the_most_important_stands_first() -> None:
    """The headline, what failed, the gaps; the appendix last."""
    text = render(FULL, Format.MARKDOWN)
    order = [
        "# ! ERROR",
        "## ✗ FAIL",
        "## ! ERROR",
        "## ? INCONCLUSIVE",
        "## Gaps",
        "## Passed",
        "## Not run",
        "## Kill matrix",
        "## Coverage",
        "## Appendix",
    ]
    places = [text.index(f"\n{title}") for title in order]

    assert sorted(places) == places


@pytest.mark.parametrize("largest", [200, 700, 2_000, 4_000])
def test_what_does_not_fit_is_named(largest: int) -> None:
    """The least important goes first, and one sentence says what is missing."""
    text = render_markdown(FULL, largest)

    assert largest >= len(text.encode())
    assert "Left out here, as it does not fit: " in text
    assert "the appendix." in text


def test_a_thousand_failures_are_no_summary_that_is_refused() -> None:
    """GitHub refuses a summary that is too large as a whole."""
    drills = (a_failed_drill(name=f"drill_{n}", claim="x" * 2_000) for n in range(1_000))
    text = render(a_report(a_drill(), *drills), Format.MARKDOWN)

    assert RUNNERS_LIMIT > LARGEST >= len(text.encode())
    assert text.startswith("<!-- gameday report -->\n# ✗ FAIL")
    assert "drills that did not pass" in text.rpartition("Left out here")[2]


def test_a_failed_drill_says_what_broke_where_and_what_to_do() -> None:
    """Check, first row, expected and observed, runbook and command."""
    text = render(a_report(a_failed_drill()), Format.MARKDOWN)

    assert "NoRowPaidTwice broke: 12 of 3000 rows were billed twice; first: ticket-4" in text
    assert "| guarded | hold: Stall(after\\_requests=1500, lasting=25h), with Requeue" in text
    assert "1. Stop the bleeding: `gameday halt tickets`" in text
    assert "Again: `gameday run expired_rows_are_resent --seed 7`" in text


def test_a_broken_harness_shows_its_traceback_as_code() -> None:
    """Indented, so that no line of it is anything else."""
    assert "\n    KeyError: <x>\n" in render(a_report(an_error_drill()), Format.MARKDOWN)


def test_variants_of_a_family_are_one_line() -> None:
    """A hundred variants would bury what failed."""
    text = render(a_report(a_drill(name="lost.a"), a_drill(name="lost.b")), Format.MARKDOWN)

    assert "| lost (2 variants) |" in text
    assert 1 == text.count("saved 1,500 rows")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a|b", "a\\|b"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("[a](javascript:b)", "\\[a\\](javascript:b)"),
        ("https://b.c", "https\\://b.c"),
        ("www.b.c a@b.c", "www\\.b.c a\\@b.c"),
        ("1. x", "1\\. x"),
        ("- x", "\\- x"),
        ("1.5 of 2 - 3", "1.5 of 2 - 3"),
        ("after 0:08:02.905", "after 0:08:02.905"),
        ("a :tada: of :100:", "a \\:tada: of \\:100:"),
    ],
)
def test_text_means_nothing_but_itself(text: str, expected: str) -> None:
    """What begins something in Markdown is escaped; what does not stays readable."""
    assert expected == plain(text)


def test_commands_can_be_copied_as_they_are_typed() -> None:
    """Those that close a gap too: not in a table, where a pipe would end the cell, and not cut."""
    names = " ".join(f"a_drill_with_a_long_name_{number}" for number in range(100))
    command = f"gameday verify --pipeline 'cat rows | nightly_job' --drills {names}"
    text = render(a_report(a_failed_drill(replay=command)), Format.MARKDOWN)

    assert 2 == text.count(f": `{command}`\n")
    assert "- drill lost\\_create\\_is\\_not\\_repeated: `" in text


@pytest.mark.parametrize(
    ("text", "expected"), [("a b", "`a b`"), ("a`b", "`` a`b ``"), ("", "`  `")]
)
def test_code_ends_where_it_should(text: str, expected: str) -> None:
    """No backtick of a name ends it."""
    assert expected == code(text)


def test_every_verdict_stands_there_as_a_word() -> None:
    """Nobody needs colour or a symbol."""
    text = render(FULL, Format.MARKDOWN)

    assert [] == [v.name for v in Verdict if v is not Verdict.PASS and v.name not in text]
