"""The page about writing a fault: its example runs, and it begins where it says."""

from __future__ import annotations

import inspect
import re
import runpy
from pathlib import Path

from simulator.faults import NoFault

PAGE = Path(__file__).parents[3] / "docs" / "write-a-fault.md"


def blocks() -> list[str]:
    """The Python on the page."""
    found: list[str] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return found


def test_the_example_runs(tmp_path: Path) -> None:
    """As it stands there, in a file of its own."""
    example = tmp_path / "example.py"
    example.write_text(blocks()[1], "utf-8")

    runpy.run_path(str(example))


def test_the_page_begins_from_no_fault() -> None:
    """The same lines as in the source."""
    assert inspect.getsource(NoFault).startswith(blocks()[0].rstrip())
