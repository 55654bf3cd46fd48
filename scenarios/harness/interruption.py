"""SIGINT and SIGTERM, heard where stopping is safe and kept in mind everywhere else."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")

SHELL_CODE = 128
"""A shell reports a process that a signal ended as 128 plus the signal's number."""


class Interrupted(BaseException):
    """Somebody wants the run to stop. No `Exception`: nothing on the way may swallow it."""

    def __init__(self, sign: signal.Signals, says: str = "interrupted") -> None:
        super().__init__(says)
        self.sign = sign

    @property
    def exit_code(self) -> int:
        """130 for SIGINT, 143 for SIGTERM."""
        return SHELL_CODE + self.sign


class Interruptions:
    """While it is entered, a signal raises `Interrupted`: at once where it may, else as soon.

    So a line of the journal is written whole or not at all, and a drill that is being run is
    stopped in the middle.
    """

    def __init__(self) -> None:
        self._came: signal.Signals | None = None
        self._may_raise = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for sign in (signal.SIGINT, signal.SIGTERM):
            self._before[sign] = signal.signal(sign, self._hear)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for sign, handler in self._before.items():
            signal.signal(sign, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a handler has two
        self._came = self._came or signal.Signals(number)
        if self._may_raise:
            self._may_raise = False  # once: what cleans up behind it is not interrupted
            raise Interrupted(self._came)

    @contextmanager
    def welcome(self) -> Iterator[None]:
        """A stretch that a signal may break off anywhere."""
        self.check()
        self._may_raise = True
        try:
            yield
        finally:
            self._may_raise = False
        self.check()

    def check(self) -> None:
        """Raise now what came where it had to wait."""
        if self._came is not None:
            raise Interrupted(self._came)

    def between(self, steps: Iterator[T]) -> Iterator[T]:
        """The steps; a signal breaks off the making of one, and waits while one is handled."""
        while True:
            with self.welcome():
                try:
                    step = next(steps)
                except StopIteration:
                    return
            yield step
