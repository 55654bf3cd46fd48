"""Worker processes: forked from what is loaded, one task at a time, gone when their parent is.

A pool of the standard library gives up when one of its processes is killed, and leaves the others
behind when the parent is. Here a killed worker costs the task it had, and nothing else.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from threading import Thread
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

GONE_AFTER = 5.0
"""Seconds that a worker has to be gone after it closed its pipe."""


@dataclass(frozen=True, slots=True)
class Died:
    """The worker of a task ended before the task did."""

    how: str
    """A clause, e.g. `was ended by SIGKILL`."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A process and this side of the pipe to it."""

    process: ForkProcess
    pipe: Connection[Any, Any]


class Workers(Generic[T, R]):
    """So many processes, started at once. Linux only: they are forked.

    `work` is inherited, so it may hold what cannot be sent; tasks and results are pickled.
    """

    def __init__(self, work: Callable[[T], R], count: int) -> None:
        self._work = work
        self._lifeline, self._our_end = os.pipe()
        self._all: list[Worker] = []
        self._idle = [self._start() for _ in range(count)]
        self._busy: dict[Connection[Any, Any], tuple[Worker, T]] = {}

    def results(self, tasks: Iterable[T | None]) -> Generator[tuple[T, R | Died], None, None]:
        """Each task with what came of it, as they are done. All workers are gone at the end.

        Args:
            tasks: drawn whenever a worker has nothing to do, so they may depend on results; None
                where there is none before another result was taken.
        """
        waiting = iter(tasks)
        try:
            self._give(waiting)
            while self._busy:
                done = [self._collect(pipe) for pipe in wait(list(self._busy))]
                self._give(waiting)
                yield from done
                self._give(waiting)
        finally:
            for worker in self._all:
                worker.process.kill()
            for worker in list(self._all):
                self._stop(worker)
            os.close(self._our_end)
            os.close(self._lifeline)

    def _give(self, waiting: Iterator[T | None]) -> None:
        while self._idle and (task := next(waiting, None)) is not None:
            worker = self._idle.pop()
            self._busy[worker.pipe] = worker, task
            with suppress(OSError):  # a worker that is gone shows when it is listened to
                worker.pipe.send(task)

    def _collect(self, pipe: Any) -> tuple[T, R | Died]:
        worker, task = self._busy.pop(pipe)
        result = self._received(worker)
        self._idle.append(self._start() if isinstance(result, Died) else worker)
        return task, result

    def _received(self, worker: Worker) -> R | Died:
        try:
            result: R = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(GONE_AFTER)
            self._stop(worker)
            return Died(_how(worker.process.exitcode))
        return result

    def _start(self) -> Worker:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("fork").Process(
            target=self._serve, args=(ours, theirs), daemon=True
        )
        process.start()
        theirs.close()
        worker = Worker(process, ours)
        self._all.append(worker)
        return worker

    def _serve(self, ours: Connection[Any, Any], theirs: Connection[Any, Any]) -> None:
        """The life of a worker."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends us
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        ours.close()
        os.close(self._our_end)
        Thread(target=_end_with_parent, args=(self._lifeline,), daemon=True).start()
        while True:
            theirs.send(self._work(theirs.recv()))

    def _stop(self, worker: Worker) -> None:
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()
        self._all.remove(worker)


def _end_with_parent(lifeline: int) -> None:
    """Nobody writes to the lifeline; it ends when the last process that holds its end is gone."""
    os.read(lifeline, 1)
    os._exit(1)


def _how(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"was ended by {signal.Signals(-exitcode).name}"
    return f"ended with exit code {exitcode}"
