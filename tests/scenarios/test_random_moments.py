"""A signal at any moment: the journal tells how far it came, and nothing else is left."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.scenarios.moments import SIGNS, strike


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked")
@pytest.mark.parametrize("sign", SIGNS)
def test_a_signal_at_a_random_moment(sign: signal.Signals, tmp_path: Path) -> None:
    """One moment for each signal; `python -m tests.scenarios.moments 50` tries many."""
    assert strike(tmp_path, sign, seed=len(sign.name)).startswith(f"{sign.name}: ")
