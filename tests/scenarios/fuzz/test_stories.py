"""Playing plans: workers die and people act, and the evidence says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reports import Outcome
from scenarios.harness.fuzz.lives import BoundedClock, Endless
from scenarios.harness.fuzz.plan import Act, Deed, Kill, Mode, Plan, Size
from scenarios.harness.fuzz.story import Story
from scenarios.harness.fuzz.theatre import play
from scenarios.harness.invariants import INVARIANTS, broken, judged
from scenarios.harness.sabotage import BrokenDelimiter, RunawayJoin
from scenarios.harness.world import Game
from simulator.faults import Forbidden, LostReply, NeverEnds, RowsExpired

SMALL = Size(rows=6, canary=2)


@pytest.fixture(scope="module")
def good(game: Game) -> Story:
    """A day on which a reply is lost, and nothing comes of it."""
    return play(Plan(3, SMALL, (LostReply(spare_batches=1),)), game)


def test_a_story_is_told_from_the_outside(good: Story) -> None:
    """The service's books, the database's own count of writes, what was put back and purged."""
    keys = {row.key for row in good.record.rows}

    assert ("done", ("LostReply",)) == (good.record.status, good.struck)
    assert dict.fromkeys(keys, 1) == dict(good.written)
    assert 6 == good.announced
    assert (6, ()) == (good.epilogue.promoted, good.epilogue.not_undone)
    assert 8 == good.epilogue.payload
    assert () == broken(good)


def test_the_same_plan_makes_the_same_story(game: Game, good: Story) -> None:
    """Whatever the process has played in between."""
    again = play(good.plan, game)

    assert [call.at for call in good.record.books.calls] == [
        call.at for call in again.record.books.calls
    ]
    assert good.record.after == again.record.after
    assert good.steps == again.steps


@pytest.mark.parametrize("mode", Mode)
def test_a_worker_dies_where_the_plan_says(game: Game, mode: Mode) -> None:
    """Before, in the middle of or after a step; the next one brings the job to its end, and may
    be killed too."""
    story = play(Plan(3, SMALL, kills=(Kill(12, mode), Kill(3, mode), Kill(500, mode))), game)

    assert (2, "done") == (story.killed, story.record.status)
    assert () == broken(story)


def test_people_stop_a_job_and_let_it_go_on(game: Game) -> None:
    """A halt before its third call; then somebody resumes it, looks at it again, and takes back
    some rows, and later all of them."""
    acts = (
        *(Act(Deed.CANCEL, 4), Act(Deed.RESUME), Act(Deed.RUN_AGAIN)),
        *(Act(Deed.ROLLBACK_SOME), Act(Deed.ROLLBACK), Act(Deed.RUN_AGAIN)),
    )
    story = play(Plan(3, SMALL, acts=acts), game)

    assert [act.deed for act in acts] == list(story.acts)
    assert set(story.written) == story.put_back
    assert story.record.before == story.record.after
    assert () == broken(story)


def test_people_agree_to_a_first_run_and_to_its_cost(game: Game) -> None:
    """What was approved counts as approved."""
    size = replace(SMALL, budget=0.5, released=False)
    acts = (Act(Deed.APPROVE_SPEND), Act(Deed.APPROVE))
    waits, goes = play(Plan(3, size), game), play(Plan(3, size, acts=acts), game)

    assert "waiting for approval" == waits.record.status
    assert "done" == goes.record.status
    assert waits.record.approved_usd < goes.record.approved_usd
    assert () == broken(goes)


@pytest.mark.parametrize(
    ("plan", "status"),
    [
        (Plan(1, SMALL, (Forbidden(),)), "halted"),
        (Plan(1, SMALL, (NeverEnds(),)), "halted"),
        (Plan(1, Size(rows=30), sabotage=(BrokenDelimiter(),)), "halted"),
        (Plan(1, Size(rows=5, budget=1.0), sabotage=(RunawayJoin(rows=100),)), "halted"),
        (Plan(1, replace(SMALL, rounds=0, keeps_all=True), (RowsExpired(0.5),)), "halted"),
        (Plan(1, Size(rows=6)), "done"),
    ],
)
def test_harm_may_stop_a_job_and_breaks_no_invariant(game: Game, plan: Plan, status: str) -> None:
    """With a reason, and an alarm; on a calm day without."""
    story = play(plan, game)

    assert status == story.record.status
    assert bool(story.record.why) == bool(story.record.alarms) == (status == "halted")
    assert () == broken(story)


def test_time_is_bounded() -> None:
    """A clock that is asked for more than there is says so."""
    clock = BoundedClock(timedelta(hours=1))
    clock.sleep(timedelta(minutes=59))

    with pytest.raises(Endless):
        clock.sleep(timedelta(minutes=2))
    clock.lift()
    clock.sleep(timedelta(days=1_000))


def test_there_are_eleven_and_each_has_a_name() -> None:
    """As the design counts them."""
    assert 11 == len({invariant.name for invariant in INVARIANTS})


def tampered(good: Story) -> dict[str, Story]:
    """By invariant: the good story with evidence that it was broken."""
    record, key = good.record, good.record.rows[0].key
    books = record.books
    other = {**record.after[record.rows[1].key], "score": 0.123456}
    unseen = [
        type(one)(
            **{name: getattr(one, name) for name in one.__struct_fields__} | {"subject": None}
        )
        for one in books.requests
    ]
    leaks = replace(record)
    leaks.__dict__["leaks"] = ((key, "email"),)
    return {
        "conservation": replace(good, written={}, kept={key: 1}),
        "nothing-unvalidated": replace(
            good, record=replace(record, after={**record.after, key: {"label": "maybe"}})
        ),
        "own-row": replace(good, record=replace(record, after={**record.after, key: other})),
        "spend": replace(good, record=replace(record, approved_usd=books.billed_usd / 2)),
        "canary-only": replace(
            good,
            record=replace(
                record,
                books=type(books)(
                    **{name: getattr(books, name) for name in books.__struct_fields__}
                    | {"requests": tuple(unseen)}
                ),
            ),
        ),
        "no-forbidden-field": replace(good, record=leaks),
        "ledger-first": replace(good, unannounced=("support-game_1-0",)),
        "rollback": replace(good, epilogue=replace(good.epilogue, not_undone=(key,))),
        "purge": replace(good, epilogue=replace(good.epilogue, left=("a text",))),
        "alarm": replace(
            good, record=replace(record, alarms=(), approved_usd=books.billed_usd / 2)
        ),
        "bounded-time": replace(good, record=replace(record, lasted=good.limit * 2)),
    }


@pytest.mark.parametrize("name", [invariant.name for invariant in INVARIANTS])
def test_each_invariant_sees_that_it_was_broken(good: Story, name: str) -> None:
    """And says so of evidence that shows it, with the first offender."""
    story = tampered(good)[name]

    finding = next(one for one in judged(story) if one.check == name)

    assert Outcome.BROKE == finding.outcome
    assert finding.evidence


@pytest.mark.parametrize(
    ("status", "why"), [("crashed", "KeyError"), ("endless", "on"), ("halted", "")]
)
def test_a_job_ends_by_itself_and_with_a_reason(good: Story, status: str, why: str) -> None:
    """A crash is no end, nor is a halt that nobody can explain."""
    story = replace(good, record=replace(good.record, status=status, why=why))

    assert "bounded-time" in {finding.check for finding in broken(story)}


def test_a_calm_day_raises_no_alarm(game: Game) -> None:
    """One that does is a false alarm; a plan in which something happens may."""
    calm = play(Plan(1, Size(rows=6)), game)
    alarmed = replace(calm, record=replace(calm.record, status="halted", why="nobody knows"))

    assert {"alarm", "conservation"} >= {finding.check for finding in broken(alarmed)}
    assert "alarm" in {finding.check for finding in broken(alarmed)}
