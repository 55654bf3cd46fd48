"""Shrinking on several cores: what may be asked next is played before it is asked.

Shrinking asks one thing after the other, and each question depends on the answers before it. So it
is done again and again in thought, with the answers that are there by then; one that is not there
is taken for a no, as most are, to see what would be asked next. Every idle core plays a plan that
is wanted in this way. What is taken in the end has been played, each answer in its order: the
result is that of one process, to the number of attempts.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from typing import Final

from reports import Finding
from scenarios.harness.fuzz.campaign import Shrunk, ToShrink
from scenarios.harness.fuzz.plan import Plan
from scenarios.harness.fuzz.spread import Cores, Spread
from scenarios.harness.workers import Died, Workers

FARTHEST: Final = 8
"""So many attempts of one failure are played at the same time at most; more hardly help."""
FURTHER: Final = 16
"""So many questions more are thought of at a time; thinking is not for nothing either."""


def shrunk(
    spread: Spread, tasks: Sequence[ToShrink]
) -> Generator[tuple[ToShrink, Shrunk | Died], None, None]:
    """The smallest plan of each failure: the same wherever the attempts are played."""
    if not tasks:
        return
    if isinstance(spread, Cores):
        yield from _on_cores(tasks, spread.count)
    else:
        yield from spread(ToShrink.shrink, tasks)


def _on_cores(
    tasks: Sequence[ToShrink], count: int
) -> Generator[tuple[ToShrink, Shrunk | Died], None, None]:
    count = min(count, FARTHEST * len(tasks))
    thoughts = [Thought(task, count) for task in tasks]

    def judge(question: tuple[int, Plan]) -> Finding | None:
        place, plan = question
        return tasks[place].judge(plan)

    pool: Workers[tuple[int, Plan], Finding | None] = Workers(judge, count)
    with closing(pool.results(_questions(thoughts, count))) as answers:
        left = len(tasks)
        for (place, plan), answer in answers:
            thought = thoughts[place]
            if thought.shrunk is None:
                result = thought.learn(plan, None if isinstance(answer, Died) else answer)
                if result is not None:
                    yield thought.task, result
                    left -= 1
            if not left:
                return


def _questions(thoughts: Sequence[Thought], count: int) -> Iterator[tuple[int, Plan] | None]:
    """What to play next; None until something is learned. What is asked for certain comes first,
    then what may be asked after it."""
    while True:
        playing = sum(len(thought.playing) for thought in thoughts)
        wanted = (
            (place, thought.wanted[depth])
            for depth in range(count)
            for place, thought in enumerate(thoughts)
            if depth < len(thought.wanted) and thought.wanted[depth] not in thought.playing
        )
        question = next(wanted, None) if playing < count else None
        if question is not None:
            thoughts[question[0]].playing.add(question[1])
        yield question


class Thought:
    """One failure as it is shrunk, as far as the answers go.

    Args:
        count: so many questions have to be wanted where there are as many.
    """

    def __init__(self, task: ToShrink, count: int) -> None:
        self.task, self._count = task, count
        self._known: dict[Plan, Finding | None] = {task.plan: task.failure.findings[0]}
        self.playing: set[Plan] = set()
        self.wanted: list[Plan] = []
        """What will be asked next if every answer is no; the first of them for certain."""
        self.shrunk: Shrunk | None = None
        """The result, once everything is known that it takes."""
        self._think()

    def learn(self, plan: Plan, finding: Finding | None) -> Shrunk | None:
        """How the invariant breaks under a plan (None: it does not); the result, if that is all
        that it takes."""
        self.playing.remove(plan)
        self._known[plan] = finding
        if plan in self.wanted:
            self.wanted.remove(plan)
            if finding is not None or len(self.wanted) < self._count:
                self._think()
        return self.shrunk

    def _think(self) -> None:
        self.wanted = []
        with suppress(_FarEnough):
            found = self.task.smaller(self._breaks)
            if not self.wanted:
                self.shrunk = self.task.told(found, self._known[found.plan])

    def _breaks(self, plan: Plan) -> bool:
        if plan in self._known:
            return self._known[plan] is not None
        self.wanted.append(plan)
        if len(self.wanted) == self._count + FURTHER:
            raise _FarEnough
        return False


class _FarEnough(Exception):  # noqa: N818 - no error
    """Enough is wanted for all cores."""
