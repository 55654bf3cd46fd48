"""Copies of this process: what happened up to a kill need not happen again for every kill."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

import msgspec

from tests.controls.crash.steps import Cut, Life, Mode


class Outcome(msgspec.Struct):
    """A job whose workers were killed, and what was wrong with it at the end."""

    cuts: list[Cut]
    """Step from 1 and mode of each kill; the second counts from the restart."""
    steps: list[str]
    """The steps of the last life."""
    wrong: list[str]


@dataclass
class Forks:
    """Copies that work, at most so many at once, and what they had to say."""

    at_once: int
    running: deque[tuple[int, int]] = field(default_factory=deque)
    """Process id and end of a pipe, oldest first."""
    said: list[Outcome] = field(default_factory=list)
    mine: int = -1
    """In a copy: where to it tells its outcomes."""

    def branch(self) -> bool:
        """Copy this process; true in the copy."""
        if len(self.running) >= self.at_once:
            self._hear()
        here, there = os.pipe()
        pid = os.fork()
        if pid:
            os.close(there)
            self.running.append((pid, here))
            return False
        self.running.clear()
        self.mine = there
        return True

    def finish(self, outcomes: list[Outcome]) -> NoReturn:
        """End this copy."""
        with os.fdopen(self.mine, "wb") as pipe:
            pipe.write(msgspec.json.encode(outcomes))
        os._exit(0)

    def hear_all(self) -> list[Outcome]:
        """What all copies said, in the order in which they were made."""
        while self.running:
            self._hear()
        return self.said

    def _hear(self) -> None:
        pid, here = self.running.popleft()
        with os.fdopen(here, "rb") as pipe:
            said = pipe.read()
        os.waitpid(pid, 0)
        self.said += msgspec.json.decode(said, type=list[Outcome])


@dataclass
class ForkedLife(Life):
    """Goes on itself; at every step, in every mode, a copy of it is killed, or at those chosen."""

    forks: Forks = field(default_factory=lambda: Forks(1))
    chosen: Callable[[Cut], bool] = lambda _cut: True
    seen: set[Cut] = field(default_factory=set)

    def at(self, mode: Mode) -> bool:
        """Whether this is the end; asked for the first time, it may be in a copy."""
        here = Cut(len(self.kinds) + 1, mode)
        if self.cut is None and here not in self.seen:
            self.seen.add(here)
            if self.chosen(here) and self.forks.branch():
                self.cut = here
        return self.cut == here
