"""The keeper: starts one program, and leaves nothing of it behind, whatever it did.

    python keeper.py REPORT_FD PROGRAM [ARGUMENT ...]

It needs the standard library only and starts in 20 ms. What the program starts, and what that
starts, becomes the keeper's own child when its parent ends (Linux: a child subreaper), so even a
daemon is found. The keeper ends everything when its standard input is closed, as it is when the
process that holds it dies. It reports in lines of JSON: `{"pid": ...}` when the program runs, and
at its end the exit code (negative: a signal) with the names of the processes that it left behind.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path

SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER, from linux/prctl.h."""
MOMENT = 0.15
"""Seconds that helpers of a program have to follow it into its end."""


def main() -> None:
    """Start, wait, clean up, report."""
    report, command = int(sys.argv[1]), sys.argv[2:]
    _adopt()
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        pid = os.posix_spawnp(
            command[0],
            command,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
            setsid=True,
            setsigdef=[signal.SIGINT],
        )
    except OSError as error:
        _say(report, {"refused": error.strerror or str(error)})
        return
    _say(report, {"pid": pid})
    code = _wait(pid, woken)
    left = [] if code is None else _stragglers(woken)
    names = [_name(each) for each in left]
    _end_all(pid)
    _say(report, {"code": code, "left": names})


def _adopt() -> None:
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - only where it is needed

        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


def _say(report: int, what: dict[str, object]) -> None:
    with suppress(BrokenPipeError):
        os.write(report, json.dumps(what).encode() + b"\n")


def _wait(pid: int, woken: int) -> int | None:
    """The exit code of the program; None when the keeper was told to end it."""
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if 0 in ready:
            return None
        os.read(woken, 512)
        while True:
            try:
                gone, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return None
            if not gone:
                break
            if gone == pid:
                return os.waitstatus_to_exitcode(status)


def _stragglers(woken: int) -> list[int]:
    """What still runs a moment after the program ended."""
    _bury()
    if descendants():
        select.select([0, woken], [], [], MOMENT)
        select.select([0], [], [], MOMENT)
        _bury()
    return descendants()


def _end_all(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    while left := descendants():
        for each in left:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        _bury()
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _bury() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def descendants() -> list[int]:
    """Every living process below this one; without /proc, none is known."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = entry.read_text("latin-1").rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[int(entry.parent.name)] = int(parent)
    found: set[int] = set()
    reached = {os.getpid()}
    while reached:
        reached = {pid for pid, parent in parents.items() if parent in reached} - found
        found |= reached
    return sorted(found)


def _name(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return f"process {pid}"
    return b" ".join(words).decode("utf-8", "replace").strip()[:80] or f"process {pid}"


if __name__ == "__main__":
    main()
