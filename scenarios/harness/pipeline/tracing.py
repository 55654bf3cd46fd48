"""Durable writes of a pipeline under test, each at the moment when it is done: by strace, on Linux.

strace stops the process that makes a write-like call as soon as the call is done (a SIGSTOP that
waits for it) and writes a line about it. We read the line, count the call if it changed a file of
the arm, and let the process go on, or end the whole process group. So writes are counted over all
threads and processes of a pipeline, in any language, and nothing comes between a write and a kill.
A kill before write 8 is the same as one after write 7, so there are no points before a write.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

OPENING = ("creat", "open", "openat", "openat2")
CALLS = (
    *OPENING,
    *("write", "writev", "pwrite64", "pwritev", "pwritev2"),
    *("truncate", "ftruncate", "fsync", "fdatasync"),
    *("rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"),
    *("unlink", "unlinkat", "mkdir", "mkdirat", "rmdir"),
)
"""What changes files, or makes sure that they are changed; strace passes over those that a machine
does not have."""
REFUSED = (("copy_file_range", "ENOSYS"), ("sendfile", "EINVAL"))
"""Copying inside of the kernel does not begin while a signal waits: it would never end. These are
the answers of a kernel or of files that cannot do it, upon which programs read and write."""
SLOWER = 6
"""So many times its own time a pipeline may take under strace; the examples take 1.8 to 2.6."""
PROBE_SECONDS = 10.0
INSTALL = "apt-get install strace"
LINE = re.compile(r"(\d+) +(?:<\.\.\. )?(\w+)(?: resumed>|\()(.*)\Z", re.DOTALL)
UNFINISHED = " <unfinished ...>"
RESULT = re.compile(r"(.*)\)\s+= (-?\d+|0x[0-9a-f]+)\b", re.DOTALL)
NAMES = re.compile(
    r'"(?P<text>(?:[^"\\]|\\.)*)"(?P<cut>\.\.\.)?|(?:\d+|AT_FDCWD)<(?P<open>(?:[^>\\]|\\.)*)>'
)
LONGEST_NAME = 80

Written = Callable[[str], bool]
"""Hears of a durable write that is done, in words; says whether the pipeline is to be killed."""


def _command(log: str, sign: str) -> list[str]:
    """What to put in front of a command. No byte that is written comes into the log (`-s 0`). With
    `--seccomp-bpf` it would be quicker, but the kernel drops the signal of such a stop."""
    calls = ",".join(f"?{name}" for name in CALLS)
    refused = ",".join(name for name, _ in REFUSED)
    answers = [word for call, error in REFUSED for word in ("-e", f"inject={call}:error={error}")]
    return [
        *("strace", "-f", "-qq", "-y", "-s", "0", "-e", "signal=none"),
        *("-e", f"trace={calls},{refused}", "-e", f"inject={calls}:signal={sign}", *answers),
        *("-o", log),
    ]


@cache
def why_not() -> str:
    """Why durable writes cannot be seen on this machine, and what to do; empty when they can."""
    if sys.platform != "linux":
        return "strace, which sees them, is for Linux only"
    if shutil.which("strace") is None:
        return f"strace is not installed; {INSTALL}"
    try:
        tried = subprocess.run(  # noqa: S603 - nothing of the user's
            [*_command(os.devnull, "CONT"), "/bin/sh", "-c", ": >/dev/null"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"strace does not run here: {type(error).__name__}"
    if tried.returncode:
        said = tried.stderr.decode("utf-8", "replace").strip().splitlines()
        return (
            f"strace may not trace here ({said[-1][:100] if said else 'it says nothing'}); allow "
            "ptrace, in a container with --cap-add=SYS_PTRACE"
        )
    return ""


class Tracing:
    """strace around one start of a pipeline, and its log as it comes."""

    def __init__(self, folder: Path, names: Mapping[Path, str], written: Written) -> None:
        """`folder` is the arm's; what lies beneath counts. `names` says how to call its places, by
        the beginnings of their paths (so SQLite's `-journal` belongs to its database); a place
        without a name does not count."""
        self._log = folder / "strace.log"
        self._folder, self._written = folder.resolve(), written
        self._names = {str(place.resolve()): name for place, name in names.items()}
        self._begun: dict[str, str] = {}
        self._rest = b""
        self._over = False

    @contextmanager
    def opened(self) -> Iterator[int]:
        """The log, to be read from while the command runs."""
        os.mkfifo(self._log)
        reading = os.open(self._log, os.O_RDONLY | os.O_NONBLOCK)
        try:
            yield reading
        finally:
            os.close(reading)
            self._log.unlink()

    @property
    def command(self) -> list[str]:
        """What to put in front of the pipeline's command."""
        return _command(str(self._log), "STOP")

    def hear(self, piece: bytes) -> bool:
        """Read on in the log, and let go on who waits; True if the pipeline is to be killed, and
        from then on nobody goes on."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            process, call, arguments = self._done(line.decode("ascii", "replace"))
            if not process:
                continue
            what = self._durable(process, call, arguments)
            self._over = bool(what and self._written(what)) or self._over
            if not self._over:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(process, signal.SIGCONT)
        return self._over

    def _done(self, line: str) -> tuple[int, str, str]:
        """Process, call and arguments with result; the process is 0 if it was not stopped (yet)."""
        found = LINE.fullmatch(line)
        if found is None or found[2] not in CALLS:
            return 0, "", ""
        process, call, rest = found.groups()
        if rest.endswith(UNFINISHED):
            self._begun[process] = rest.removesuffix(UNFINISHED)
            return 0, "", ""
        return int(process), call, self._begun.pop(process, "") + rest

    def _durable(self, process: int, call: str, text: str) -> str:
        """What was written, in words; empty if it was none of the arm's files, or failed."""
        result = RESULT.match(text)
        if result is None or result[2].startswith("-"):
            return ""
        if call in OPENING[1:] and "O_CREAT" not in text and "O_TRUNC" not in text:
            return ""
        touched = [self._named(path) for path in _paths(process, result[1])]
        return next((f"{call} of {name}" for name in reversed(touched) if name), "")

    def _named(self, path: str) -> str:
        if not path.startswith(f"{self._folder}/"):
            return ""
        for place, name in self._names.items():
            if path.startswith(place):
                return name and _printable(name + path.removeprefix(place))
        return _printable(path.removeprefix(f"{self._folder}/"))


def _paths(process: int, arguments: str) -> Iterator[str]:
    """The absolute paths that a call names: of its open files, and those in its arguments."""
    base = ""
    for found in NAMES.finditer(arguments):
        if found["open"] is not None:
            if base:
                yield base
            base = _plain(found["open"])
        elif found["text"] and not found["cut"]:
            yield os.path.realpath(Path(base or _working_folder(process), _plain(found["text"])))
            base = ""
    if base:
        yield base


def _working_folder(process: int) -> str:
    with suppress(OSError):
        return str(Path(f"/proc/{process}/cwd").readlink())
    return "/"


def _plain(quoted: str) -> str:
    r"""A name as it is; strace writes it in ASCII, with escapes as in C (`\303\244`, `\n`)."""
    with suppress(UnicodeDecodeError):
        return os.fsdecode(quoted.encode().decode("unicode_escape").encode("latin-1"))
    return quoted


def _printable(name: str) -> str:
    shown = "".join(each if each.isprintable() else "?" for each in name)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[:LONGEST_NAME]}..."
