"""The command `gameday` in a process of its own, without waiting each time for what it imports.

A process that has imported everything waits for work, and copies itself for each command: the copy
has its own folder, environment, output and exit code, and ends as any other process does.
`python -m tests.command` is that process.
"""

from __future__ import annotations

import atexit
import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

HOME = Path(__file__).parents[1]


class _Work(msgspec.Struct):
    """One command, and the files for what it says."""

    arguments: list[str]
    folder: str
    environment: dict[str, str]
    out: str
    err: str


def gameday(
    *arguments: str, cwd: Path = HOME, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command.

    Args:
        env: on top of this process's environment without what a CI service sets, in 100 columns.
    """
    quiet = {
        name: value
        for name, value in os.environ.items()
        if name != "CI" and not name.startswith("GITHUB_")
    }
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        environment = quiet | {"PYTHONPATH": str(HOME), "COLUMNS": "100"} | dict(env or {})
        work = _Work(list(arguments), str(cwd), environment, str(out), str(err))
        server = _server()
        assert server.stdin
        assert server.stdout
        server.stdin.write(msgspec.json.encode(work) + b"\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        said = out.read_text("utf-8"), err.read_text("utf-8")
        return subprocess.CompletedProcess(["gameday", *arguments], code, *said)


@cache
def _server() -> subprocess.Popen[bytes]:
    """The process that waits, until this one ends."""
    command = [sys.executable, "-m", "tests.command"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=HOME)

    def end() -> None:
        server.kill()
        server.communicate()

    atexit.register(end)
    return server


def _serve() -> None:
    """Copy this process for every line that comes; returns in a copy that has become a command."""
    from scenarios.harness import game  # noqa: F401, PLC0415 - only here they are needed
    from scenarios.harness.commands import all_commands  # noqa: PLC0415
    from scenarios.harness.discovery import all_drills  # noqa: PLC0415

    all_commands()
    all_drills()
    gc.freeze()  # a look for garbage touches all memory, and each copy would get its own
    for line in sys.stdin.buffer:
        pid = os.fork()
        if not pid:
            _become(msgspec.json.decode(line, type=_Work))
            return
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
    raise SystemExit


def _become(work: _Work) -> None:
    """Take the folder, the environment, the arguments and the output of a command."""
    for number, name, how in (
        (0, os.devnull, os.O_RDONLY),
        (1, work.out, os.O_WRONLY | os.O_CREAT),
        (2, work.err, os.O_WRONLY | os.O_CREAT),
    ):
        os.dup2(os.open(name, how, 0o600), number)
    os.chdir(work.folder)
    os.environ.clear()
    os.environ.update(work.environment)
    sys.argv = ["gameday", *work.arguments]


def _run() -> int:
    """The command; its exit code."""
    from scenarios.harness.cli import main  # noqa: PLC0415 - only here it is needed

    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


if __name__ == "__main__":
    _serve()
    code = _run()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # without taking down all that it was copied with
