"""Running the pipeline under test: bounded in time and output, and nothing of it left behind."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from scenarios.harness.pipeline.tracing import Tracing

KEEPER = Path(__file__).with_name("keeper.py")
FLOOD = 32 * 2**20
"""Bytes of output. Logs of a drill are far below; who writes more never stops."""
KEPT = 8 * 2**10
"""Bytes of each stream that are kept: the last ones, where programs say why they ended."""
AFTER_THE_END = 10.0
"""Seconds that the keeper has to clean up."""
SHELL_SIGNAL = 128
"""A shell reports a program that a signal ended as 128 plus its number."""


@dataclass(slots=True)
class Ending:
    """How one run of the pipeline ended."""

    code: int | None = None
    """Its exit code, negative for a signal; None if it was stopped by us."""
    stopped: str = ""
    """Why we stopped it: `hung`, `flooded`, or empty."""
    left: tuple[str, ...] = ()
    """The command lines of processes that it left running."""
    refused: str = ""
    """Why it could not be started at all."""
    written: int = 0
    """Bytes of output."""
    said: str = ""
    """The last line of its stderr, or else of its stdout. Untrusted."""

    @property
    def signal(self) -> str:
        """The name of the signal that ended it, or empty."""
        code = self.code or 0
        number = -code if code < 0 else code - SHELL_SIGNAL
        with suppress(ValueError):
            return signal.Signals(number).name if number > 0 else ""
        return ""


@dataclass(slots=True)
class Pipeline:
    """One run of a command. `kill` may be called from any thread while it runs."""

    command: Sequence[str]
    environment: Mapping[str, str]
    tracing: Tracing | None = None
    """Hears of its durable writes, and may have it killed at one."""
    pid: int = 0
    _tails: dict[str, bytes] = field(default_factory=lambda: {"out": b"", "err": b""})
    _reports: bytes = b""

    def kill(self) -> None:
        """SIGKILL to its process group, at once."""
        if self.pid:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def run(self, seconds: float, enough: Callable[[], bool] = lambda: False) -> Ending:
        """Wait until it ends, for so many seconds at most; `enough` is asked now and then, and
        kills it when it says so."""
        with nullcontext() if self.tracing is None else self.tracing.opened() as log:
            return self._run(seconds, enough, log)

    def _run(self, seconds: float, enough: Callable[[], bool], log: int | None) -> Ending:
        told, telling = os.pipe()
        tracer = [] if self.tracing is None else self.tracing.command
        keeper = subprocess.Popen(  # noqa: S603 - what the user asked us to run
            [sys.executable, "-I", "-S", str(KEEPER), str(telling), *tracer, *self.command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(self.environment),
            pass_fds=(telling,),
        )
        os.close(telling)
        try:
            return self._watch(keeper, told, time.monotonic() + seconds, enough, log)
        finally:
            assert keeper.stdin is not None
            assert keeper.stdout is not None
            assert keeper.stderr is not None
            with suppress(BrokenPipeError):
                keeper.stdin.close()
            try:
                keeper.wait(AFTER_THE_END)
            except subprocess.TimeoutExpired:
                keeper.kill()
                keeper.wait()
            keeper.stdout.close()
            keeper.stderr.close()
            os.close(told)

    def _watch(
        self,
        keeper: subprocess.Popen[bytes],
        told: int,
        deadline: float,
        enough: Callable[[], bool],
        log: int | None,
    ) -> Ending:
        ending = Ending()
        with selectors.DefaultSelector() as selector:
            selector.register(told, selectors.EVENT_READ, "report")
            selector.register(keeper.stdout, selectors.EVENT_READ, "out")  # type: ignore[arg-type]
            selector.register(keeper.stderr, selectors.EVENT_READ, "err")  # type: ignore[arg-type]
            if log is not None:
                selector.register(log, selectors.EVENT_READ, "log")
            while selector.get_map().keys() - {log}:
                ready = selector.select(min(max(deadline - time.monotonic(), 0), 0.01))
                for key, _ in ready:
                    if key.data == "log" and not self.pid:
                        continue
                    piece = os.read(key.fd, 2**16)
                    if piece:
                        self._read(key.data, piece, ending)
                    else:
                        selector.unregister(key.fileobj)
                why = self._stop(ending, deadline)
                if why and not ending.stopped:
                    ending.stopped, deadline = why, time.monotonic() + AFTER_THE_END
                    assert keeper.stdin is not None
                    keeper.stdin.close()
                elif why:
                    break
                elif self.pid and enough():
                    self.kill()
        if ending.stopped:
            ending.code, ending.left = None, ()
        ending.said = self._last_words()
        return ending

    def _read(self, stream: str, piece: bytes, ending: Ending) -> None:
        if stream == "report":
            self._reports += piece
            self._hear(self._reports, ending)
        elif stream != "log":
            ending.written += len(piece)
            self._tails[stream] = (self._tails[stream] + piece)[-KEPT:]
        elif self.tracing is not None and self.tracing.hear(piece):
            self.kill()

    @staticmethod
    def _stop(ending: Ending, deadline: float) -> str:
        if ending.written > FLOOD and not ending.stopped:
            return "flooded"
        return "hung" if time.monotonic() > deadline else ""

    def _hear(self, reports: bytes, ending: Ending) -> None:
        for line in reports.split(b"\n")[:-1]:
            report: dict[str, Any] = msgspec.json.decode(line)
            self.pid = report.get("pid", self.pid)
            ending.refused = report.get("refused", ending.refused)
            ending.code = report.get("code", ending.code)
            ending.left = tuple(report.get("left", ending.left))

    def _last_words(self) -> str:
        for stream in ("err", "out"):
            text = self._tails[stream].decode("utf-8", "replace")
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            if lines:
                return lines[-1][:300]
        return ""
