"""No journal and no event loop of a test stays open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.builders_console import OPEN


@pytest.fixture(autouse=True)
def _closed_theatres() -> Iterator[None]:
    """Whatever a test has left open."""
    yield
    while OPEN:
        runner, journal = OPEN.pop()
        runner.close()
        journal.finish()
