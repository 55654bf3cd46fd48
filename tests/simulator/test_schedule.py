"""When requests are worked: closed form, and the borders exact."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from simulator import days, hours, minutes, seconds
from simulator.clock import START
from simulator.schedule import IN_FLIGHT, LONGEST, SHORTEST, Pace, Pause, Timeline, natural_duration

DAY = hours(24)
TEN_MINUTES = minutes(10)


def a_timeline(
    requests: int = 1_000,
    duration: timedelta = TEN_MINUTES,
    pauses: tuple[Pause, ...] = (),
    *,
    held: bool = False,
) -> Timeline:
    """A timeline from the start of the run."""
    return Timeline(START, DAY, Pace(requests, duration, pauses, held))


def test_work_goes_at_an_even_pace() -> None:
    """Half the time, half the requests; all of them at the end and not before."""
    timeline = a_timeline()

    assert timeline.finished_by(timedelta(0)) == 0
    assert timeline.finished_by(minutes(5)) == 500
    assert timeline.finished_by(minutes(10) - timedelta(microseconds=1)) == 999
    assert timeline.finished_by(minutes(10)) == 1_000
    assert START + minutes(10) == timeline.ends_at


def test_a_pause_holds_exactly_what_comes_after_it() -> None:
    """So many are finished when it begins, no more while it lasts, the rest afterwards."""
    timeline = a_timeline(pauses=(Pause(500, hours(1)),))

    assert timeline.finished_by(minutes(5)) == 500
    assert timeline.finished_by(minutes(65)) == 500
    assert timeline.finished_by(minutes(70)) == 1_000
    assert START + minutes(70) == timeline.ends_at


def test_a_pause_beyond_the_day_expires_the_rest() -> None:
    """At 24 hours the batch ends on schedule, with what was finished by then."""
    timeline = a_timeline(pauses=(Pause(500, hours(25)),))

    assert timeline.ends_at == START + DAY
    assert timeline.finished_requests == 500


def test_pauses_add_up() -> None:
    """Two pauses hold one after the other, in the order of their place."""
    timeline = a_timeline(pauses=(Pause(800, hours(2)), Pause(200, hours(1))))

    assert timeline.finished_by(minutes(30)) == 200
    assert timeline.finished_by(minutes(70)) == 800
    assert START + hours(3) + minutes(10) == timeline.ends_at
    assert list(timeline.begun_pauses(START + minutes(2))) == [1]
    assert list(timeline.begun_pauses(START + minutes(68))) == [0, 1]


def test_a_pause_before_the_first_request() -> None:
    """Nothing at all is worked while it lasts."""
    timeline = a_timeline(requests=1, pauses=(Pause(0, hours(1)),))

    assert timeline.finished_by(hours(1)) == 0
    assert list(timeline.begun_pauses(START)) == [0]


def test_a_held_batch_ends_with_its_day() -> None:
    """Requests that nobody works keep a batch open."""
    assert a_timeline(held=True).ends_at == START + DAY


def test_a_cancel_keeps_what_is_finished_and_a_few_in_flight() -> None:
    """Finished rows stay, at most a few more finish, and it ends soon."""
    timeline = a_timeline()

    timeline.cancel(START + minutes(5), Random(1))

    assert 500 <= timeline.finished_requests <= 500 + IN_FLIGHT
    assert minutes(5) < timeline.ends <= minutes(5) + seconds(25)
    assert START + minutes(5) == timeline.cancel_initiated_at


def test_a_cancel_within_a_second_finds_nothing_started() -> None:
    """As recorded: cancelled at once, all rows come back canceled."""
    for seed in range(20):
        timeline = a_timeline(duration=SHORTEST, requests=2)
        timeline.cancel(START + timedelta(milliseconds=900), Random(seed))

        assert timeline.finished_requests == 0


def test_a_cancel_during_a_pause_finishes_nothing_more() -> None:
    """Nothing is in flight while nothing is worked; a pause not reached never begins."""
    timeline = a_timeline(pauses=(Pause(500, hours(2)), Pause(600, hours(1))))

    timeline.cancel(START + hours(1), Random(3))

    assert timeline.finished_requests == 500
    assert list(timeline.begun_pauses(START + days(2))) == [0]


def test_a_cancel_just_before_the_day_is_over_ends_with_it() -> None:
    """The drain does not reach beyond the 24 hours."""
    timeline = a_timeline(pauses=(Pause(500, hours(30)),))

    timeline.cancel(START + DAY - timedelta(milliseconds=1), Random(0))

    assert timeline.ends_at == START + DAY


def test_durations_are_log_normal() -> None:
    """Median 3 minutes, 95 % within 45, some beyond the hour; none nears its day."""
    drawn = sorted(natural_duration(Random(seed), DAY) for seed in range(4_000))

    assert minutes(2.7) < drawn[2_000] < minutes(3.3)
    assert minutes(38) < drawn[3_800] < minutes(52)
    assert SHORTEST <= drawn[0]
    assert hours(1) < drawn[3_920] < drawn[-1] == LONGEST
