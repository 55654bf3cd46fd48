"""Lines as long as memory: what is kept of them until it is written down is bounded."""

from __future__ import annotations

from typing import Any

import pytest

from controls.core import collector
from controls.core.answer import EVIDENCE_BYTES
from controls.core.ledger import Kept
from simulator.faults import BrokenLines, Fault, HugeRow, UnknownRows
from tests.controls.builders import Bench

LONG = 2**15


@pytest.mark.parametrize("fault", [HugeRow(8, size_bytes=LONG), BrokenLines(8), UnknownRows(8)])
def test_no_line_is_held_as_a_whole(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to 5,000 rows are written down in one go: each holds as much as the quarantine keeps."""
    held = list[int]()

    def kept(*given: Any) -> Kept:
        held.append(len(given[-1]))
        return Kept(*given)

    monkeypatch.setattr(collector, "Kept", kept)

    Bench(faults=[HugeRow(60, size_bytes=LONG), fault]).run(60)

    assert EVIDENCE_BYTES == max(held)
