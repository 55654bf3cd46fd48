"""Where the tasks of a campaign are done: here, or on several cores. `cluster.py` has one more."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from scenarios.harness.workers import Died, Workers

T = TypeVar("T")
R = TypeVar("R")


class Spread(Protocol):
    """Does all tasks, and gives each back with what came of it, in any order."""

    def __call__(
        self, work: Callable[[T], R], tasks: Sequence[T], /
    ) -> Generator[tuple[T, R | Died], None, None]: ...


def here(work: Callable[[T], R], tasks: Sequence[T]) -> Generator[tuple[T, R | Died], None, None]:
    """One after the other, in this process."""
    for task in tasks:
        yield task, work(task)


@dataclass(frozen=True, slots=True)
class Cores:
    """Several cores of this machine."""

    count: int

    def __call__(
        self, work: Callable[[T], R], tasks: Sequence[T]
    ) -> Generator[tuple[T, R | Died], None, None]:
        """A task for each of them, until all are done."""
        gc.freeze()  # what is imported by now is shared by the workers and needs no more collecting
        count = min(self.count, len(tasks))
        pool: Workers[int, R] = Workers(lambda place: work(tasks[place]), count)
        for place, result in pool.results(range(len(tasks))):
            yield tasks[place], result


def on_cores(count: int) -> Spread:
    """On several cores of this machine, where that is possible."""
    return here if count <= 1 or sys.platform != "linux" else Cores(count)
