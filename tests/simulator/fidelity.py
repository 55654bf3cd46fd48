"""The fidelity table: each conformance test says what it holds, and docs/fidelity.md is made of it.

python -m tests.simulator.fidelity > docs/fidelity.md
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

PAGE: Final = Path(__file__).parents[2] / "docs" / "fidelity.md"
T = TypeVar("T", bound=Callable[..., Any])

HEAD: Final = """\
# Fidelity

What the simulator does where, what the real API does as far as anybody can know, and how sure
that is. Made by `python -m tests.simulator.fidelity` from the tests that hold each line; do not
edit it by hand.

Sources: DOC official documentation, SDK types and behaviour of the official client, OAS copies of
the official OpenAPI document, REC recorded live traffic, CAP captured live replies, ISS public
issues. Confidence: A executed or text and recording agree, B official text alone, C one capture,
D inference. FAKE: documented nowhere, so it is our choice.
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table."""

    behaviour: str
    real: str
    source: str
    confidence: str
    ours: str
    test: str


CHECKLIST: Final[list[Line]] = []
CHOSEN: Final[list[Line]] = []


def holds(
    behaviour: str, *, real: str, source: str, confidence: str, ours: str = "the same"
) -> Callable[[T], T]:
    """This test holds a line of the checklist."""
    return _registered(CHECKLIST, behaviour, real, source, confidence, ours)


def chooses(behaviour: str, *, ours: str, switch: str = "") -> Callable[[T], T]:
    """This test holds a choice where the real behaviour is not known."""
    said = f"{ours}; switch: `{switch}`" if switch else ours
    return _registered(CHOSEN, behaviour, "not known", "FAKE", "D", said)


def _registered(
    table: list[Line], behaviour: str, real: str, source: str, confidence: str, ours: str
) -> Callable[[T], T]:
    def register(test: T) -> T:
        table.append(Line(behaviour, real, source, confidence, ours, test.__name__))
        return test

    return register


def render() -> str:
    """The whole page."""
    parts = [HEAD, "\n## The checklist\n\n", _table(CHECKLIST)]
    return "".join([*parts, "\n## What nobody has documented\n\n", _table(CHOSEN)])


def _table(lines: list[Line]) -> str:
    rows = ["| behaviour | the real API | source | confidence | here | held by |\n"]
    rows.append("|---|---|---|---|---|---|\n")
    for line in lines:
        cells = (line.behaviour, line.real, line.source, line.confidence, line.ours)
        told = " | ".join(cell.replace("|", "\\|") for cell in cells)
        rows.append(f"| {told} | `{line.test}` |\n")
    return "".join(rows)


def main() -> None:
    """Write the page to stdout."""
    from tests.simulator import fidelity, test_choices, test_conformance  # noqa: F401, PLC0415

    sys.stdout.write(fidelity.render())


if __name__ == "__main__":
    main()
