"""What is in flight: batches that were perhaps sent, until they have ended."""

from __future__ import annotations

from datetime import timedelta

from controls.core.book import Book
from controls.core.decision import Decision, Halt, Proceed
from controls.core.moment import InFlight, Moment, WhileWaiting
from simulator import hours
from simulator.faults import Stall
from tests.controls.builders import Bench


class StopsAtOnce:
    """Halts a job as soon as it waits for a batch."""

    def decide(self, moment: Moment, /) -> Decision:
        """Only while waiting."""
        return Halt("enough") if isinstance(moment, WhileWaiting) else Proceed()


def test_a_batch_that_nobody_looks_at_is_in_flight_for_a_day() -> None:
    """Its job was stopped, so nobody sees it end; the API ends it after 24 hours, and what it held
    of the room and the attention of other jobs is free again."""
    bench = Bench(faults=[Stall(after_share=0.0, lasting=hours(30))], extra=[StopsAtOnce()])
    book = Book(bench.ledger)
    began = bench.clock.now()

    assert "halted" == bench.run(60).status
    (batch,) = bench.books.batches
    flying = (InFlight(bench.job_type.team, "job_1", batch.requests, began),)
    assert flying == book.in_flight()
    bench.clock.sleep(timedelta(hours=24, minutes=59))
    assert flying == book.in_flight()
    bench.clock.sleep(timedelta(minutes=1))
    assert () == book.in_flight()
