"""Two processes, one PostgreSQL, one job; one of them is killed halfway."""

from __future__ import annotations

import pytest

from tests.controls.two_workers import check, run

ROWS = 20_000
"""`make kills` does the same with 100,000."""


@pytest.mark.postgres
def test_every_row_exactly_once_though_a_worker_is_killed_halfway(postgres_url: str) -> None:
    """Sent once and in the record once, says the service, says the record."""
    check(run(postgres_url, ROWS), ROWS)
