"""`gameday prove`: what becomes of mutants, and what the command makes of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from typer.testing import CliRunner

from controls import Canary, PromptFence, Quarantine, Requeue, Row, RowBinding, Stack, Staging
from controls.core.answer import Accepted, Answer, Verdict
from controls.core.book import JobRecord
from controls.core.decision import Decision, Proceed, Resubmit
from controls.core.moment import AfterCollect, Moment
from reports.kills import Fate, KillMatrix, MutantReport, load_kills
from scenarios.harness import prove
from scenarios.harness.commands import app
from scenarios.harness.discovery import select
from scenarios.harness.errors import UsageError
from scenarios.harness.game import open_game
from scenarios.harness.mutants import Infection, Kind, Mutant, Witness, mutant
from scenarios.harness.prove import Proof, chosen, exit_code, in_turn, start
from scenarios.harness.tickets import tickets
from scenarios.harness.world import Game
from scenarios.mutants import all_mutants, mutants_in
from scenarios.second_bad_day_is_survived import second_bad_day_is_survived as bad_days

DRILLED = {drill.control_types for drill in select([])}
LAST_OF_EACH = [
    one for one in {one.control: one for one in all_mutants()}.values() if (one.control,) in DRILLED
]
"""One mutant per control with a drill of its own; `gameday prove` itself tries them all."""


@mutant(Requeue, Kind.HALF)
class SaysItOtherwise(Requeue):
    """Does all that the control does, in other words."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        return replace(decision, why="again") if isinstance(decision, Resubmit) else decision


@mutant(Requeue, Kind.WRONG_FIELD)
class MindsAnotherTeam(Requeue):
    """Is wrong for a team that is in no drill."""

    def decide(self, moment: Moment, /) -> Decision:
        theirs = isinstance(moment, AfterCollect) and moment.job_type.team == "nobody"
        return Proceed() if theirs else super().decide(moment)


@mutant(Requeue, Kind.HALF)
class BreaksDown(Requeue):
    """Raises where the control decides."""

    def decide(self, moment: Moment, /) -> Decision:
        if isinstance(moment, AfterCollect):
            raise LookupError("planted")  # noqa: TRY004 - any error will do
        return super().decide(moment)


@mutant(Staging, Kind.HALF)
class CrashesTheRun(Staging):
    """Raises in the middle of the promotion."""

    def promote(self, job: JobRecord, digests: Mapping[int, str]) -> int:
        raise LookupError(f"planted for {job.id}")


@mutant(Quarantine, Kind.HALF)
class SpoilsTheBooks(Quarantine):
    """Accepts what no table can hold."""

    def examine(self, answer: Answer) -> Verdict:
        return Accepted({"label": answer.text, "score": object()})


MINE = {one.name: one for one in mutants_in(sys.modules[__name__])}


@pytest.fixture(scope="module")
def game() -> Game:
    """A few seeded tickets."""
    return replace(open_game(None, None, seed=0), rowset=tickets(0, 120))


def judged(game: Game, *sick: Mutant, drills: tuple[str, ...] = ()) -> list[MutantReport]:
    """What becomes of mutants in some drills, by default the one about two bad days."""
    proof = Proof(game, select(drills) if drills else (bad_days,), sick)
    return list(start(proof, workers=1))


@pytest.mark.parametrize("sick", LAST_OF_EACH, ids=lambda sick: sick.title)
def test_a_mutant_is_killed_for_what_it_does_wrong(sick: Mutant) -> None:
    """A share of the whole matrix: one broken form of a control, against all drills."""
    (report,) = start(Proof(open_game(None, None, 0), select([]), (sick,)), workers=1)

    assert Fate.KILLED is report.fate, report.trials


def test_a_mutant_that_no_drill_notices_survives(game: Game) -> None:
    """It acted differently, the drills held: that is a hole, and it says how often."""
    (report,) = judged(game, MINE["SaysItOtherwise"])

    assert Fate.SURVIVED is report.fate
    assert [("second_bad_day_is_survived", 120)] == [(t.drill, t.rows) for t in report.trials]
    assert all(trial.differed for trial in report.trials)


def test_what_survives_few_rows_is_tried_with_all(game: Game) -> None:
    """Some harm is seen in thousands of rows only."""
    larger = replace(game, rowset=tickets(0, 450))
    (report,) = judged(larger, MINE["MindsAnotherTeam"])

    assert [400, 450] == [trial.rows for trial in report.trials]


def test_a_mutant_that_is_never_reached_is_not_exercised(game: Game) -> None:
    """A drill that held where nothing was different has said nothing."""
    (report,) = judged(game, MINE["MindsAnotherTeam"])

    assert Fate.NOT_EXERCISED is report.fate
    assert not any(trial.differed for trial in report.trials)


@pytest.mark.parametrize(
    ("sick", "says"),
    [
        (MINE["BreaksDown"], "the mutant raised LookupError: planted"),
        (MINE["CrashesTheRun"], "the pipeline crashed: LookupError: planted"),
        (MINE["SpoilsTheBooks"], "the pipeline crashed: TypeError"),
    ],
    ids=lambda value: value.name if isinstance(value, Mutant) else "",
)
def test_a_mutant_that_breaks_the_run_is_void(sick: Mutant, says: str, game: Game) -> None:
    """A crash is noticed by anybody: it is no merit of a drill."""
    (report,) = judged(game, sick)

    assert Fate.VOID is report.fate
    assert report.trials[0].says.startswith(says)


def test_a_drill_that_is_broken_itself_kills_nobody(game: Game) -> None:
    """It would not hold without the mutant either."""
    broken = replace(bad_days, controls=(Requeue(max_rounds=0),))
    bench = prove.Bench(Proof(game, (broken,), (MINE["SaysItOtherwise"],)))

    trial = bench.try_out(MINE["SaysItOtherwise"], broken, game)

    assert Fate.VOID is trial.fate
    assert "does not hold without the mutant" in trial.says


def test_a_script_that_breaks_is_void(game: Game) -> None:
    """The harness is at fault, and the mutant is not called killed for it."""
    broken = replace(bad_days, script=lambda _world: None)
    bench = prove.Bench(Proof(game, (broken,), (MINE["SaysItOtherwise"],)))

    assert Fate.VOID is bench.try_out(MINE["SaysItOtherwise"], broken, game).fate


def test_the_first_kill_ends_it_unless_all_is_asked_for(game: Game) -> None:
    """With `--all` every drill has its say."""
    (sick,) = chosen(["Requeue.one_round_less"], all_mutants())
    drills = select(["hopeless_rows_are_given_up", "second_bad_day_is_survived"])

    (short,) = start(Proof(game, drills, (sick,)), workers=1)
    (long,) = start(Proof(game, drills, (sick,), fill=True), workers=1)

    assert Fate.KILLED is short.trials[-1].fate
    assert 2 == len(long.trials)


def test_drills_that_name_the_control_come_first() -> None:
    """Whoever stops what is in order is looked for on a good day first."""
    requeue, strict = (chosen([name], all_mutants())[0] for name in ("Requeue", "Canary"))
    strict = replace(strict, kind=Kind.TOO_STRICT)

    naming, others = in_turn(requeue, select([]))
    canaries, _ = in_turn(strict, select([]))

    assert all(Requeue in drill.control_types for drill in naming)
    assert not naming[0].is_good_day
    assert any(drill.is_good_day for drill in naming)
    assert canaries[0].is_good_day
    families = {drill.name.partition(".")[0] for drill in select([])}
    assert families == {drill.name.partition(".")[0] for drill in (*naming, *others)}
    assert not [drill for drill in others if Requeue in drill.control_types]


def test_several_workers_say_the_same_as_one(game: Game) -> None:
    """The matrix does not depend on who was done first."""
    proof = Proof(game, (bad_days,), (MINE["SaysItOtherwise"], MINE["BreaksDown"]))
    alone, together = (
        sorted(start(proof, workers), key=lambda report: report.title) for workers in (1, 2)
    )

    assert alone == together


def test_settings_go_over_to_a_mutant() -> None:
    """A broken control has the settings of the right one, whatever keeps them."""
    made = MINE["BreaksDown"].make(Requeue(max_rounds=7))
    gate = MINE["SpoilsTheBooks"].make(Quarantine({"type": "object"}))

    assert (7, Requeue) == (made.max_rounds, type(made).__mro__[1])
    assert gate.is_valid({})


def test_every_part_of_a_stack_can_be_replaced() -> None:
    """Controls, gate, fence and identity; what is not named stays the very same."""
    stack = Stack((Canary(), Requeue()), Quarantine({}), PromptFence(), RowBinding(), None)  # type: ignore[arg-type]
    witness = Witness()

    @mutant(RowBinding, Kind.OFF_BY_ONE)
    class Shifts(RowBinding):
        """Is off."""

        def row_of(self, sent: Row) -> Row:
            return replace(sent, ordinal=sent.ordinal + 1)

    changed = Infection(cast("Mutant", Shifts), witness)(stack)

    assert stack.controls == changed.controls
    assert stack.gate is changed.gate
    assert 1 == changed.identity.row_of(Row(0, "k", {})).ordinal
    assert 1 == witness.differed


def test_a_mutant_without_a_story_is_refused() -> None:
    """Nobody would know what its survival means."""
    with pytest.raises(UsageError, match="no docstring"):

        @mutant(Requeue, Kind.REMOVED)
        class Nameless(Requeue):
            pass


@pytest.mark.parametrize(
    ("expected", "fates"),
    [
        (0, [Fate.KILLED]),
        (1, [Fate.KILLED, Fate.SURVIVED]),
        (1, [Fate.NOT_EXERCISED, Fate.VOID]),
        (3, [Fate.KILLED, Fate.VOID]),
    ],
)
def test_the_exit_code_says_what_was_proved(expected: int, fates: list[Fate]) -> None:
    """A hole fails the command; of a void mutant nothing is known."""
    mutants = tuple(MutantReport("Requeue", fate.value, "", "", fate, ()) for fate in fates)

    assert expected == exit_code(KillMatrix(0, "", (), mutants))


PLANTED = '''
from controls import Requeue
from controls.core.decision import Resubmit
from collections.abc import Mapping
from dataclasses import replace
from scenarios.harness.mutants import Kind, mutant

@mutant(Requeue, Kind.HALF)
class SaysItOtherwise(Requeue):
    """Does the same in other words."""
    def decide(self, moment, /):
        decision = super().decide(moment)
        return replace(decision, why="again") if isinstance(decision, Resubmit) else decision
'''


def test_a_survivor_is_named_and_fails_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, game: Game
) -> None:
    """From a file of the user's to the exit code, the text and the JSON."""
    monkeypatch.setattr(prove, "select", lambda _names: (bad_days,))
    monkeypatch.setattr(prove, "open_game", lambda *_given: game)
    file = tmp_path / "mine.py"
    file.write_text(PLANTED)
    arguments = ["prove", str(file), "--out", str(tmp_path), "--workers", "1"]

    done = CliRunner().invoke(app, arguments)
    again = CliRunner().invoke(app, arguments)
    matrix = load_kills((tmp_path / "kill-matrix.json").read_text())

    assert 1 == done.exit_code == again.exit_code
    assert "SURVIVED  Requeue.SaysItOtherwise (does half of it)" in done.stdout
    assert "0 of 1 mutants of 1 controls were killed; 1 survived. Seed 0." in done.stdout
    assert ["SaysItOtherwise"] == [one.name for one in matrix.of(Fate.SURVIVED)]
    assert (tmp_path / "kill-matrix.txt").read_text() in done.stdout


@pytest.mark.parametrize(
    ("name", "source", "complaint"),
    [
        ("Canray", None, "Did you mean Canary"),
        ("Nonsense", None, "There are: ApprovedOnly"),
        ("empty.py", "x = 1", "declares no mutant and no drill"),
        ("gone.py", None, "There is no drill file"),
    ],
)
def test_wrong_names_are_refused(
    name: str, source: str | None, complaint: str, tmp_path: Path
) -> None:
    """What is wrong, and how to mend it."""
    if source:
        (tmp_path / name).write_text(source)
        name = str(tmp_path / name)
    with pytest.raises(UsageError, match=complaint):
        prove.open_proof([name], 0)


def test_two_mutants_of_one_name_are_refused(tmp_path: Path) -> None:
    """Nobody could tell them apart in the matrix."""
    file = tmp_path / "mine.py"
    file.write_text(PLANTED.replace("SaysItOtherwise", "one_round_less"))

    with pytest.raises(UsageError, match=r"two mutants named 'Requeue\.one_round_less'"):
        prove.open_proof([str(file)], 0)


def test_a_foreign_file_is_not_replaced(tmp_path: Path) -> None:
    """What has the name of the matrix and is none stays."""
    (tmp_path / "kill-matrix.json").write_text('{"mine": true}')

    done = CliRunner().invoke(app, ["prove", "Requeue", "--out", str(tmp_path)])

    assert isinstance(done.exception, UsageError)
    assert '{"mine": true}' == (tmp_path / "kill-matrix.json").read_text()
