"""The scheduler: who goes, who waits, and that nobody waits for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls import ControlError, FairShare
from controls.core.decision import Decision, Halt, Proceed, Wait
from controls.core.moment import BeforeCreate, Create, Demand
from controls.policy import SchedulePolicy
from tests.controls.builders import (
    NOW,
    Bench,
    a_demand,
    a_job_type,
    before_create,
    before_promote,
    in_flight,
    some_before_create,
)

ACCOUNT = FairShare(queue_limit=1_000, total=1_000, team_quota=600, reserve=0.2)


def asked(
    *flying: tuple[str, int],
    waiting: Sequence[Demand] = (),
    control: FairShare = ACCOUNT,
    **mine: Any,
) -> Decision:
    """What an account of 1,000 requests says to a batch of 100 of the team `a`."""
    batches = tuple(in_flight(team, requests) for team, requests in flying)
    return control.decide(before_create(in_flight=batches, waiting=tuple(waiting), **mine))


def why(decision: Decision) -> str:
    """The reason to wait."""
    assert isinstance(decision, Wait)
    assert 60.0 == decision.after_seconds
    return decision.why


def test_an_idle_account_is_free_to_use() -> None:
    """Nothing in flight, nobody before us."""
    assert Proceed() == asked()


def test_a_team_keeps_to_its_quota_and_leaves_the_reserve_to_its_urgent_jobs() -> None:
    """Of 600, a fifth is left free for priorities above 0."""
    assert "a has 381 of its 480 requests in flight" == why(asked(("a", 381)))
    assert Proceed() == asked(("a", 380))
    assert Proceed() == asked(("a", 500), priority=1)
    assert "a has 501 of its 600 requests" in why(asked(("a", 501), priority=1))


def test_a_team_may_have_a_quota_of_its_own() -> None:
    """Smaller or larger than that of the others."""
    small = replace(ACCOUNT, quotas={"a": 200})

    assert "a has 100 of its 160 requests in flight" == why(asked(("a", 100), control=small))


def test_all_teams_together_keep_to_the_total() -> None:
    """Ordinary jobs leave the reserve free, urgent ones do not."""
    full = (("b", 400), ("c", 301))

    assert "701 of 800 requests are in flight" == why(asked(*full))
    assert Proceed() == asked(*full, priority=1)
    assert "901 of 1,000 requests" in why(asked(*full, ("d", 200), priority=1))


def test_the_total_is_never_above_the_queue_limit_of_the_api() -> None:
    """And by default below it: others may call the API as well."""
    assert 1_000 == FairShare(queue_limit=1_000, total=5_000).everything
    assert 180_000 == FairShare().everything


def test_a_batch_as_large_as_the_api_admits_passes_the_defaults() -> None:
    """100,000 requests, the most that a batch may have."""
    assert Proceed() == asked(control=FairShare(), requests=100_000)


@pytest.mark.parametrize(
    ("mine", "told"),
    [
        ({"requests": 481}, "a may have 480 in flight at priority 0. Send smaller batches, or rai"),
        ({"requests": 601, "priority": 1}, "a may have 600 in flight at priority 1"),
        ({"requests": 900, "team": "rich"}, "all jobs may have 800 in flight at priority 0"),
    ],
)
def test_a_batch_that_could_never_go_is_halted_with_the_way_out(
    mine: dict[str, Any], told: str
) -> None:
    """Waiting would be for ever."""
    decision = asked(control=replace(ACCOUNT, quotas={"rich": 5_000}), **mine)

    assert isinstance(decision, Halt)
    assert told in decision.why


def test_an_urgent_batch_goes_before_an_older_ordinary_one() -> None:
    """The ordinary one waits as long as both do not fit."""
    urgent = a_demand("b", 500, priority=1, waited_hours=0)

    assert "job_b of b goes first" == why(asked(("c", 500), waiting=[urgent]))
    assert Proceed() == asked(("c", 400), waiting=[urgent])


def test_an_urgent_batch_is_not_held_up_by_a_giant_that_waits() -> None:
    """It takes from the reserve, which the giant may not."""
    giant = a_demand("b", 480, waited_hours=20)

    assert Proceed() == asked(("c", 480), waiting=[giant], priority=1)
    assert "job_b of b goes first" == why(asked(("c", 300), waiting=[giant]))


def test_a_batch_that_fits_goes_past_one_that_does_not_for_an_hour() -> None:
    """Then the line keeps room for who has waited."""
    giant = a_demand("b", 480, waited_hours=0.9)

    assert Proceed() == asked(("c", 400), waiting=[giant])
    assert "job_b of b goes first" == why(
        asked(("c", 400), waiting=[replace(giant, since=NOW - timedelta(hours=1))])
    )


def test_an_ordinary_batch_that_waited_longer_than_aging_goes_before_an_urgent_one() -> None:
    """One level of priority is worth 24 hours."""
    old = a_demand("b", 480, waited_hours=24.1)

    assert "job_b of b goes first" == why(asked(("c", 300), waiting=[old], priority=1))
    assert Proceed() == asked(("c", 300), waiting=[old], priority=2)


def test_a_batch_of_the_same_team_keeps_its_place_in_the_quota() -> None:
    """Also while the quota has no room for it yet."""
    mate = a_demand("a", 300, job_id="job_0", waited_hours=2)

    assert "job_0 of the same team goes first" == why(asked(("a", 200), waiting=[mate]))


@pytest.mark.parametrize(
    "stuck",
    [
        a_demand("b", 300, waited_hours=9),
        a_demand("b", 500, waited_hours=9),
        a_demand("b", 100, priority=-1, waited_hours=9),
    ],
    ids=["its team is at its quota", "too large for ever", "outside its hours"],
)
def test_nobody_waits_for_a_batch_that_cannot_go_itself(stuck: Demand) -> None:
    """Whatever it waits for is not the room that we take."""
    by_day = replace(ACCOUNT, window=(22, 6))

    assert Proceed() == asked(("b", 300), ("c", 300), waiting=[stuck], control=by_day)


def test_low_priority_that_is_too_large_for_the_day_keeps_no_smaller_one_waiting() -> None:
    """It waits for the night; by day there is room for 80 requests."""
    by_day = replace(ACCOUNT, window=(22, 6), outside=0.1)
    nightly = a_demand("b", 100, priority=-1, waited_hours=9)

    assert Proceed() == asked(control=by_day, requests=50, priority=-1, waiting=[nightly])


@pytest.mark.parametrize(("hour", "goes"), [(21, False), (22, True), (5, True), (6, False)])
def test_low_priority_goes_in_the_low_traffic_hours(hour: int, *, goes: bool) -> None:
    """From 22:00 up to 6:00 UTC."""
    nightly = replace(ACCOUNT, window=(22, 6))
    now = NOW.replace(hour=hour)
    decision = asked(control=nightly, now=now, since=now, priority=-1)

    assert goes == (decision == Proceed())
    assert goes or "priority -1 goes in the low-traffic hours, 22:00-6:00 UTC" == why(decision)


def test_a_window_may_lie_within_one_day_and_leave_some_room_outside() -> None:
    """By day a tenth of the ordinary room, which is 80 requests."""
    midday = replace(ACCOUNT, window=(12, 14), outside=0.1)

    assert Proceed() == asked(control=midday, requests=80, priority=-1)
    assert "low-traffic hours" in why(asked(control=midday, requests=81, priority=-1))
    assert "10 of 80 requests are in flight" == why(
        asked(("b", 10), control=midday, requests=71, priority=-1)
    )
    assert Proceed() == asked(("b", 500), control=midday, now=NOW.replace(hour=13), priority=-1)


def test_low_priority_that_missed_its_hours_for_a_day_goes_at_any_hour() -> None:
    """Else a full account could keep it waiting for ever."""
    nightly = replace(ACCOUNT, window=(22, 6))

    assert Proceed() == asked(control=nightly, priority=-1, since=NOW - timedelta(hours=24))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"queue_limit": 0}, "a limit below one request"),
        ({"quotas": {"a": 0}}, "a limit below one request"),
        ({"reserve": 1.0}, "a share that is none"),
        ({"outside": float("nan")}, "a share that is none"),
        ({"window": (6, 6)}, "the window"),
        ({"window": (6, 24)}, "the window"),
    ],
)
def test_settings_that_cannot_hold_are_refused(settings: dict[str, Any], complaint: str) -> None:
    """With a way out."""
    with pytest.raises(ControlError, match=complaint) as caught:
        FairShare(**settings)

    assert caught.value.fix


def test_the_window_of_a_job_type_is_kept() -> None:
    """`[schedule] window`."""
    job_type = a_job_type(schedule=SchedulePolicy(priority=-1, window=(22, 6)))

    assert FairShare(queue_limit=300_000, window=(22, 6)) == FairShare.of(job_type, 300_000)


def test_the_scheduler_has_nothing_to_say_of_other_moments() -> None:
    """Only creating takes room."""
    assert Proceed() == ACCOUNT.decide(before_promote())


@given(some_before_create(), st.booleans())
def test_it_decides_anything_and_always_the_same(moment: BeforeCreate, nightly: bool) -> None:  # noqa: FBT001 - drawn
    """Pure: no facts make it raise, and no memory changes its mind."""
    control = replace(ACCOUNT, window=(22, 6) if nightly else None)
    decision = control.decide(moment)

    assert isinstance(decision, Proceed | Wait | Halt)
    assert decision == control.decide(moment)


@given(some_before_create())
def test_what_it_lets_go_fits(moment: BeforeCreate) -> None:
    """Whatever the facts: no quota and no total is overshot."""
    if ACCOUNT.decide(moment) != Proceed():
        return
    flying = sum(batch.requests for batch in moment.in_flight)
    of_team = sum(batch.requests for batch in moment.in_flight if batch.team == moment.team)

    assert flying + moment.requests <= 1_000
    assert of_team + moment.requests <= 600


def created(*calls: tuple[str, float]) -> tuple[Create, ...]:
    """Batches of these teams, so many seconds ago."""
    return tuple(Create(team, NOW - timedelta(seconds=ago)) for team, ago in calls)


def test_creates_within_a_minute_keep_to_the_calls_of_the_account() -> None:
    """Ordinary jobs leave a fifth of five to urgent ones; who is too fast waits until the oldest
    call is a minute old, and one that is, is forgotten."""
    control = replace(ACCOUNT, creates=5, team_creates=5)
    burst = created(("b", 60.0), ("b", 50.0), ("c", 20.0), ("b", 10.0), ("d", 0.0))

    told = asked(control=control, creates=burst)

    assert Wait("all teams: 4 of 4 batches were created within a minute", 10.0) == told
    assert Proceed() == asked(control=control, creates=burst, priority=1)
    assert Proceed() == asked(control=control, creates=burst[:-1])


def test_a_team_may_not_take_all_calls() -> None:
    """By default three quarters, of half of what the account may call."""
    control = replace(ACCOUNT, call_limit=8, reserve=0.0)
    assert (4, 3) == (control.creates_a_minute, control.team_creates_a_minute)
    mine = created(("a", 3.0), ("a", 2.0), ("a", 1.0))

    told = asked(control=control, creates=mine)

    assert Wait("a: 3 of 3 batches were created within a minute", 57.0) == told
    assert Proceed() == asked(control=control, creates=mine, team="b")


def test_a_call_is_kept_for_who_stands_before_and_can_go() -> None:
    """Not for one that has no room, nor for one whose team has called too often."""
    control = replace(ACCOUNT, creates=2, team_creates=1, reserve=0.0)
    urgent = a_demand("b", 100, priority=1, waited_hours=0)
    busy = created(("c", 30.0))

    told = asked(control=control, creates=busy, waiting=[urgent])
    assert Wait("all teams: 1 of 2 batches were created within a minute", 30.0) == told
    assert Proceed() == asked(control=control, creates=created(("b", 30.0)), waiting=[urgent])
    giant = a_demand("b", 500, priority=1, waited_hours=0)
    assert Proceed() == asked(("b", 101), control=control, creates=busy, waiting=[giant])


def test_the_smallest_account_may_still_create() -> None:
    """One call a minute leaves one, whatever the reserve."""
    assert Proceed() == asked(control=replace(ACCOUNT, call_limit=1))
    with pytest.raises(ControlError, match="a limit below one request"):
        FairShare(team_creates=0)


def test_the_runner_counts_the_creates_of_all_jobs() -> None:
    """Two jobs after one another, one create a minute: by the service's books none came sooner."""
    bench = Bench(extra=[FairShare(creates=1)], without=[FairShare])
    assert "done" == bench.run(60).status
    assert "done" == bench.run(60, name="job_2").status

    times = [call.at for call in bench.books.calls if call.endpoint.value == "create"]
    assert 4 == len(times)
    assert min(late - early for early, late in pairwise(times)) >= timedelta(minutes=1)
