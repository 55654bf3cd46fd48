"""What the tests of random plans share."""

from __future__ import annotations

import pytest

from scenarios.harness.game import open_game
from scenarios.harness.world import Game


@pytest.fixture(scope="session")
def game() -> Game:
    """The seeded tickets under the default job type."""
    return open_game(None, None, 0)
