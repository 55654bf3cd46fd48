"""The pytest plugin: `batches_api`, `intercepted_api`, and the marker for their settings.

Outside the four rooms, and importing none of them, because pytest loads it in every project on
this machine: the general name `simulator` may be the project's own package. Only a test that
takes a fixture imports ours, and learns which path is in the way if it cannot.
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
MARKER: Final = (
    "batches_api(seed, faults, preset, clock, polls, speed, responder, limits, shared): settings "
    "of the fixtures `batches_api` and `intercepted_api`."
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, for --strict-markers."""
    config.addinivalue_line("markers", MARKER)


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
    """Our part of the work, or a sentence about what shadows it."""
    try:
        package = importlib.import_module("simulator")
    except ImportError as failed:
        raise pytest.UsageError(f"batch-gameday cannot import its `simulator`: {failed}") from None
    seen = [Path(place).resolve() for place in getattr(package, "__path__", ())]
    if HOME / "simulator" not in seen:
        raise pytest.UsageError(shadowed(package, seen))
    return importlib.import_module("simulator.pytest_plugin")


def shadowed(package: Any, seen: list[Path]) -> str:
    """Which path is in the way of our package."""
    found = getattr(package, "__file__", None) or next(map(str, seen), "something without a file")
    entry = Path(found).resolve()
    entry = entry.parent if entry.name == "__init__.py" else entry
    way = next((path for path in sys.path if Path(path or ".").resolve() == entry.parent), "")
    how = f" ({way or 'the current directory'} comes first on sys.path)"
    return (
        f"batch-gameday needs its own package `simulator` at {HOME / 'simulator'}, but "
        f"`import simulator` gives {found}{how}. Rename that one, or keep its folder off sys.path."
    )
