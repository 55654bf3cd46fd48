"""Kill a worker at every step, in every way, and start it again; and kill the next one too."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

import msgspec

from tests.controls.crash.forks import ForkedLife, Forks, Outcome
from tests.controls.crash.judging import complaints
from tests.controls.crash.scene import Plot, Scene
from tests.controls.crash.steps import Cut, Life, Mode

LIVES = 4
"""After its last kill a job may need so many lives; more are a job that does not end."""
AT_ONCE = 2


Pairs = Mapping[Cut, frozenset[Cut]]
"""Second kills by the first one that they follow."""


class First(StrEnum):
    """How many workers are killed."""

    ONE = "one"
    """One of each plot: enough to see that the sweep works."""
    EACH = "each"
    """One at every kind of step, in every mode."""
    ALL = "all"
    """One at every step, in every mode."""


class Second(StrEnum):
    """How many of the workers that recover a job are killed as well."""

    NONE = "none"
    EACH = "each"
    """One at every kind of step of a recovery, in every mode."""
    KINDS = "kinds"
    """The same after each kind of first kill, in every mode of that."""
    ALL = "all"
    """At every step of every recovery, in every mode."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Everything that was done to one plot."""

    plot: Plot
    steps: tuple[str, ...]
    """The steps of the life that nobody cut short."""
    outcomes: tuple[Outcome, ...]

    @property
    def wrong(self) -> list[str]:
        """What did not hold, with the kills after which it did not."""
        return [
            f"{self.plot.name}, killed {self.named(outcome)}: {says}"
            for outcome in self.outcomes
            for says in outcome.wrong
        ]

    def named(self, outcome: Outcome) -> str:
        """The kills of an outcome in words."""
        if not outcome.cuts:
            return "never"
        (step, mode), *more = outcome.cuts
        first = f"{mode.value} step {step} ({self.steps[step - 1]})"
        return ", then ".join([first, *(f"{mode.value} step {step}" for step, mode in more)])

    @property
    def once(self) -> set[Cut]:
        """Where jobs were killed, and not killed again."""
        return {outcome.cuts[0] for outcome in self.outcomes if len(outcome.cuts) == 1}

    @property
    def recoveries(self) -> Iterator[Outcome]:
        """What came of the jobs that were killed once."""
        return (outcome for outcome in self.outcomes if len(outcome.cuts) == 1)

    @property
    def twice(self) -> Iterator[tuple[str, Mode]]:
        """The kind of step and the mode of each second kill."""
        steps = {outcome.cuts[0]: outcome.steps for outcome in self.recoveries}
        for outcome in self.outcomes:
            if len(outcome.cuts) == 2:
                first, second = outcome.cuts
                yield steps[first][second.step - 1], second.mode


def sweep(plot: Plot, first: First, second: Second, covered: set[Hashable]) -> Sweep:
    """One job for each of the kills that are wanted, and one for each of the second kills."""
    rehearsal = Scene(plot)  # what is imported and compiled now is there in every copy
    rehearsal.live()
    kills = first_kills(plot, rehearsal.steps, first, covered)
    clean, once = _swept(plot, dict.fromkeys(kills, frozenset()))
    pairs = wanted(plot, clean.steps, once, second, covered)
    twice = _swept(plot, pairs)[1] if pairs else []
    return Sweep(plot, tuple(clean.steps), (*once, *twice, *([clean] if clean.wrong else [])))


def first_kills(
    plot: Plot, steps: Sequence[str], first: First, covered: set[Hashable]
) -> list[Cut]:
    """Where a job is killed: everywhere, or at a seeded choice of all places of one kind."""
    places = [Cut(place, mode) for place in range(1, len(steps) + 1) for mode in Mode]
    if first is First.ALL:
        return places
    dice = Random(plot.name)
    if first is First.ONE:
        return [dice.choice(places)]
    alike: dict[Hashable, list[Cut]] = defaultdict(list)
    for cut in places:
        alike["first", steps[cut.step - 1], cut.mode].append(cut)
    chosen = [dice.choice(cuts) for like, cuts in alike.items() if like not in covered]
    covered.update(alike)
    return sorted(chosen)


def wanted(
    plot: Plot,
    steps: Sequence[str],
    recoveries: Sequence[Outcome],
    second: Second,
    covered: set[Hashable],
) -> Pairs:
    """Which of the recoveries are killed where: a seeded choice of all that are of one kind.

    Args:
        covered: the kinds that other plots have covered; those of this one are added.
    """
    alike: dict[Hashable, list[tuple[Cut, Cut]]] = defaultdict(list)
    for recovery in recoveries if second is not Second.NONE else ():
        first = recovery.cuts[0]
        for place, kind in enumerate(recovery.steps, 1):
            for mode in Mode:
                pair = first, Cut(place, mode)
                before = (steps[first.step - 1], first.mode) if second is not Second.EACH else ()
                like: Hashable = (
                    (plot.name, pair) if second is Second.ALL else (*before, kind, mode)
                )
                alike[like].append(pair)
    dice, chosen = Random(plot.name), defaultdict[Cut, set[Cut]](set)
    for wish in [wish for wish in alike if wish not in covered]:
        one, other = dice.choice(alike[wish])
        chosen[one].add(other)
    covered.update(alike)
    return {one: frozenset(others) for one, others in chosen.items()}


def _swept(plot: Plot, kills: Pairs) -> tuple[Outcome, list[Outcome]]:
    """The life that nobody cut short, and what came of those that were, once or twice."""
    forks, scene = Forks(AT_ONCE), Scene(plot)
    life = ForkedLife(forks=forks, chosen=kills.__contains__)
    clean = live(scene, life, [])
    if life.cut is not None:
        forks.finish(_recovered(scene, life.cut, kills[life.cut]))
    return clean, forks.hear_all()


def _recovered(scene: Scene, first: Cut, seconds: frozenset[Cut]) -> list[Outcome]:
    """What becomes of a job after a kill, or after each of these second kills."""
    forks = Forks(1)
    life = ForkedLife(forks=forks, chosen=seconds.__contains__)
    recovered = live(scene, life, [first])
    if life.cut is not None:
        forks.finish([live(scene, Life(), [first, life.cut])])
    return forks.hear_all() if seconds else [recovered]


def live(scene: Scene, life: Life, cuts: Sequence[Cut]) -> Outcome:
    """One life after these kills, and more of them if it does not bring the job to its end."""
    wrong: list[str] = []
    steps: list[str] = []
    try:
        ended = scene.live(life)
        steps = scene.steps
        lives = 1
        while ended != scene.plot.ends and life.cut is None and lives < LIVES:
            ended = scene.live()
            lives += 1
        if life.cut is None:
            wrong = complaints(scene, str(ended))
    except Exception as error:  # noqa: BLE001 - a crash that nobody asked for is a finding
        wrong = [repr(error)]
    return Outcome(list(cuts), steps, wrong)


class Report(msgspec.Struct):
    """What was covered, and what did not hold."""

    steps: dict[str, int]
    """By kind: how many there are in the lives that nobody cut short."""
    killed: dict[str, dict[str, int]]
    """By kind of step and by mode: how many of them were the end of a worker."""
    again: dict[str, dict[str, int]]
    """By kind of step of the recoveries and by mode: how many were the end of a second worker."""
    kills: int
    all_kills: int
    pairs: int
    all_pairs: int
    wrong: list[str]

    @classmethod
    def of(cls, sweeps: Sequence[Sweep]) -> Report:
        """All plots together."""
        steps = Counter(kind for one in sweeps for kind in one.steps)
        later = Counter(kind for one in sweeps for out in one.recoveries for kind in out.steps)
        killed, again = _none_of(steps), _none_of(later)
        for one in sweeps:
            for cut in one.once:
                killed[one.steps[cut.step - 1]][cut.mode.value] += 1
            for kind, mode in one.twice:
                again[kind][mode.value] += 1
        return cls(
            steps=dict(sorted(steps.items())),
            killed=killed,
            again=again,
            kills=sum(len(one.once) for one in sweeps),
            all_kills=steps.total() * len(Mode),
            pairs=sum(1 for one in sweeps for _ in one.twice),
            all_pairs=later.total() * len(Mode),
            wrong=[says for one in sweeps for says in one.wrong],
        )

    @property
    def left_out(self) -> list[str]:
        """The kinds of step, and the modes, at which no worker was killed."""
        return _left_out(self.killed)

    @property
    def left_out_again(self) -> list[str]:
        """Those of the recoveries, at which no second worker was killed."""
        return _left_out(self.again)

    def text(self) -> str:
        """A table by kind of step and mode, and the findings."""
        modes = "".join(f"{mode.value:>8}" for mode in Mode)
        lines = [f"{'step':32}{'steps':>8}{modes}"]
        for kind, killed in self.killed.items():
            lines.append(f"{kind:32}{self.steps[kind]:>8}{_counts(killed)}")
        lines += ["", f"{'step of a recovery, killed again':40}{modes}"]
        lines += [f"{kind:40}{_counts(again)}" for kind, again in self.again.items()]
        cells, more = len(self.killed) * len(Mode), len(self.again) * len(Mode)
        lines += [
            "",
            f"{cells - len(self.left_out)} of {cells} kinds and modes of kills",
            f"{more - len(self.left_out_again)} of {more} kinds and modes of second kills",
            f"{self.kills:,} of {self.all_kills:,} kills",
            f"{self.pairs:,} of {self.all_pairs:,} pairs of kills",
        ]
        return "\n".join([*lines, *(self.wrong or ["everything held"])])


def _none_of(kinds: Counter[str]) -> dict[str, dict[str, int]]:
    return {kind: {mode.value: 0 for mode in Mode} for kind in sorted(kinds)}


def _left_out(killed: Mapping[str, Mapping[str, int]]) -> list[str]:
    return [
        f"{kind}, {mode}"
        for kind, counts in killed.items()
        for mode, count in counts.items()
        if not count
    ]


def _counts(by_mode: Mapping[str, int]) -> str:
    return "".join(f"{by_mode[mode.value]:>8}" for mode in Mode)
