"""What the fixture `batches_api` adds to a test, as pytest itself counts it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.programs import environment

CONFTEST: Final = """
import json, pytest

taken = {}

@pytest.fixture
def over_loopback(batches_api):
    batches_api.url
    return batches_api

def pytest_runtest_logreport(report):
    if report.when != "call":
        name = report.nodeid.rpartition("::")[2].partition("[")[0]
        taken.setdefault(name, {}).setdefault(report.nodeid, []).append(report.duration)

def pytest_sessionfinish():
    with open("taken.json", "w") as file:
        json.dump({name: [sum(both) for both in tests.values()] for name, tests in taken.items()},
                  file)
"""
TESTS: Final = """
import pytest

@pytest.mark.parametrize("number", range({count}))
def test_within(number, batches_api):
    batches_api.client()

@pytest.mark.parametrize("number", range({count}))
def test_across(number, over_loopback):
    pass
"""


def overheads(count: int, folder: Path) -> tuple[float, float]:
    """Seconds of set-up and tear-down together: in process, and with a server on loopback.

    The first test of each kind, which imports, does not count.
    """
    (folder / "conftest.py").write_text(CONFTEST, "utf-8")
    (folder / "test_fixtures.py").write_text(TESTS.format(count=count + 1), "utf-8")
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "."],
        cwd=folder,
        env=environment(),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    taken: dict[str, list[float]] = json.loads((folder / "taken.json").read_text("utf-8"))
    return median(taken["test_within"][1:]), median(taken["test_across"][1:])
