"""The usual ways to wait for a batch, and to watch it."""

from __future__ import annotations

from datetime import timedelta

import anthropic
import pytest

from controls import Canary
from simulator import days, hours, minutes
from simulator.faults import EventualNotFound, Fault, NeverEnds, Overloaded, RowsErrored
from tests.controls.builders import NOW, Bench, rows
from tests.seeds.builders import Usual

EVERY = timedelta(seconds=30)
SELDOM = timedelta(minutes=10)
"""Says the same in days that nothing happens in."""


def wait(usual: Usual, batch: str, at_most: timedelta, every: timedelta = EVERY) -> bool:
    """Ask every 30 seconds until it has ended. The usual loop has no `at_most`: it is the patience
    of this test."""
    end = usual.clock.now() + at_most
    while usual.clock.now() < end:
        if usual.client.messages.batches.retrieve(batch).processing_status == "ended":
            return True
        usual.clock.sleep(every)
    return False


def test_a_loop_without_a_deadline_waits_for_ever() -> None:
    """A batch that never ends keeps the worker, and nobody is told: the report is empty for days
    before a person looks."""
    usual = Usual(faults=[NeverEnds()])

    assert not wait(usual, usual.submit(rows(5)), days(3), SELDOM)

    bench = Bench(faults=[NeverEnds()], without=[Canary])
    outcome = bench.run(5)
    assert "halted" == outcome.status
    assert bench.clock.now() - NOW < hours(30)
    assert len(bench.alerts) > 0


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (EventualNotFound(per_batch=2), anthropic.NotFoundError),
        (Overloaded(share=1.0, times=2), anthropic.APIStatusError),
    ],
    ids=["not found yet", "overloaded"],
)
def test_one_failed_poll_ends_the_loop(fault: Fault, raised: type[Exception]) -> None:
    """A fresh batch may be unknown for seconds, and the service may be busy. The loop dies, the
    batch runs on, is paid for, and nobody reads it."""
    usual = Usual()
    batch = usual.submit(rows(5))
    struck = Usual(faults=[fault])

    with pytest.raises(raised):
        wait(struck, struck.submit(rows(5)), hours(25))
    assert wait(usual, batch, hours(25))

    bench = Bench(faults=[fault], without=[Canary])
    assert "done" == bench.run(5).status
    assert 5 == len(bench.labels)


def test_counts_of_a_running_batch_say_nothing() -> None:
    """Every row counts as processing until the whole batch has ended: a progress bar stands at
    zero, and an alarm on errored rows cannot ring before everything is done and paid for."""
    usual = Usual(faults=[RowsErrored(share=0.9)])
    batch = usual.submit(rows(200))
    seen = []
    while (now := usual.client.messages.batches.retrieve(batch)).processing_status != "ended":
        seen.append((now.request_counts.succeeded, now.request_counts.errored))
        usual.clock.sleep(minutes(1))

    assert {(0, 0)} == set(seen)
    assert now.request_counts.errored > 100

    bench = Bench(faults=[RowsErrored(share=0.9)])
    outcome = bench.run(200)
    assert "halted" == outcome.status
    assert "the canary of 29 rows is bad" in outcome.why
    assert 29 == sum(batch.requests for batch in bench.books.batches)
