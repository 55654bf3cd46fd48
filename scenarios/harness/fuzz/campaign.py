"""A campaign: many plans, on one core, several, or a cluster; the same result everywhere.

Plan number n of a seed depends on nothing else, so it does not matter who plays it, or when.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from reports import Finding, Outcome
from scenarios.harness.fuzz.dice import FAMILIES, draw
from scenarios.harness.fuzz.plan import Plan
from scenarios.harness.fuzz.shrink import Shrinking, shrink
from scenarios.harness.fuzz.theatre import Mutation, play
from scenarios.harness.invariants import INVARIANTS, NEEDS_THE_EPILOGUE, judged
from scenarios.harness.world import Game

PLANS_PER_TASK = 20
MOST_SHRUNK = 10
"""So many failures are shrunk, those of the lowest numbers first; each invariant has its turn."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A plan under which something did not hold."""

    number: int
    """Of the plan in its campaign."""
    findings: tuple[Finding, ...]
    struck: tuple[str, ...] = ()
    """Names of the faults that struck."""

    @property
    def invariants(self) -> tuple[str, ...]:
        """What did not hold."""
        return tuple(finding.check for finding in self.findings)


@dataclass(slots=True)
class Tally:
    """What came of some plans; tallies add up in any order."""

    plans: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    """Invariant: plans in which it was asked and held."""
    broke: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    """Fault: plans in which it struck."""
    planned: Counter[str] = field(default_factory=Counter)
    """Fault: plans that have it."""
    sabotaged: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    killed: int = 0
    steps: int = 0
    rows: int = 0
    calls: int = 0
    failures: list[Failure] = field(default_factory=list)
    problems: dict[int, str] = field(default_factory=dict)
    """Plan: how the harness broke in it."""

    def add(self, other: Tally) -> None:
        """Take another one in."""
        for name in ("ended", "held", "broke", "struck", "planned", "sabotaged", "acts"):
            getattr(self, name).update(getattr(other, name))
        for name in ("plans", "kills", "killed", "steps", "rows", "calls"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.failures = sorted([*self.failures, *other.failures], key=lambda one: one.number)
        self.problems = dict(sorted((self.problems | other.problems).items()))

    @property
    def never_asked(self) -> tuple[str, ...]:
        """Invariants that nothing in these plans put to the test."""
        return tuple(
            each.name
            for each in INVARIANTS
            if not self.held[each.name] and not self.broke[each.name]
        )

    @property
    def families(self) -> dict[str, tuple[int, int]]:
        """Family: how many of its faults struck, of how many."""
        return {
            name: (sum(kind.__name__ in self.struck for kind in kinds), len(kinds))
            for name, kinds in FAMILIES.items()
        }


@dataclass(frozen=True, slots=True)
class Part:
    """Some numbers of a campaign."""

    game: Game
    seed: int
    numbers: range
    mutation: Mutation | None = None

    def play(self) -> Tally:
        """All of them, one after the other."""
        tally = Tally()
        for number in self.numbers:
            try:
                _play_one(tally, self, number)
            except (Exception, SystemExit) as problem:  # noqa: BLE001 - the harness broke, and the report says so
                tally.plans += 1
                tally.problems[number] = where(problem)
        return tally


def warm_up(game: Game) -> None:
    """Play a plan for nothing, so that what is made once is there before workers are forked:
    those that play inherit it, and so do those that shrink."""
    Part(game, 0, range(1)).play()


def _play_one(tally: Tally, part: Part, number: int) -> None:
    plan = draw(part.seed, number)
    story = play(plan, part.game, part.mutation)
    findings = judged(story)
    bad = tuple(one for one in findings if one.outcome is Outcome.BROKE)
    tally.plans += 1
    tally.ended[story.record.status] += 1
    tally.held.update(one.check for one in findings if one.outcome is Outcome.HELD)
    tally.broke.update(one.check for one in bad)
    tally.struck.update(story.struck)
    tally.planned.update({fault.name for fault in plan.faults})
    tally.sabotaged.update(type(act).__name__ for act in plan.sabotage if story.record.sabotaged)
    tally.acts.update(deed.value for deed in story.acts)
    tally.kills += len(plan.kills)
    tally.killed += story.killed
    tally.steps += story.steps
    tally.rows += len(story.record.rows)
    tally.calls += len(story.record.books.calls)
    if bad:
        tally.failures.append(Failure(number, bad, story.struck))


def where(problem: BaseException) -> str:
    """The error and the last places it came through, without the folders of this machine."""
    frames = traceback.extract_tb(problem.__traceback__)[-4:]
    places = " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))
    return f"{type(problem).__name__}: {str(problem)[:300]} ({places})"


def parts(
    game: Game, seed: int, plans: int, mutation: Mutation | None = None, first: int = 0
) -> list[Part]:
    """A campaign in tasks of a few plans each."""
    return [
        Part(game, seed, range(first + start, first + min(start + PLANS_PER_TASK, plans)), mutation)
        for start in range(0, plans, PLANS_PER_TASK)
    ]


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The smallest plan that was found for a failure."""

    number: int
    invariant: str
    plan: Plan
    finding: Finding
    attempts: int


@dataclass(frozen=True, slots=True)
class ToShrink:
    """A failure of which the first invariant is followed."""

    game: Game
    seed: int
    failure: Failure
    mutation: Mutation | None = None

    @property
    def number(self) -> int:
        """Of the plan in its campaign."""
        return self.failure.number

    @property
    def invariant(self) -> str:
        """What has to break, or an attempt counts for nothing."""
        return self.failure.invariants[0]

    @property
    def plan(self) -> Plan:
        """What is to be made smaller."""
        return draw(self.seed, self.number)

    def shrink(self) -> Shrunk:
        """The smallest plan, with all attempts played here, one after the other."""
        known = {self.plan: self.failure.findings[0]}

        def breaks(plan: Plan) -> bool:
            finding = self.judge(plan)
            if finding is not None:
                known[plan] = finding
            return finding is not None

        found = self.smaller(breaks)
        return self.told(found, known[found.plan])

    def smaller(self, breaks: Callable[[Plan], bool]) -> Shrinking:
        """Make the plan smaller for as long as it breaks. The faults that have not struck go
        first, if that changes nothing."""
        plan = self.plan
        struck = tuple(fault for fault in plan.faults if fault.name in self.failure.struck)
        active = replace(plan, faults=struck)
        return shrink(active if active != plan and breaks(active) else plan, breaks)

    def judge(self, plan: Plan) -> Finding | None:
        """How the invariant breaks under a plan. None where it does not; nor where the harness
        breaks, which is told of the plan itself."""
        asked = next(each for each in INVARIANTS if each.name == self.invariant)
        epilogue = self.invariant in NEEDS_THE_EPILOGUE
        try:
            story = play(plan, self.game, self.mutation, epilogue=epilogue)
        except (Exception, SystemExit):  # noqa: BLE001
            return None
        finding = asked.judge(story)
        return finding if finding.outcome is Outcome.BROKE else None

    def told(self, found: Shrinking, finding: Finding | None) -> Shrunk:
        """What came of it."""
        assert finding is not None
        return Shrunk(self.number, self.invariant, found.plan, finding, found.attempts)


def to_shrink(
    game: Game, seed: int, failures: Sequence[Failure], mutation: Mutation | None = None
) -> list[ToShrink]:
    """The failures that are worth it: one of each invariant first, then the others."""
    firsts: dict[str, ToShrink] = {}
    others: list[ToShrink] = []
    for failure in failures:
        task = ToShrink(game, seed, failure, mutation)
        if task.invariant in firsts:
            others.append(task)
        else:
            firsts[task.invariant] = task
    return [*firsts.values(), *others][:MOST_SHRUNK]
