"""The fixtures `batches_api` and `intercepted_api`, behind `gameday_pytest.py`.

The entry point is that module and not this one, so that a project with a package `simulator`
of its own is left in peace until one of its tests takes a fixture of ours.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from difflib import get_close_matches
from hashlib import sha256
from typing import Any, Final

import pytest

from simulator.api import Api
from simulator.environment import own_environment
from simulator.errors import SimulatorError
from simulator.intercept import HOST, Rule, blocked, in_force
from simulator.sharing import SharedServer
from simulator.testing import BatchesApi, opened

INTERCEPTED_POLLS: Final = 1
"""A pipeline that was not written for this sleeps in real time between its polls, so that the
first one finds the batch ended."""


def batches_api(request: pytest.FixtureRequest) -> Iterator[BatchesApi]:
    """One service for one test, with the settings of its marker."""
    settings = read_marker(request.node)
    if settings.pop("shared", False):
        settings["server"] = request.getfixturevalue("batches_api_server")
    if "intercepted_api" in request.fixturenames:
        settings.setdefault("polls", INTERCEPTED_POLLS)
    settings.setdefault("api_key", key_for(request.node.nodeid))
    with (
        opened(**settings) as handle,
        own_environment(ANTHROPIC_API_KEY=handle.api_key),
        blocked(),
    ):
        handle.exports_url = True
        yield handle


def intercepted_api(handle: BatchesApi) -> Iterator[BatchesApi]:
    """The same service, answering for the real host."""
    with in_force(Rule(HOST, handle.service, "allow")):
        yield handle


def batches_api_server() -> Iterator[SharedServer]:
    """One loopback server for all tests with `shared=True`."""
    server = SharedServer()
    yield server
    server.stop()


def read_marker(node: pytest.Item) -> dict[str, Any]:
    """The settings of all `batches_api` markers of a test, the nearest last."""
    settings: dict[str, Any] = {}
    for marker in reversed(list(node.iter_markers("batches_api"))):
        if marker.args:
            raise SimulatorError(
                f"@pytest.mark.batches_api{marker.args}: settings have names.",
                fix="Write for instance seed=7.",
            )
        settings |= marker.kwargs
    known = sorted(known_settings())
    for name in settings.keys() - set(known):
        near = get_close_matches(name, known, n=1)
        raise SimulatorError(
            f"@pytest.mark.batches_api knows no {name!r}.",
            fix=f"Did you mean {near[0]!r}?" if near else f"It knows {', '.join(known)}.",
        )
    return settings


def known_settings() -> set[str]:
    """Those of a handle and those of the service."""
    names = {*inspect.signature(opened).parameters, *inspect.signature(Api).parameters, "shared"}
    return names - {"api", "server", "settings"}


def key_for(nodeid: str) -> str:
    """A key of its own for each test, the same in each run."""
    return f"sk-ant-test-{sha256(nodeid.encode()).hexdigest()[:24]}"
