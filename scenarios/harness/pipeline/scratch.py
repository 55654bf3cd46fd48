"""The folder of a trial: everything that its arms write lies in it, and it goes in any case."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from threading import Event

PREFIX = "gameday-verify-"
ATTEMPTS = 100
PAUSE = 0.02
"""Seconds between two attempts: a pipeline that is being ended may still write a file."""


def new_folder() -> Path:
    """A folder that names its process, so that a later run can clean up after one that was
    killed; which it does first."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdecimal() and Path("/proc/self").exists() and not Path(f"/proc/{pid}").exists():
            remove(folder)
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))


def remove(folder: Path) -> None:
    """Remove a folder, also while its last writer is being ended."""
    for _ in range(ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        Event().wait(PAUSE)
