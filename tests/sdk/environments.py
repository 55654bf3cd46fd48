"""Separate environments for the SDK lines, made once and kept in `.venv-sdk/`.

A folder is used only if its last step has left `ready` behind, so that a broken installation is
made anew. Two processes do not make the same one at a time: the second finds the first one's.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]
CACHE = HOME / ".venv-sdk"
LINES = ("0.49.0", "0.125.0", "1.17.0", "2.11.0")
"""The Python SDK: one before 0.60, and the last of each line."""
RUNNER_LINES = ("0.76.0", *LINES[1:])
"""Those with which `controls` works; the first is the oldest."""
TYPESCRIPT = "1.11.0"
CTRF = "0.3.0"
"""The npm package that brings the official schema of the Common Test Report Format."""
MSGSPEC = "msgspec==0.22.0"
"""What `simulator` needs where interception is run; the SDKs bring their HTTP library."""


def python_of(line: str) -> Path:
    """The interpreter of an environment with this SDK and nothing else of ours."""

    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", str(folder))
        pip_install(folder, f"anthropic=={line}", MSGSPEC)

    return made(line, install) / "bin" / "python"


def newcomer() -> Path:
    """The interpreter of an environment as a user has it: the project by pip, and pytest."""

    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", str(folder))
        pip_install(folder, str(HOME), "pytest", "pytest-asyncio==1.5.0", "pytest-xdist")

    return _renewed(made("newcomer", install))


@cache
def project_beside(line: str) -> Path:
    """The same with this SDK: its bounds and ours must agree."""

    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", str(folder))
        pip_install(folder, str(HOME), "pytest", f"anthropic=={line}")

    python = _renewed(made(f"project-{line}", install))
    try:
        run(str(python), "-m", "pip", "check")
    except subprocess.CalledProcessError as failed:
        pytest.fail(failed.stdout.decode(), pytrace=False)
    return python


def _renewed(folder: Path) -> Path:
    """The interpreter of an environment, with the project as it is now."""
    try:
        pip_install(folder, "--no-deps", "--force-reinstall", str(HOME))
    except subprocess.CalledProcessError as failed:
        missing(f"The project could not be installed: {failed.stderr.decode()[-500:]}")
    return folder / "bin" / "python"


def pip_install(folder: Path, *what: str) -> None:
    """Into this environment."""
    pip = (str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--retries=1")
    run(*pip, "--disable-pip-version-check", *what)


def typescript() -> Path:
    """The folder whose `node_modules` have the TypeScript SDK."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        missing("node and npm are not installed")

    def install(folder: Path) -> None:
        (folder / "package.json").write_text('{"private": true}', "utf-8")
        package = f"@anthropic-ai/sdk@{TYPESCRIPT}"
        run("npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), package)

    return made(f"ts-{TYPESCRIPT}", install)


def ctrf_schema() -> Path:
    """The official schema of CTRF."""
    if shutil.which("npm") is None:
        missing("npm is not installed")

    def install(folder: Path) -> None:
        (folder / "package.json").write_text('{"private": true}', "utf-8")
        run("npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), f"ctrf@{CTRF}")

    (found,) = made(f"ctrf-{CTRF}", install).glob("node_modules/ctrf/src/*schema*.json")
    return found


def made(name: str, install: Callable[[Path], None]) -> Path:
    """The folder of this environment, installed into its final place (a venv cannot move)."""
    folder = CACHE / name
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            _make(folder, install)
    return folder


def _make(folder: Path, install: Callable[[Path], None]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        install(folder)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as failed:
        shutil.rmtree(folder, ignore_errors=True)
        said = (failed.stderr or b"").decode()[-500:]
        missing(f"{folder.name} could not be installed: {failed}\n{said}")
    (folder / "ready").touch()


def missing(why: str) -> None:
    """In CI an environment that cannot be made is a failure, elsewhere a loud skip."""
    if os.environ.get("CI"):
        pytest.fail(f"{why} (CI is set, so this is no skip)", pytrace=False)
    pytest.skip(f"NOT CHECKED: {why}")


def run(*command: str, **variables: str) -> str:
    """What the command prints; nothing of the developer's environment gets in."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANTHROPIC_", "PYTHONPATH", "PYTEST_"))
    }
    done = subprocess.run(
        command,
        check=True,
        capture_output=True,
        timeout=180,
        env=kept | variables,
        cwd=tempfile.gettempdir(),
    )
    return done.stdout.decode()
