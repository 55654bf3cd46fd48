"""`gameday prove`: every mutant of every control, against the drills.

Only the guarded arm is run. First come the drills that name the control, the most specific before
the others, then all that are left; the first kill ends it, unless the whole matrix is asked for.
Small games are quick and say no to most mutants; what survives them is tried again with as many
rows as `gameday run` has.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial

from reports import ArmName, ArmReport, Outcome
from reports.kills import Fate, KillMatrix, MutantReport, Trial, fate_of
from scenarios.harness.arms import judge_arm, play
from scenarios.harness.discovery import drills_in, load_module, select
from scenarios.harness.drill import Drill
from scenarios.harness.errors import UsageError
from scenarios.harness.game import longest_first, open_game
from scenarios.harness.interruption import Interruptions
from scenarios.harness.mutants import Infection, Kind, Mutant, Witness
from scenarios.harness.progress import progress
from scenarios.harness.tickets import tickets
from scenarios.harness.workers import Died, Workers
from scenarios.harness.world import Game, Refit, as_it_is
from scenarios.mutants import all_mutants

SMALL = 400
"""Rows of the first, quick game."""
KILLED = "killed: "
"""How a worker ends that a drill has killed on purpose: no crash of its own."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What is tried against what."""

    game: Game
    drills: tuple[Drill, ...]
    mutants: tuple[Mutant, ...]
    fill: bool = False
    """Every mutant in every drill, also when it was killed before."""

    @property
    def small(self) -> Game:
        """The same game day with few rows."""
        if len(self.game.rowset.rows) <= SMALL:
            return self.game
        return replace(self.game, rowset=tickets(self.game.seed, SMALL))


def open_proof(names: Sequence[str], seed: int, *, fill: bool = False) -> Proof:
    """What was asked for: controls or mutants by name, and what files of the user's declare.

    Raises:
        UsageError: there is no such control or file, or a file declares nothing to try.
    """
    mutants, drills = list(all_mutants()), list(select([]))
    asked = [name for name in names if not name.endswith(".py")]
    for name in names:
        if name not in asked:
            module = load_module(name)
            mine = [value for value in vars(module).values() if isinstance(value, Mutant)]
            brought = drills_in(module)
            if not mine and not brought:
                raise UsageError(
                    f"The file {name} declares no mutant and no drill.",
                    fix="Put @mutant(...) above a class, or @drill(...) above a function.",
                )
            mutants += mine
            asked += [one.title for one in mine]
            drills += brought
    _distinct([one.title for one in mutants], "mutants")
    _distinct([drill.name for drill in drills], "drills")
    return Proof(open_game(None, None, seed), tuple(drills), chosen(asked, mutants), fill)


def _distinct(names: Sequence[str], what: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UsageError(f"There are two {what} named {twice[0]!r}.", fix="Rename one of them.")


def chosen(names: Sequence[str], known: Sequence[Mutant]) -> tuple[Mutant, ...]:
    """The mutants of these controls, or with these names; all when none is given.

    Raises:
        UsageError: there is no such control.
    """
    by_name: dict[str, list[Mutant]] = {}
    for one in known:
        by_name.setdefault(one.control.__name__, []).append(one)
        by_name.setdefault(one.title, []).append(one)
    for name in names:
        if name not in by_name:
            near = get_close_matches(name, by_name, n=1, cutoff=0.5)
            controls = ", ".join(sorted({one.control.__name__ for one in known}))
            hint = f"Did you mean {near[0]}?" if near else f"There are: {controls}."
            raise UsageError(f"There are no mutants of {name!r}.", fix=hint)
    asked = {one.title for name in names for one in by_name[name]}
    return tuple(one for one in known if not names or one.title in asked)


@dataclass(slots=True)
class Bench:
    """Where mutants are tried. It remembers which drills hold without any."""

    proof: Proof
    _holds: dict[tuple[str, int], bool] = field(default_factory=dict)

    def judge(self, sick: Mutant) -> MutantReport:
        """What becomes of one mutant."""
        trials = tuple(self._trials(sick))
        return MutantReport(
            sick.control.__name__, sick.name, sick.kind.value, sick.story, fate_of(trials), trials
        )

    def _trials(self, sick: Mutant) -> Iterator[Trial]:
        naming, others = in_turn(sick, self.proof.drills)
        small, whole = self.proof.small, self.proof.game
        killed = False
        for drill in (*naming, *others) if self.proof.fill else naming:
            yield (trial := self.try_out(sick, drill, small))
            killed |= trial.fate is Fate.KILLED
            if killed and not self.proof.fill:
                return
        again = [(drill, whole) for drill in naming if whole is not small]
        again += [] if self.proof.fill else [(drill, small) for drill in others]
        for drill, game in () if killed else again:
            yield (trial := self.try_out(sick, drill, game))
            if trial.fate is Fate.KILLED:
                return

    def try_out(self, sick: Mutant, drill: Drill, game: Game) -> Trial:
        """One mutant in the guarded arm of one drill."""
        witness = Witness()
        rows = len(game.rowset.rows)
        made = partial(Trial, drill.name, rows)
        report = _run(drill, game, Infection(sick, witness))
        if isinstance(report, str):
            return made(Fate.VOID, witness.differed, "", report)
        if witness.raised:
            return made(Fate.VOID, witness.differed, "", f"the mutant raised {witness.raised}")
        broke = next((each for each in report.findings if each.outcome is Outcome.BROKE), None)
        if broke is None:
            fate = Fate.SURVIVED if witness.differed else Fate.NOT_EXERCISED
            return made(fate, witness.differed, "", f"held; the pipeline ended {report.ended}")
        if not self._sound(drill, game):
            if rows < len(self.proof.game.rowset.rows):
                return self.try_out(sick, drill, self.proof.game)
            why = "the drill does not hold without the mutant either"
            return made(Fate.VOID, witness.differed, broke.check, why)
        if not witness.differed:
            return made(Fate.VOID, 0, broke.check, "the drill broke, and the mutant did nothing")
        return made(Fate.KILLED, witness.differed, broke.check, broke.says)

    def _sound(self, drill: Drill, game: Game) -> bool:
        """Whether a drill holds without any mutant: only then does it say something of one."""
        place = drill.name, len(game.rowset.rows)
        if place not in self._holds:
            report = _run(drill, game, as_it_is)
            self._holds[place] = not isinstance(report, str) and report.held
        return self._holds[place]


def _run(drill: Drill, game: Game, refit: Refit) -> ArmReport | str:
    """The guarded arm; or why it says nothing: the harness, a check or the pipeline broke."""
    try:
        played = play(drill, game, ArmName.GUARDED, refit)
        report = judge_arm(drill, game, played)
    except (Exception, SystemExit) as problem:  # noqa: BLE001 - a broken run is void, and says so
        return f"the run broke: {type(problem).__name__}: {str(problem)[:300]}"
    if raised := [each for each in report.findings if each.outcome is Outcome.RAISED]:
        return f"the check {raised[0].check} raised: {raised[0].says[:300]}"
    if played.world.status == "crashed" and not played.world.why.startswith(KILLED):
        return f"the pipeline crashed: {played.world.why}"
    return report


def in_turn(sick: Mutant, drills: Sequence[Drill]) -> tuple[list[Drill], list[Drill]]:
    """The drills that name the control of a mutant, the most specific first; and one of each other
    family, shortest first. One that stops what is in order is seen on a good day."""
    strict = sick.kind is Kind.TOO_STRICT

    def place(drill: Drill) -> tuple[bool, int]:
        return drill.is_good_day is not strict, len(drill.controls)

    naming = sorted((drill for drill in drills if sick.control in drill.control_types), key=place)
    others = [drill for drill in reversed(longest_first(drills)) if drill not in naming]
    heads = _heads(sorted(others, key=lambda drill: place(drill)[0]))
    first = _heads(naming)
    return [*first, *(drill for drill in naming if drill not in first)], heads


def _heads(drills: Sequence[Drill]) -> list[Drill]:
    """One drill of each family: what one variant does not see the others hardly do."""
    return list({drill.name.partition(".")[0]: drill for drill in reversed(drills)}.values())[::-1]


def start(proof: Proof, workers: int) -> Generator[MutantReport, None, None]:
    """Try all mutants, on several cores where that is possible; reports as they are finished."""
    bench = Bench(proof)
    if workers <= 1 or sys.platform != "linux":
        return (bench.judge(one) for one in proof.mutants)
    gc.freeze()  # what is imported by now is shared by the workers and needs no more collecting
    by_title = {one.title: one for one in proof.mutants}
    pool: Workers[str, MutantReport] = Workers(
        lambda title: bench.judge(by_title[title]), min(workers, len(by_title))
    )
    return _finished(pool.results(by_title), by_title)


def _finished(
    results: Generator[tuple[str, MutantReport | Died], None, None], by_title: dict[str, Mutant]
) -> Generator[MutantReport, None, None]:
    with closing(results):
        for title, result in results:
            yield _lost(by_title[title], result) if isinstance(result, Died) else result


def _lost(sick: Mutant, how: Died) -> MutantReport:
    """The report of a mutant that took its process with it."""
    trials = (Trial("", 0, Fate.VOID, 0, "", f"the process that tried it {how.how}"),)
    return MutantReport(
        sick.control.__name__, sick.name, sick.kind.value, sick.story, fate_of(trials), trials
    )


def conduct(proof: Proof, workers: int, command: str, interruptions: Interruptions) -> KillMatrix:
    """Try all mutants, telling how far it is.

    Raises:
        Interrupted: a signal came; nothing was written.
    """
    reports: list[MutantReport] = []
    with (
        closing(start(proof, workers)) as running,
        progress(len(proof.mutants), "mutants") as step,
    ):
        for done in interruptions.between(running):
            reports.append(done)
            step(f"{done.fate.value} {done.title}")
    return matrix_of(proof, reports, command)


def exit_code(matrix: KillMatrix) -> int:
    """0 all killed; 1 one survived or was not exercised; 3 the others say nothing."""
    if matrix.of(Fate.SURVIVED) or matrix.of(Fate.NOT_EXERCISED):
        return 1
    return 3 if matrix.of(Fate.VOID) else 0


def matrix_of(proof: Proof, reports: Sequence[MutantReport], command: str) -> KillMatrix:
    """The matrix, in the order of the mutants, whoever was done first."""
    by_title = {report.title: report for report in reports}
    return KillMatrix(
        proof.game.seed,
        command,
        tuple(drill.name for drill in proof.drills),
        tuple(by_title[one.title] for one in proof.mutants),
    )
