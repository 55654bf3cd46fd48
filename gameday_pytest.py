"""The pytest plugin: `batches_api`, `intercepted_api`, the marker for their settings, and drills.

Outside the four rooms, and importing none of them, because pytest loads it in every project on
this machine: the general name `simulator` may be the project's own package. Only a test that
takes a fixture, or a conftest that asks for drills, imports ours, and learns which path is in the
way if it cannot.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from simulator.sharing import SharedServer
    from simulator.testing import BatchesApi

HOME: Final = Path(__file__).resolve().parent
ROOMS: Final = ("simulator", "controls", "reports", "scenarios")
MARKER: Final = (
    "batches_api(seed, faults, preset, clock, polls, speed, responder, limits, shared): settings "
    "of the fixtures `batches_api` and `intercepted_api`."
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, for --strict-markers."""
    config.addinivalue_line("markers", MARKER)
    config.addinivalue_line("markers", DRILL_MARKER)


DRILLS: Final = "gameday_drills"
"""The name in a `conftest.py` that asks for drills."""
DRILL_MARKER: Final = "gameday: a drill, which a conftest.py has asked for with `gameday_drills`."
OPTIONS: Final = {
    "gameday_rows": "your rows for the drills: CSV, JSON Lines or a JSON array",
    "gameday_job": "the job type they run under (TOML)",
    "gameday_seed": "the seed of the drills",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The settings of drills, for the configuration file and `-o`."""
    for name, says in OPTIONS.items():
        parser.addini(name, says, default="0" if name == "gameday_seed" else "")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A conftest that asks for drills is collected as a file of them."""
    if file_path.name != "conftest.py":
        return None
    plugins = parent.config.pluginmanager.get_plugins()
    asked = [
        vars(plugin)[DRILLS]
        for plugin in plugins
        if DRILLS in getattr(plugin, "__dict__", ())
        and getattr(plugin, "__file__", None) == str(file_path)
    ]
    if not asked:
        return None
    for room in ROOMS:
        ours(room)
    items = importlib.import_module("scenarios.harness.pytest_items")
    drills: pytest.Collector = items.Drills.from_parent(parent, path=file_path)
    drills.asked_for = asked[0]  # type: ignore[attr-defined]
    return drills


@pytest.fixture(name="batches_api")
def _batches_api(request: pytest.FixtureRequest) -> Iterator[BatchesApi]:
    """A Message Batches API of this test's own, in process; `.url` for a real socket."""
    yield from _plugin().batches_api(request)


@pytest.fixture(name="intercepted_api")
def _intercepted_api(batches_api: BatchesApi) -> Iterator[BatchesApi]:
    """The same, and it answers for https://api.anthropic.com as well."""
    yield from _plugin().intercepted_api(batches_api)


@pytest.fixture(scope="session", name="batches_api_server")
def _batches_api_server() -> Iterator[SharedServer]:
    """The loopback server that all tests marked `shared=True` share, each with its own key."""
    yield from _plugin().batches_api_server()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Beside a failure stands what the service saw."""
    outcome = yield
    report = outcome.get_result()
    handle: Any = getattr(item, "funcargs", {}).get("batches_api")
    if report.when == "call" and report.failed and handle is not None:
        report.sections.append(("what the Message Batches API saw", handle.summary()))


def _plugin() -> Any:
    """Our part of the work."""
    ours("simulator")
    return importlib.import_module("simulator.pytest_plugin")


def ours(room: str) -> None:
    """Import a package of ours, or say what shadows it."""
    try:
        package = importlib.import_module(room)
    except ImportError as failed:
        raise pytest.UsageError(f"batch-gameday cannot import its `{room}`: {failed}") from None
    seen = [Path(place).resolve() for place in getattr(package, "__path__", ())]
    if HOME / room not in seen:
        raise pytest.UsageError(shadowed(package, seen, room))


def shadowed(package: Any, seen: list[Path], room: str = "simulator") -> str:
    """Which path is in the way of our package."""
    found = getattr(package, "__file__", None) or next(map(str, seen), "something without a file")
    entry = Path(found).resolve()
    entry = entry.parent if entry.name == "__init__.py" else entry
    way = next((path for path in sys.path if Path(path or ".").resolve() == entry.parent), "")
    how = f" ({way or 'the current directory'} comes first on sys.path)"
    return (
        f"batch-gameday needs its own package `{room}` at {HOME / room}, but "
        f"`import {room}` gives {found}{how}. Rename that one, or keep its folder off sys.path."
    )
