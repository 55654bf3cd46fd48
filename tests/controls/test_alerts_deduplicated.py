"""Deduplicated alerts: once in a while, with how often."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls import Alert, Alerts, Deduplicated
from controls.alerts_deduplicated import REMEMBERED
from tests.controls.builders import NOW

HOUR = timedelta(hours=1)


def alert(what: str = "stuck", minutes: float = 0, job: str = "job_1", owner: str = "us") -> Alert:
    """An alert, so many minutes after `NOW`."""
    return Alert(NOW + timedelta(minutes=minutes), owner, job, what)


def sent(*alerts: Alert) -> list[str]:
    """What arrives of these."""
    arrived = Alerts()
    pager = Deduplicated(arrived, HOUR)
    for one in alerts:
        pager.page(one)
    return [one.what for one in arrived]


def test_the_same_alert_is_sent_once_in_an_interval_and_then_with_its_count() -> None:
    """Two were held back; the fourth comes an hour after the first."""
    assert ["stuck", "stuck (and 2 times more since 2026-11-20 09:00 UTC)"] == sent(
        alert(), alert(minutes=1), alert(minutes=59), alert(minutes=60)
    )
    assert ["stuck", "stuck (and once more since 2026-11-20 09:00 UTC)", "stuck"] == sent(
        alert(), alert(minutes=1), alert(minutes=60), alert(minutes=120)
    )


def test_other_jobs_owners_and_words_are_other_alerts() -> None:
    """None of them holds back another."""
    assert 4 == len(sent(alert(), alert(job="job_2"), alert(owner="them"), alert("halted")))


@pytest.mark.parametrize(
    ("first", "second", "messages"),
    [
        ("20 of 400 rows errored", "1,021 of 4,000 rows errored", 1),
        ("waits since 09:00", "waits since 09:01", 1),
        ("5.0% of rows", "5.1% of rows", 1),
        ("batch msgbatch_01A", "batch msgbatch_02A", 2),
        ("first support-job-1", "first support-job-2", 2),
    ],
)
def test_numbers_make_no_difference_but_ids_do(first: str, second: str, messages: int) -> None:
    """A count that grows is the same trouble; another batch is not."""
    assert messages == len(sent(alert(first), alert(second)))


def test_an_alert_that_could_not_be_sent_is_tried_again() -> None:
    """The pager broke; the alert counts as not sent."""

    class Broken:
        def page(self, alert: Alert) -> None:
            raise ConnectionError

    pager = Deduplicated(Broken(), HOUR)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            pager.page(alert())


def test_its_memory_is_bounded() -> None:
    """The oldest text is forgotten, and sent again."""
    many = [alert(f"row of {'x' * number}") for number in range(REMEMBERED + 1)]

    assert REMEMBERED + 2 == len(sent(*many, alert("row of ", minutes=1)))


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 50)), max_size=30))
def test_no_alert_is_lost_or_sent_too_often(steps: list[tuple[str, int]]) -> None:
    """Sent and held back make all; between two of a kind lies the interval."""
    arrived, minutes = Alerts(), 0.0
    pager = Deduplicated(arrived, HOUR)
    for what, later in steps:
        minutes += later
        pager.page(alert(what, minutes))
    held_back = {key[2]: told.held_back for key, told in pager._told.items()}

    for what, count in Counter(what for what, _ in steps).items():
        mine = [one for one in arrived if one.what[0] == what]
        told = sum(
            1 if "once" in one.what else int(one.what.split("and ")[1].split()[0])
            for one in mine
            if "and " in one.what
        )
        assert count == len(mine) + told + held_back[what]
        assert all(later.at - earlier.at >= HOUR for earlier, later in pairwise(mine))
