"""The usual ways to remember what was sent, and who pays twice when they forget."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import anthropic
import httpx2
import pytest

from controls import Canary, ControlError
from simulator import hours
from simulator.faults import LostReply
from tests.controls.builders import Bench, rows
from tests.seeds.builders import Usual


@dataclass
class Tracked:
    """Keys with a time to live, as a cache server keeps them."""

    now: Callable[[], datetime]
    kept: dict[str, tuple[datetime, str]] = field(default_factory=dict)

    def put(self, key: str, value: str, lives: timedelta) -> None:
        """Remember for so long."""
        self.kept[key] = (self.now() + lives, value)

    def get(self, key: str) -> str | None:
        """What is remembered, if it is not too late."""
        until, value = self.kept.get(key, (self.now(), ""))
        return value if self.now() < until else None


def test_a_record_that_lives_as_long_as_a_batch_is_gone_when_it_is_needed() -> None:
    """The key expires after 24 hours, which is when a slow batch ends; results stay for 29 days.
    A worker that looks afterwards does not know the batch: its answers are paid for and unread."""
    usual = Usual()
    tracked = Tracked(usual.clock.now)
    batch = usual.submit(rows(5))
    tracked.put(batch, "job_1", hours(24))
    usual.clock.sleep(hours(24))

    assert tracked.get(batch) is None
    assert 5 == len(list(usual.results(batch)))

    bench = Bench(without=[Canary])
    bench.run(5)
    bench.clock.sleep(hours(24))
    (made,) = bench.books.batches
    assert made.id in str([entry.body for entry in bench.ledger.entries("job_1")])


def test_what_is_written_down_after_the_call_is_not_written_down_after_a_crash() -> None:
    """The process dies between create and the note of it. The restart finds nothing, submits again,
    and every row is paid for twice."""
    usual = Usual()
    tracked: list[str] = []
    for crashes in (True, False):
        batch = usual.submit(rows(5))
        if not crashes:
            tracked.append(batch)
    usual.clock.sleep(hours(25))

    assert (1, 2) == (len(tracked), usual.batches)

    deaths = [KeyboardInterrupt]

    def dies_once(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if deaths and request.method == "POST" and request.url.path.endswith("/batches"):
            raise deaths.pop()
        return response

    bench = Bench(bend=dies_once, without=[Canary])
    with pytest.raises(KeyboardInterrupt):
        bench.run(5)
    with suppress(ControlError):
        bench.run(5)
    assert [] == deaths
    assert 1 == len(bench.books.batches)


def test_the_clients_own_retries_create_a_second_batch() -> None:
    """The service accepts a batch and its reply is lost; the client, as it comes, sends the call
    again. There is no idempotency: two batches, both billed."""
    usual = Usual(faults=[LostReply()], retries=1)
    usual.submit(rows(5))

    assert 2 == usual.batches

    bench = Bench(faults=[LostReply()], without=[Canary])
    assert "done" == bench.run(5).status
    assert 1 == len(bench.books.batches)


def test_a_flag_that_is_set_when_results_arrive_does_not_stop_the_next_night() -> None:
    """Unprocessed rows are chosen by a flag that the results set. A batch may take all of 24 hours:
    the next night finds the same rows unprocessed and pays for them again."""
    usual = Usual()
    processed: set[str] = set()
    claims = rows(5)
    for _ in range(2):
        due = [claim for claim in claims if claim.key not in processed]
        usual.submit(due)
        usual.clock.sleep(timedelta(seconds=1))

    assert 2 == usual.batches

    bench = Bench(without=[Canary])
    bench.run(claims)
    with suppress(ControlError):
        bench.run(claims)
    assert 1 == len(bench.books.batches)


def test_a_queue_that_is_sent_by_the_thousand_keeps_the_rest() -> None:
    """Rows wait until a threshold is reached, and nobody asks about the last ones: they are neither
    sent nor failed, and appear in no count."""
    usual = Usual()
    queue = []
    for row in rows(130):
        queue.append(row)
        if len(queue) >= 100:
            usual.submit(queue)
            queue = []

    assert 30 == len(queue)
    assert 100 == sum(batch.requests for batch in usual.api.books().batches)

    bench = Bench()
    assert 130 == bench.run(130).promoted


def test_a_create_call_that_fails_is_not_a_batch_that_does_not_exist() -> None:
    """`except: submit again` is the same mistake by hand."""
    usual = Usual(faults=[LostReply()])
    try:
        usual.submit(rows(5))
    except anthropic.APIConnectionError:
        usual.submit(rows(5))
    usual.clock.sleep(hours(25))
    bill = usual.api.books().billed_usd

    assert 2 == usual.batches
    once = Usual()
    once.run(rows(5))
    assert 2 * once.api.books().billed_usd == pytest.approx(bill)

    bench = Bench(faults=[LostReply()], without=[Canary])
    bench.run(5)
    assert 5 == sum(batch.requests for batch in bench.books.batches)
