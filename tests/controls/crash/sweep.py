"""Kill a worker at every step, in every way, and start it again; and kill the next one too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import msgspec

from tests.controls.crash.forks import ForkedLife, Forks, Outcome
from tests.controls.crash.judging import complaints
from tests.controls.crash.scene import Plot, Scene
from tests.controls.crash.steps import Cut, Life, Mode

LIVES = 4
"""After its last kill a job may need so many lives; more are a job that does not end."""
AT_ONCE = 2


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
    def pairs(self) -> int:
        """How many jobs were killed twice."""
        return sum(len(outcome.cuts) == 2 for outcome in self.outcomes)

    @property
    def all_pairs(self) -> int:
        """How many pairs of kills there are."""
        recoveries = (out.steps for out in self.outcomes if len(out.cuts) == 1)
        return sum(len(steps) * len(Mode) for steps in recoveries)


def sweep(plot: Plot, share: float) -> Sweep:
    """One job for every step and mode, and one for this share of all pairs of them."""
    Scene(plot).live()  # what is imported and compiled now is there in every copy
    forks, scene = Forks(AT_ONCE), Scene(plot)
    life = ForkedLife(forks=forks)
    recovered = live(scene, life, [])
    if life.cut is not None:
        forks.finish(_recover(scene, life.cut, share))
    outcomes = forks.hear_all()
    clean = [recovered] if recovered.wrong else []
    return Sweep(plot, tuple(recovered.steps), (*outcomes, *clean))


def _recover(scene: Scene, first: Cut, share: float) -> list[Outcome]:
    """What becomes of a job after a kill, and after each of some second kills."""
    forks, dice = Forks(1), Random(f"{scene.plot.name}/{first}")
    life = ForkedLife(forks=forks, chosen=lambda: dice.random() < share)
    recovered = live(scene, life, [first])
    if life.cut is not None:
        forks.finish([live(scene, Life(), [first, life.cut])])
    return [recovered, *forks.hear_all()]


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
    kills: int
    all_kills: int
    pairs: int
    all_pairs: int
    wrong: list[str]

    @classmethod
    def of(cls, sweeps: Sequence[Sweep]) -> Report:
        """All plots together."""
        steps = Counter(kind for one in sweeps for kind in one.steps)
        killed = {kind: {mode.value: 0 for mode in Mode} for kind in sorted(steps)}
        for one in sweeps:
            for cut in one.once:
                killed[one.steps[cut.step - 1]][cut.mode.value] += 1
        return cls(
            steps=dict(sorted(steps.items())),
            killed=killed,
            kills=sum(len(one.once) for one in sweeps),
            all_kills=steps.total() * len(Mode),
            pairs=sum(one.pairs for one in sweeps),
            all_pairs=sum(one.all_pairs for one in sweeps),
            wrong=[says for one in sweeps for says in one.wrong],
        )

    def text(self) -> str:
        """A table by kind of step and mode, and the findings."""
        modes = "".join(f"{mode.value:>8}" for mode in Mode)
        lines = [f"{'step':32}{'steps':>8}{modes}"]
        for kind, killed in self.killed.items():
            counts = "".join(f"{killed[mode.value]:>8}" for mode in Mode)
            lines.append(f"{kind:32}{self.steps[kind]:>8}{counts}")
        lines.append(
            f"{self.kills:,} of {self.all_kills:,} kills, "
            f"{self.pairs:,} of {self.all_pairs:,} pairs of kills"
        )
        return "\n".join([*lines, *(self.wrong or ["everything held"])])
