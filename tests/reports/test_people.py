"""Incidents of a live game day: judged from what people came to, and judged again when read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reports import (
    DrillReport,
    Entry,
    Format,
    Injection,
    Moment,
    People,
    ReportError,
    Verdict,
    Word,
    load,
    render,
)
from reports.people import judge_people
from reports.phrases import headline
from reports.triage import troubles
from reports.view import drill_views
from tests.builders_reports import a_drill, a_report, three_arms

MINUTE = timedelta(minutes=1)
STRUCK = Injection("Overloaded(on=list)", "The service says 529.", "all list calls", 3, ("GET /",))
SILENT = replace(STRUCK, fired=0, where=())


def a_word(moment: Moment, **changes: Any) -> Word:
    """Said by Grace, two minutes after the injection."""
    return replace(Word(moment, 2 * MINUTE, MINUTE, "Grace", from_books=False), **changes)


def people(moments: Sequence[Moment] = tuple(Moment), **changes: Any) -> People:
    """An incident of ten minutes in which these moments came."""
    made = People(
        injected_by="Ada",
        injected_after=MINUTE,
        lasted=10 * MINUTE,
        waited=10 * MINUTE,
        injections=(STRUCK,),
        words=tuple(a_word(moment) for moment in moments),
        timeline=(Entry(timedelta(0), "fault: Ada", "injected incident 1"),),
    )
    return replace(made, **changes)


def an_incident(of: People) -> DrillReport:
    """The drill of an incident, judged."""
    verdict, because = judge_people(of)
    return a_drill(
        name="live incident 1: Overloaded",
        arms=(),
        controls=(),
        runbook=(),
        people=of,
        verdict=verdict,
        because=because,
    )


@pytest.mark.parametrize(
    ("of", "verdict", "because"),
    [
        (people(), Verdict.PASS, "no calm and no bare arm"),
        (people([Moment.NOTICED, Moment.STOPPED]), Verdict.FAIL, "never reversed"),
        (people([]), Verdict.FAIL, "never noticed and never stopped and never reversed"),
        (people(injections=(SILENT,)), Verdict.INCONCLUSIVE, "nothing that was injected ever"),
        (people(injections=()), Verdict.INCONCLUSIVE, "nothing that was injected ever struck"),
        (people(injections=(SILENT, STRUCK)), Verdict.PASS, "noticed, stopped and reversed"),
    ],
)
def test_all_three_moments_make_a_pass(of: People, verdict: Verdict, because: str) -> None:
    """If anything struck at all."""
    assert verdict is judge_people(of)[0]
    assert because in judge_people(of)[1]


@pytest.mark.parametrize("form", Format)
def test_every_format_tells_of_an_incident(form: Format) -> None:
    """Who, when, on whose word, and that there were no arms."""
    by_the_books = a_word(Moment.STOPPED, by="key 3fa9c1d2", from_books=True, note="cancel of b")
    of = people(words=(a_word(Moment.NOTICED), by_the_books))

    text = render(a_report(an_incident(of)), form).replace("\\", "")

    assert "never reversed" in text
    if form is not Format.CSV:
        assert all(said in text for said in ("Grace", "key 3fa9c1d2"))
    if form not in {Format.CSV, Format.JSON}:
        assert "by the books" in text


def test_it_is_read_back_as_it_was() -> None:
    """JSON keeps all of it."""
    report = a_report(an_incident(people()))

    assert report == load(render(report, Format.JSON))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"verdict": Verdict.FAIL}, "its people make it PASS"),
        ({"arms": three_arms()}, "have no arms"),
        ({"people": people([Moment.STOPPED, Moment.NOTICED])}, "in their order"),
        ({"people": people([Moment.NOTICED, Moment.NOTICED])}, "in their order"),
        (
            {"people": people(words=(a_word(Moment.NOTICED, after=11 * MINUTE),))},
            "after its end",
        ),
        (
            {"people": people(words=(a_word(Moment.NOTICED, waited=-MINUTE),))},
            "before the injection",
        ),
    ],
)
def test_an_incident_that_contradicts_itself_is_refused(changes: Any, says: str) -> None:
    """Whoever reads a report judges it again."""
    forged = replace(an_incident(people()), **changes)

    with pytest.raises(ReportError, match=says):
        load(render(a_report(forged), Format.JSON))


def test_the_headline_speaks_of_incidents() -> None:
    """No control was put to the proof, so none is named."""
    met, failed = an_incident(people()), replace(an_incident(people([])), name="live incident 2")
    silent = replace(an_incident(people(injections=(SILENT,))), name="live incident 3")

    assert (
        "1 of 3 incidents noticed, stopped and reversed by people; 1 not; 1 never struck. "
        "There was no calm and no bare arm." == headline(a_report(met, failed, silent))
    )


def test_the_top_of_the_page_says_what_people_never_came_to_and_where_it_struck() -> None:
    """What broke, which rows, what next: also where no check has found anything."""
    incident = an_incident(people([Moment.NOTICED]))

    (trouble,) = troubles(drill_views(a_report(incident)))

    assert ("never stopped and never reversed", "The service says 529.") == (
        trouble.what,
        trouble.when,
    )
    assert (("GET /",), 2) == (trouble.rows, trouble.more)


def test_a_live_page_promises_nothing_that_it_cannot_keep() -> None:
    """No arms, no savings, and no command that gives it again byte for byte."""
    page = render(a_report(an_incident(people())), Format.HTML)

    assert "no command gives this page again" in page
    assert "Green says less here" in page
    assert not [said for said in ("Rows saved", "Each drill runs three times") if said in page]
