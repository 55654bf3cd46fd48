"""The ways in which a drill could be green without merit. None is, and each says why.

Every case starts from a drill that passes, and takes away what its green stood on.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from controls import Canary, CostCeiling, Quarantine, Requeue, Staging
from reports import (
    ArmName,
    Asked,
    DrillReport,
    Finding,
    Format,
    Outcome,
    Phase,
    Verdict,
    load,
    render,
)
from reports.errors import ReportError
from reports.verdict import ELSEWHERE, FAILED_STEPS, HARM, judge_arms
from scenarios import (
    DamageIsHeard,
    EveryRowAccountedFor,
    EveryRowAnswered,
    SpendWithinApproval,
    UncappedOutput,
    World,
    drill,
)
from scenarios.harness.arms import CalmRuns, run_drill
from scenarios.harness.discovery import select
from scenarios.harness.drill import Drill
from scenarios.harness.errors import UsageError
from scenarios.harness.game import open_game, plan, report_of
from scenarios.harness.record import Record
from scenarios.harness.tickets import tickets
from simulator import hours
from simulator.faults import (
    AnswersSwapped,
    Endpoint,
    LostReply,
    RowsErrored,
    RowsExpired,
    Stall,
)
from simulator.faults.seams import AnswerFault, WireFault
from tests.builders_reports import a_drill, an_arm, an_injection

ROWS = 200
STALL = Stall(after_share=0.5, lasting=hours(25), times=1, spare_batches=1)


def run(world: World) -> None:
    """What a script does."""
    world.run(world.rows())


@pytest.fixture(scope="module")
def day() -> CalmRuns:
    """Few rows; enough for the canary. A calm day is played once."""
    whole = open_game(None, None, seed=0)
    return CalmRuns(replace(whole, rowset=tickets(0, ROWS)))


def a_sound_drill(**changes: Any) -> Drill:
    """It passes; `changes` is what was taken from it."""
    made = replace(
        select(["expired_rows_are_resent"])[0], checks=(EveryRowAnswered(), DamageIsHeard())
    )
    return replace(made, **changes)


def test_the_sound_drill_is_green(day: CalmRuns) -> None:
    """Else this whole file would prove nothing."""
    report = run_drill(a_sound_drill(), day.game, day)
    guarded = report.arm(ArmName.GUARDED)

    assert Verdict.PASS is report.verdict, report.because
    assert guarded is not None
    assert ["Requeue"] == [each.control for each in guarded.asked]
    assert guarded.asked[0].asked > guarded.asked[0].acted == 1


# Nothing was injected.


@pytest.mark.parametrize(
    "faults",
    [
        (replace(STALL, spare_batches=50),),
        (RowsErrored(share=0.0),),
        (STALL, LostReply(on=Endpoint.CANCEL)),
        (STALL, replace(STALL, spare_batches=50)),
        (RowsExpired(share=0.1, spare_batches=1), RowsExpired(share=0.1, spare_batches=50)),
        (RowsErrored(share=1.0, spare_batches=1), RowsErrored(share=1.0, spare_batches=1)),
    ],
    ids=["never its turn", "no share", "one of two", "one of two alike", "namesake", "its equal"],
)
def test_a_fault_that_did_not_strike(faults: tuple[Any, ...], day: CalmRuns) -> None:
    """Each fault by itself must have fired in the bare arm; another of its kind does not help."""
    report = run_drill(a_sound_drill(faults=faults), day.game, day)

    assert Verdict.INCONCLUSIVE is report.verdict
    assert report.because.startswith("these faults never fired: ")


# A fault breaks by itself.


class BrokenWire(WireFault):
    """Raises when a create call comes."""

    def strike(self, call: Any) -> Any:
        raise LookupError("a bug of the fault")


class BrokenAnswer(AnswerFault):
    """Raises when an answer is made."""

    def bend(self, answer: Any, strike: int, dice: Any) -> Any:
        raise LookupError("a bug of the fault")


@pytest.mark.parametrize(
    "fault", [BrokenWire(), BrokenAnswer(share=1.0)], ids=["a call", "an answer"]
)
def test_a_fault_that_raises(fault: Any, day: CalmRuns) -> None:
    """To the client it looks like a bad connection, and that is not what was to be shown."""
    report = run_drill(a_sound_drill(faults=(fault,)), day.game, day)

    assert Verdict.ERROR is report.verdict
    assert "the harness broke: the simulated service or a fault broke" == report.because
    assert "LookupError: a bug of the fault" in report.error


# A check that cannot see, raises, or did not look.


@dataclass(frozen=True)
class Says:
    """A check that says what it was told to say."""

    finding: Finding | None

    def judge(self, record: Record) -> Finding:
        if self.finding is None:
            raise LookupError(f"cannot see {len(record.rows)} rows")
        return self.finding


@pytest.mark.parametrize(
    ("finding", "verdict", "because"),
    [
        (
            Finding("Says", Outcome.NOT_EXERCISED, "nothing there", 0),
            Verdict.INCONCLUSIVE,
            "these checks saw nothing: Says",
        ),
        (None, Verdict.ERROR, "these checks raised: Says"),
        (Finding("Says", Outcome.HELD, "fine", 0), Verdict.ERROR, "these checks raised: Says"),
        (Finding("Says", Outcome.HELD, "fine", 9, 2), Verdict.ERROR, "these checks raised: Says"),
    ],
    ids=["sees nothing", "raises", "never looked at a row", "holds with offenders"],
)
def test_a_check_that_is_no_witness(
    finding: Finding | None, verdict: Verdict, because: str, day: CalmRuns
) -> None:
    """It stands beside a good check, and the drill is not green for that."""
    report = run_drill(a_sound_drill(checks=(EveryRowAnswered(), Says(finding))), day.game, day)

    assert (verdict, because) == (report.verdict, report.because)


# The calm arm.


def test_a_baseline_that_is_broken_already(day: CalmRuns) -> None:
    """Controls that stop a good day have not held a bad one."""
    harm = Finding("Says", Outcome.BROKE, "2 rows are bad", 9, 2)
    report = run_drill(a_sound_drill(checks=(Says(harm),)), day.game, day)

    assert (Verdict.FAIL, HARM) == (report.verdict, report.because)


def test_a_calm_arm_in_which_something_was_injected(day: CalmRuns) -> None:
    """A script that plants the fault itself plants it in the calm arm too."""

    def plants(world: World) -> None:
        stage = world.prepare(world.rows())
        stage.api.plan.add(RowsErrored(share=0.1))
        stage.runner.run(stage.job, stage.task.rows)

    report = run_drill(a_sound_drill(script=plants), day.game, day)

    assert Verdict.ERROR is report.verdict
    assert report.because == ("the harness broke: a fault struck in the calm arm, where none may")


# The controls.


def test_a_control_that_is_named_and_never_asked(day: CalmRuns) -> None:
    """The ceiling refuses the job, so no answer ever came to the quarantine."""
    both = replace(
        a_sound_drill(),
        faults=(),
        sabotage=(UncappedOutput(max_tokens=60_000),),
        controls=(CostCeiling, Quarantine),
        checks=(SpendWithinApproval(),),
    )
    report = run_drill(both, day.game, day)
    guarded = report.arm(ArmName.GUARDED)

    assert (Verdict.INCONCLUSIVE, "these controls were never asked: Quarantine") == (
        report.verdict,
        report.because,
    )
    assert guarded is not None
    assert Asked("Quarantine", 0, 0) == guarded.asked[1]
    assert guarded.asked[0].acted


def test_a_control_that_does_not_work(day: CalmRuns) -> None:
    """It is asked, and does nothing."""
    report = run_drill(a_sound_drill(controls=(Requeue(max_rounds=0),)), day.game, day)

    assert (Verdict.FAIL, "the guarded arm did not hold") == (report.verdict, report.because)


def test_controls_that_the_harness_does_not_know(day: CalmRuns) -> None:
    """A name that the bare arm cannot leave out makes no drill."""
    declared = drill(
        defends_against="nothing",
        faults=[STALL],
        controls=[type("Canaries", (Canary,), {})],
        checks=[EveryRowAnswered()],
    )

    with pytest.raises(UsageError, match="names Canaries"):
        declared(a_sound_drill().script)


def test_a_guarded_arm_without_the_fault() -> None:
    """Neither did a fault strike, nor had a control anything to do: a second calm day."""
    calm = an_arm(ArmName.CALM, asked=(Asked("Requeue", 9, 0),))
    guarded = an_arm(
        ArmName.GUARDED, injections=(an_injection(fired=0),), asked=(Asked("Requeue", 9, 0),)
    )
    verdict, because = judge_arms(calm, an_arm(ArmName.BARE), guarded, good_day=False)

    assert Verdict.INCONCLUSIVE is verdict
    assert "no fault struck the guarded arm, and no control prevented one" == because


# The bare arm.


@pytest.mark.parametrize(
    "fault",
    [replace(STALL, lasting=hours(1)), AnswersSwapped(share=0.1, spare_batches=1)],
    ids=["harmless", "harmless to these checks"],
)
def test_a_bare_arm_that_was_not_harmed(fault: Any, day: CalmRuns) -> None:
    """A fault that does no harm without the control says nothing about it."""
    report = run_drill(
        a_sound_drill(faults=(fault,), checks=(EveryRowAccountedFor(),)), day.game, day
    )

    assert (Verdict.INCONCLUSIVE, "the faults did no harm even without the controls") == (
        report.verdict,
        report.because,
    )


# Restoring.


def test_a_restore_that_fails(day: CalmRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rollback says that it put the rows back, and has not."""
    monkeypatch.setattr(Staging, "rollback", lambda *_: ROWS)
    report = run_drill(a_sound_drill(), day.game, day)

    assert (Verdict.FAIL, FAILED_STEPS[Phase.REVERSE]) == (report.verdict, report.because)
    assert not report.runbook[-1].worked
    assert "DIFFERS FROM" in report.runbook[-1].result


# The rows.


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        ("ticket_id,body\n", "no rows"),
        ("name,colour\nAnn,red\n", "no column 'body'"),
        ("[]", "no rows"),
    ],
    ids=["empty", "a head only", "another table", "an empty list"],
)
def test_a_rows_file_that_proves_nothing(text: str, complaint: str, tmp_path: Path) -> None:
    """Wrong and empty files are refused before anything runs."""
    path = tmp_path / ("rows.json" if text == "[]" else "rows.csv")
    path.write_text(text)

    with pytest.raises(UsageError, match=complaint):
        open_game(path, None, seed=0)


def test_a_script_without_rows(day: CalmRuns) -> None:
    """There is nothing that could have gone wrong."""
    report = run_drill(a_sound_drill(script=lambda world: world.run(world.rows(0))), day.game, day)

    assert Verdict.PASS < report.verdict


# The seed.


def test_a_seed_that_changes_nothing(day: CalmRuns) -> None:
    """The same seed repeats the report; another strikes other rows of the very same table."""
    drilled = a_sound_drill(
        faults=(RowsErrored(share=0.1, spare_batches=1),), checks=(EveryRowAnswered(),)
    )
    first, again, other = (
        run_drill(drilled, replace(day.game, seed=seed)).arm(ArmName.BARE) for seed in (1, 1, 2)
    )

    assert first == again
    assert first is not None
    assert other is not None
    assert first.injections[0].where != other.injections[0].where


def test_dice_that_no_seed_holds(day: CalmRuns) -> None:
    """Green by luck cannot be repeated, so it is not green."""

    def shuffles(world: World) -> None:
        rows = list(world.rows())
        random.random()
        world.run(rows)

    report = run_drill(a_sound_drill(script=shuffles), day.game, day)

    assert Verdict.ERROR is report.verdict
    assert "which no seed holds" in report.because


# The pipeline is elsewhere, or does nothing.


@pytest.mark.parametrize("only", ArmName)
def test_a_pipeline_that_calls_another_address(only: ArmName, day: CalmRuns) -> None:
    """It says that it is done; the service has not heard of it, in one arm or in all."""

    def elsewhere(world: World) -> None:
        if only in {ArmName.CALM, world.arm}:
            world.prepare(world.rows())
            world.status = "done"
        else:
            world.run(world.rows())

    report = run_drill(a_sound_drill(script=elsewhere), day.game, day)

    assert Verdict.INCONCLUSIVE is report.verdict
    if only is ArmName.BARE:
        assert report.because.startswith("these faults never fired: ")
    else:
        assert ELSEWHERE == report.because


@pytest.mark.parametrize("script", [lambda _: None, lambda world: world.rows()])
def test_a_drill_that_runs_nothing(script: Callable[[World], None], day: CalmRuns) -> None:
    """A script that forgets the pipeline."""
    report = run_drill(a_sound_drill(script=script), day.game, day)

    assert Verdict.ERROR is report.verdict
    assert "has not run anything" in report.error


def test_a_game_day_without_a_drill(day: CalmRuns) -> None:
    """Nothing that could be run: no drill, or none that applies."""
    report = report_of(day.game, plan((), day.game), (), "gameday run")

    assert Verdict.INCONCLUSIVE is report.verdict
    assert 'errors="1"' in render(report, Format.JUNIT)


# The report.


EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "the verdict": lambda told: told.update(verdict="PASS"),
    "an arm": lambda told: told.update(verdict="PASS", arms=told["arms"][:2]),
    "what held": lambda told: told["arms"][2].update(held=True),
    "who was asked": lambda told: told["arms"][2].update(asked=[]),
    "the restore": lambda told: told["runbook"][-1].update(worked=False),
}


@pytest.fixture(scope="module")
def failed(day: CalmRuns) -> DrillReport:
    """A report of a control that does not work."""
    return run_drill(a_sound_drill(controls=(Requeue(max_rounds=0),)), day.game, day)


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_report_that_was_edited(
    edit: Callable[[dict[str, Any]], object], day: CalmRuns, failed: DrillReport
) -> None:
    """What does not follow from its own arms is refused, and not rendered."""
    passed = a_drill()
    judged = passed if edit is EDITS["the restore"] else failed
    report = report_of(day.game, plan((), day.game), (judged,), "gameday run")
    document = json.loads(render(report, Format.JSON))
    edit(document["drills"][0])

    with pytest.raises(ReportError, match="contradicts itself"):
        load(json.dumps(document))
