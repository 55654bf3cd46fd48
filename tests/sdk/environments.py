"""Environments for the SDK lines, made once and kept in `.venv-sdk/`.

One has the project as pip installs it; each of the others has its own SDK on top of that one, so
that what they share is installed once. A folder is used only if its last step has left `ready`
behind, so that a broken installation is made anew. Two processes do not make the same one at a
time: the second finds the first one's.

`python -m tests.sdk.environments` makes all of them; what it cannot make, the tests try again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
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
INSTALLED = ("simulator", "controls", "scenarios", "reports")
BESIDE = ("gameday_pytest.py", "pyproject.toml", "README.md")
"""What the wheel is made of."""


@cache
def newcomer() -> Path:
    """The interpreter of an environment as a user has it: the project by pip, and pytest."""
    return _on_top("newcomer", "pytest-asyncio==1.5.0", "pytest-xdist")


@cache
def project_beside(line: str) -> Path:
    """The same with this SDK: its bounds and ours must agree."""
    python = _on_top(f"project-{line}", f"anthropic=={line}")
    try:
        run(*_pip(python), "check")
    except subprocess.CalledProcessError as failed:
        pytest.fail(failed.stdout.decode(), pytrace=False)
    return python


def _on_top(name: str, *what: str) -> Path:
    """The interpreter of an environment that has these packages, and below them the project."""
    below = _project()

    def install(folder: Path) -> None:
        python = _venv(folder)
        (_packages(folder) / "project.pth").write_text(f"{_packages(below)}\n", "utf-8")
        _install(python, *what)

    return made(name, install) / "bin" / "python"


@cache
def _project() -> Path:
    """The environment with the project as it is now."""

    def install(folder: Path) -> None:
        _install(_venv(folder), str(wheel), "pytest")
        (folder / "wheel").write_text(wheel.parent.name)

    wheel = _wheel()
    folder = made("project", install)
    with _locked("project"):
        if (folder / "wheel").read_text() != wheel.parent.name:
            try:
                python = folder / "bin" / "python"
                _install(python, "--no-deps", "--force-reinstall", str(wheel))
                _install(python, str(wheel))  # and what it did not need before
            except subprocess.CalledProcessError as failed:
                missing(f"The project could not be installed: {failed.stderr.decode()[-500:]}")
            (folder / "wheel").write_text(wheel.parent.name)
    return folder


def _wheel() -> Path:
    """The project as it is now, as a wheel; its folder is named by what it is made of."""
    files = [path for room in INSTALLED for path in sorted((HOME / room).rglob("*.*"))]
    digest = hashlib.sha256()
    for path in [*files, *(HOME / name for name in BESIDE)]:
        if path.is_file() and path.suffix != ".pyc":
            digest.update(b"%s\0%d\0" % (str(path).encode(), path.stat().st_size))
            digest.update(path.read_bytes())

    def build(folder: Path) -> None:
        for older in set(CACHE.glob("wheel-*/")) - {folder}:
            shutil.rmtree(older)
        run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", f"-w{folder}", str(HOME))

    (wheel,) = made(f"wheel-{digest.hexdigest()[:16]}", build).glob("*.whl")
    return wheel


def _venv(folder: Path) -> Path:
    """An empty environment, without a pip of its own, which would take most of the time."""
    run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    return folder / "bin" / "python"


def _packages(folder: Path) -> Path:
    (found,) = folder.glob("lib/python*/site-packages")
    return found


def _pip(python: Path) -> tuple[str, ...]:
    return (sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check")


def _install(python: Path, *what: str) -> None:
    run(*_pip(python), "install", "--quiet", "--retries=1", *what)


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
    with _locked(name):
        if not (folder / "ready").exists():
            _make(folder, install)
    return folder


@contextmanager
def _locked(name: str) -> Iterator[None]:
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


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


def make_all() -> None:
    """Everything that the tests need, before they begin."""
    makers: list[Callable[[], Path]] = [newcomer, typescript, ctrf_schema]
    makers += [partial(project_beside, line) for line in dict.fromkeys((*LINES, *RUNNER_LINES))]
    for make in makers:
        try:
            make()
        except (pytest.fail.Exception, pytest.skip.Exception) as why:
            sys.stderr.write(f"{why}\n")


if __name__ == "__main__":
    make_all()
