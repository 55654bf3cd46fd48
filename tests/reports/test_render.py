"""The public surface: one function, all formats."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

import reports
from reports import Format, Verdict, render
from tests.builders_reports import a_failed_drill, a_full_report, a_report, with_every_text


@pytest.mark.parametrize("form", Format)
def test_every_format_renders_every_verdict(form: Format) -> None:
    """A game day with all four verdicts has a text in each format, and says its verdict."""
    text = render(a_full_report(), form)

    assert Verdict.ERROR.name in text


@pytest.mark.parametrize("form", Format)
def test_the_same_report_gives_the_same_bytes(form: Format) -> None:
    """Rendering is a function of the report alone."""
    assert render(a_full_report(), form) == render(a_full_report(), form)


@pytest.mark.parametrize("form", Format)
def test_an_empty_game_day_says_that_nothing_was_proved(form: Format) -> None:
    """No drill, no green: the verdict is INCONCLUSIVE."""
    text = render(replace(a_report(), drills=()), form)

    assert "inconclusive" in text.lower()


@pytest.mark.parametrize(
    ("form", "before", "after"),
    [
        (Format.HTML, '<p class="words">', "&lt;b&gt;</p>\n"),
        (Format.JUNIT, 'message="the guarded arm did not hold; ', '&lt;b&gt;">'),
        (Format.TEXT, "the guarded arm did not hold\n        ", "<b>\n      calm "),
        (Format.CTRF, '"message": "the guarded arm did not hold; ', '<b>"'),
    ],
)
def test_the_headline_of_a_drill_has_the_pipelines_own_reason(
    form: Format, before: str, after: str
) -> None:
    """Why it halted stands beside the verdict, as text that does nothing."""
    failed = a_failed_drill()
    calm, bare, guarded = failed.arms
    halted = replace(guarded, ended="halted: the worst case of $35.20 exceeds $5.00 \x1b[31m<b>")

    output = render(a_report(replace(failed, arms=(calm, bare, halted))), form)

    words = r"guarded halted: the worst case of $35.20 exceeds $5.00 \x1b[31m"
    if form is Format.CTRF:
        output = output.replace("\\\\", "\\")
    plain = re.sub('<span class="hidden-character">([^<]*)</span>', r"\1", output)
    assert f"{before}{words}{after}" in plain


@pytest.mark.parametrize("form", [each for each in Format if each is not Format.JSON])
def test_a_very_long_text_is_cut_and_its_length_told(form: Format) -> None:
    """A megabyte in every field stays a page; the real length is said."""
    output = render(with_every_text(a_full_report(), "x" * 1_000_000), form)

    assert len(output) < 1_000_000
    assert "1,000,000 characters in all" in output


def test_the_public_names_exist() -> None:
    """`__all__` promises nothing that is not there."""
    assert [name for name in reports.__all__ if not hasattr(reports, name)] == []
