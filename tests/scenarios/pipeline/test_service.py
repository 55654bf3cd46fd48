"""The service of an arm makes waits bearable for a client that waits in real time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from scenarios.harness.pipeline.service import LONGEST_WAIT, WatchedApi, _shorter
from simulator import Endpoint
from simulator.faults import RateLimited
from simulator.wire import Request


@pytest.mark.parametrize(
    ("asked", "told"),
    [("3600", str(LONGEST_WAIT)), ("0.5", "0.5"), ("-1", "-1"), ("soon", "soon"), ("nan", "nan")],
)
def test_a_number_of_seconds_becomes_a_small_one(asked: str, told: str) -> None:
    """What a client can bear, or cannot read, stays as it was."""
    assert told == _shorter(asked)


def test_a_date_becomes_one_that_is_near() -> None:
    """The service's day is ahead of the machine's, so its dates would be hours away."""
    api = WatchedApi(faults=[RateLimited(Endpoint.LIST, retry_after=30, as_date=True)])
    api.clock.sleep(timedelta(hours=9))

    headers = {"x-api-key": "gameday", "anthropic-version": "2023-06-01"}
    reply = api.handle(Request(method="GET", path="/v1/messages/batches", headers=headers))

    told = parsedate_to_datetime(reply.header("retry-after") or "")
    assert timedelta(0) <= datetime.now(UTC) + timedelta(seconds=LONGEST_WAIT) - told
