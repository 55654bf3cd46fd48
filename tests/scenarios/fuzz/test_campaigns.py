"""Campaigns: the same result wherever the plans are played, and files for what broke."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer.testing

from reports import Finding, Outcome, Verdict
from scenarios.harness.arms import run_drill
from scenarios.harness.commands import app
from scenarios.harness.discovery import load_file
from scenarios.harness.errors import UsageError
from scenarios.harness.fuzz import campaign, cluster, replaying
from scenarios.harness.fuzz.ahead import shrunk
from scenarios.harness.fuzz.campaign import (
    MOST_SHRUNK,
    Failure,
    Shrunk,
    Tally,
    ToShrink,
    to_shrink,
)
from scenarios.harness.fuzz.cluster import on_cluster
from scenarios.harness.fuzz.conduct import conduct
from scenarios.harness.fuzz.dice import draw
from scenarios.harness.fuzz.drillfile import NAMED, drill_file, drill_name
from scenarios.harness.fuzz.outcome import Result, as_document, as_text, open_fuzz_folder
from scenarios.harness.fuzz.plan import Kill, Plan, Size
from scenarios.harness.fuzz.spread import Spread, here, on_cores
from scenarios.harness.fuzz.story import Story
from scenarios.harness.fuzz.writing import read_plan, to_toml
from scenarios.harness.interruption import Interruptions
from scenarios.harness.invariants import INVARIANTS, judged
from scenarios.harness.workers import Died
from scenarios.harness.world import Game
from simulator.faults import CATALOGUE, LostReply

SEED, PLANS = 11, 4


def document(game: Game, spread: Spread) -> dict[str, Any]:
    """What a small campaign comes to."""
    with Interruptions() as interruptions:
        result = conduct(game, SEED, PLANS, spread, interruptions)
    return as_document(result, (), Path())


@pytest.fixture
def small_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few plans make several tasks."""
    monkeypatch.setattr(campaign, "PLANS_PER_TASK", 2)


@contextmanager
def a_cluster() -> Iterator[str]:
    """A Dask scheduler on a socket of its own, with one worker; its address."""
    from distributed import LocalCluster  # noqa: PLC0415 - only this test needs it

    with LocalCluster(  # type: ignore[no-untyped-call] # Dask
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        protocol="tcp://",
        host="127.0.0.1",
        dashboard_address=None,
    ) as local:
        yield local.scheduler_address


@pytest.mark.usefixtures("small_tasks")
@pytest.mark.filterwarnings("default")
def test_it_does_not_matter_who_plays(game: Game) -> None:
    """One process, two, or a cluster whose worker plays two plans at a time: the same report."""
    alone = document(game, here)

    assert PLANS == alone["plans"] == sum(alone["ended"].values())
    assert [] == alone["failures"]
    assert {} == alone["problems"]
    assert alone == document(game, on_cores(2))
    with a_cluster() as address:
        assert alone == document(game, on_cluster(address))


def test_whoever_shrinks_alone_finds_the_same_plan(
    monkeypatch: pytest.MonkeyPatch, game: Game
) -> None:
    """What two cores find by playing ahead, a worker of a cluster finds alone."""

    def judge(_task: ToShrink, plan: Plan) -> Finding | None:
        return BROKEN if plan.parts > 1 and plan.size.rows > 2 else None

    monkeypatch.setattr(ToShrink, "judge", judge)
    tasks = to_shrink(game, SEED, [Failure(1, (BROKEN,))])

    ((_, two),) = shrunk(on_cores(2), tasks)

    assert isinstance(two, Shrunk)
    assert two.plan.parts < tasks[0].plan.parts
    assert [two] == [one for _, one in shrunk(here, tasks)]


@pytest.mark.filterwarnings("default")
def test_a_cluster_that_is_not_there_is_the_users_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address at which nobody answers, and one that is none."""
    monkeypatch.setattr(cluster, "ANSWERS_WITHIN", "200ms")
    for address in ("tcp://127.0.0.1:1", "nonsense://x"):
        with pytest.raises(UsageError, match="No Dask scheduler"):
            on_cluster(address)


@pytest.mark.usefixtures("small_tasks")
def test_plans_of_a_process_that_died_are_told(game: Game) -> None:
    """They count as played, and the harness as broken."""

    def spread(_work: Callable[[Any], Any], tasks: Any) -> Iterator[Any]:
        yield from ((task, Died("was ended by SIGKILL")) for task in tasks)

    with Interruptions() as interruptions:
        result = conduct(game, SEED, 4, spread, interruptions)  # type: ignore[arg-type] # a short one

    assert Verdict.ERROR == result.verdict
    assert [0, 1, 2, 3] == list(result.tally.problems)
    assert "plans 2 to 3 was ended by SIGKILL" in result.tally.problems[2]


def a_tally(**changes: Any) -> Tally:
    """A campaign in which everything was asked, struck and held."""
    tally = Tally(plans=9)
    tally.held.update(each.name for each in INVARIANTS)
    tally.struck.update({"Stall": 3})
    for name, value in changes.items():
        setattr(tally, name, value)
    return tally


BROKEN = Finding("spend", Outcome.BROKE, "1 overrun", 3, 1, ("$2",))


@pytest.mark.parametrize(
    ("tally", "verdict", "says"),
    [
        (a_tally(), Verdict.PASS, "held            1  spend"),
        (a_tally(held=Counter()), Verdict.INCONCLUSIVE, "never asked               spend"),
        (a_tally(struck=Counter()), Verdict.INCONCLUSIVE, "not all was proved"),
        (a_tally(failures=[Failure(4, (BROKEN,))]), Verdict.FAIL, "plan 4 broke spend: 1 overrun"),
        (
            a_tally(failures=[Failure(4, (BROKEN,))], problems={5: "KeyError"}),
            Verdict.ERROR,
            "plan 5: the harness broke: KeyError",
        ),
    ],
)
def test_the_verdict_is_the_worst(game: Game, tally: Tally, verdict: Verdict, says: str) -> None:
    """What was never asked is named, and so is a campaign in which nothing struck."""
    result = Result(game, 0, tally, ())

    assert verdict == result.verdict
    assert says in as_text(result, ())


def test_each_invariant_has_its_turn_at_shrinking(game: Game) -> None:
    """One failure of each comes before many of one."""
    other = replace(BROKEN, check="own-row")
    failures = [Failure(number, (BROKEN,)) for number in range(20)]
    tasks = to_shrink(game, 0, [*failures, Failure(99, (other,))])

    assert MOST_SHRUNK == len(tasks)
    assert [("spend", 0), ("own-row", 99)] == [(t.invariant, t.number) for t in tasks[:2]]


def with_a_false_alarm(story: Story) -> tuple[Finding, ...]:
    """The findings of a story, and one that is not true: losing a reply breaks the bank."""
    if "LostReply" in story.struck:
        return tuple(BROKEN if f.check == "spend" else f for f in judged(story))
    return judged(story)


def test_a_failure_is_written_down_and_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, game: Game
) -> None:
    """The command writes report, plan and drill, and ends with 1; so does the replay, until what
    broke is mended; a campaign that proves little ends with 3 and removes what the last one left.
    The drill can be run."""
    plan = Plan(5, Size(rows=3, canary=1), (LostReply(spare_batches=1),))
    monkeypatch.setattr(campaign, "judged", with_a_false_alarm)
    monkeypatch.setattr(campaign, "draw", lambda _seed, _number: plan)
    monkeypatch.setattr(
        campaign.ToShrink, "shrink", lambda task: Shrunk(task.number, "spend", plan, BROKEN, 7)
    )
    monkeypatch.chdir(tmp_path)
    run = typer.testing.CliRunner().invoke

    broke = run(app, ["fuzz", "--plans", "1", "--seed", "3", "--workers", "1"])

    folder = tmp_path / "gameday-fuzz"
    written, drill = folder / "failures" / "spend-3-0.toml", folder / "failures" / "spend_3_0.py"
    assert 1 == broke.exit_code, broke.output
    assert "gameday replay gameday-fuzz/failures/spend-3-0.toml" in broke.output
    report = json.loads((folder / "fuzz.json").read_text())
    assert "failures/spend-3-0.toml" == report["failures"][0]["shrunk"]["plan"]
    assert (plan, game.rowset.digest) == read_plan(written)
    (made,) = load_file(str(drill))
    assert Verdict.ERROR != run_drill(made, game).verdict

    held = run(app, ["replay", str(written)])
    monkeypatch.setattr(replaying, "judged", with_a_false_alarm)
    breaks = run(app, ["replay", str(written)])
    assert (0, 1) == (held.exit_code, breaks.exit_code)
    assert "1 times  LostReply(spare_batches=1)" in held.output
    assert "BROKE  spend: 1 overrun" in breaks.output

    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    again = run(app, ["fuzz", "--plans", "1", "--seed", "3", "--workers", "1"])
    assert 3 == again.exit_code, again.output
    assert ["fuzz.json"] == [path.name for path in folder.iterdir()]


def test_a_folder_of_somebody_else_stays_as_it_is(tmp_path: Path) -> None:
    """A `fuzz.json` that is not ours is not replaced; plans of the user's are left alone."""
    mine = tmp_path / "failures" / "mine.toml"
    mine.parent.mkdir()
    mine.write_text("seed = 1\n")
    open_fuzz_folder(tmp_path)
    (tmp_path / "fuzz.json").write_text("{}")

    with pytest.raises(UsageError, match="not a report"):
        open_fuzz_folder(tmp_path)
    assert mine.exists()


def test_a_plan_is_replayed_on_its_own_rows(tmp_path: Path) -> None:
    """Other rows are another story."""
    file = tmp_path / "plan.toml"
    file.write_text(to_toml(Plan(), "another digest"))

    with pytest.raises(UsageError, match="found on other rows"):
        replaying.replayed(file, None, None)
    with pytest.raises(UsageError, match="cannot be read"):
        replaying.replayed(tmp_path / "none.toml", None, None)


def test_every_invariant_can_be_told_as_a_drill(tmp_path: Path) -> None:
    """Whatever plan broke it: the file is Python, declares one drill with the plan's faults, and
    says what a drill cannot."""
    assert {each.name for each in INVARIANTS} == set(NAMED)
    kinds = [Plan(size=Size(rows=9, canary=4, ramp=(0.5,)), kills=(Kill(3),)), Plan()]
    plans = [*kinds, *(draw(4, number) for number in range(30))]
    for number, plan in enumerate(plans):
        each = INVARIANTS[number % len(INVARIANTS)]
        file = tmp_path / f"drill_{number}.py"
        file.write_text(drill_file(f"{each.name}-4-{number}", each.name, each.says, plan, "again"))

        (drill,) = load_file(str(file))

        assert drill_name(f"{each.name}-4-{number}") == drill.name
        assert plan.faults == tuple(f for f in drill.faults if f.name != "NoFault")
        assert plan.sabotage == drill.sabotage
        assert bool(plan.kills) == ("when workers are killed" in drill.story)
        tomllib.loads(to_toml(plan))


def test_the_families_cover_the_catalogue() -> None:
    """Nothing is left out of the count."""
    tally = a_tally()

    assert len(CATALOGUE) - 1 == sum(of for _, of in tally.families.values())
    assert (1, 8) == tally.families["lifecycle"]
