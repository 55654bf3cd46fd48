"""The usual ways to send failed rows again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from controls import Canary
from simulator import hours
from simulator.faults import RowsErrored, RowsExpired
from tests.controls.builders import Bench, a_job_type, rows
from tests.seeds.builders import Usual, requests

ROWS = rows(20)
MALFORMED = RowsErrored(share=1.0, error_type="invalid_request_error", message="too long")


def test_a_batch_does_not_give_its_requests_back() -> None:
    """Retry by reading the requests from the batch object: there are none, the retry raises, and
    the failed rows of the team are never answered."""
    usual = Usual(faults=[RowsErrored(share=0.3, times=5)])
    batch: Any = usual.client.messages.batches.retrieve(usual.run(ROWS))

    with pytest.raises(AttributeError, match="'requests'"):
        list(batch.requests)

    bench = Bench(faults=[RowsErrored(share=0.3, times=5)], without=[Canary])
    bench.run(ROWS)
    assert 20 == len(bench.labels)


def failed(usual: Usual, batch: str) -> set[str]:
    """The ids of all rows that did not succeed, for whatever reason."""
    return {line.custom_id for line in usual.results(batch) if line.result.type != "succeeded"}


def test_a_request_that_is_wrong_is_wrong_again() -> None:
    """Everything that failed is sent again, and a bound that no code reads does not bind: the same
    malformed rows go round after round, a day each, and nobody is told."""
    usual = Usual(faults=[MALFORMED])
    kept: Mapping[str, Any] = {one["custom_id"]: one for one in requests(ROWS)}
    again = set(kept)
    for _ in range(5):
        batch = usual.client.messages.batches.create(
            requests=[kept[name] for name in sorted(again)]
        )
        usual.clock.sleep(hours(25))
        again = failed(usual, batch.id)

    assert (5, 20) == (usual.batches, len(again))

    bench = Bench(faults=[MALFORMED], without=[Canary])
    bench.run(ROWS)
    assert 1 == len(bench.books.batches)
    assert {"errored:invalid_request_error": 20} == bench.reasons


def test_rounds_are_bounded_when_the_service_stays_busy() -> None:
    """A service that is overloaded all week takes a batch every day; ours gives up, and says so."""
    busy = RowsErrored(share=1.0)
    usual = Usual(faults=[busy])
    for _ in range(7):
        assert 20 == len(failed(usual, usual.run(ROWS)))

    assert 7 == usual.batches

    bench = Bench(faults=[busy], without=[Canary], job_type=a_job_type(max_rounds=2))
    bench.run(ROWS)
    assert 3 == len(bench.books.batches)
    assert {"errored:overloaded_error": 20} == bench.reasons
    assert "20 rows are in quarantine" in bench.told


def test_the_inner_type_tells_who_is_at_fault() -> None:
    """`error.type` is always `error`: a retry that branches on it never matches, and rows that a
    second try would have answered are given up."""
    usual = Usual(faults=[RowsErrored(share=1.0, times=20)])
    outer, inner = set(), set()
    for line in usual.results(usual.run(ROWS)):
        assert line.result.type == "errored"
        outer.add(line.result.error.type)
        inner.add(line.result.error.error.type)

    assert ({"error"}, {"overloaded_error"}) == (outer, inner)

    bench = Bench(faults=[RowsErrored(share=1.0, times=20)], without=[Canary])
    bench.run(ROWS)
    assert 20 == len(bench.labels)


def test_expired_rows_are_no_errors() -> None:
    """Only `errored` is retried: what ran out of time is lost without a word."""
    usual = Usual(faults=[RowsExpired(share=1.0, times=6)])
    lines = list(usual.results(usual.run(ROWS)))
    retried = [line for line in lines if line.result.type == "errored"]
    answered = [line for line in lines if line.result.type == "succeeded"]

    assert (0, 14) == (len(retried), len(answered))

    bench = Bench(faults=[RowsExpired(share=1.0, times=6)], without=[Canary])
    bench.run(ROWS)
    assert 20 == len(bench.labels)
