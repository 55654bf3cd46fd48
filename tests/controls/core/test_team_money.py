"""The money of a team: jobs that begin at the same moment never spend it twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from controls import BatchRunner, Job
from controls.core.book import Book
from controls.core.decision import Decision, Proceed
from controls.core.moment import BeforeSubmit, Moment
from controls.policy import SpendPolicy
from tests.controls.builders import Bench, a_job_type, rows


@dataclass
class Meanwhile:
    """Asked last: while this job is being decided about, others begin."""

    runner: BatchRunner
    others: list[tuple[Job, int]]
    ran: list[str] = field(default_factory=list)

    def decide(self, moment: Moment, /) -> Decision:
        """Proceed, after another job has run from beginning to end."""
        if isinstance(moment, BeforeSubmit) and self.others:
            job, count = self.others.pop()
            self.ran.append(self.runner.run(job, rows(count)).status)
        return Proceed()


def a_team(usd_per_day: str) -> Bench:
    """A bench whose team may spend so much a day; each of its jobs has a large ceiling."""
    spend = SpendPolicy(
        ceiling_usd=Decimal(5), max_tokens_cap=128, team_usd_per_day=Decimal(usd_per_day)
    )
    return Bench(job_type=a_job_type(spend=spend))


def reserved(bench: Bench, job: str) -> Decimal:
    """What a job may spend at most, as its store has it."""
    record = Book(bench.ledger).job(job)
    assert record is not None
    return record.reserved_usd


def test_a_job_that_was_overtaken_is_decided_about_again() -> None:
    """There is money for one, and the other has spent some of it meanwhile."""
    alone = a_team("1")
    alone.run(60)
    bench = a_team(str(reserved(alone, "job_1")))
    meanwhile = Meanwhile(bench.runner, [(bench.a_job("job_2"), 60)])
    bench.extra = [meanwhile]

    outcome = bench.a_runner(bench.stack).run(bench.a_job("job_1"), rows(60))

    assert ["done"] == meanwhile.ran
    assert "halted" == outcome.status
    assert "the team" in outcome.why
    assert 1 == sum(batch.requests > 29 for batch in bench.books.batches)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(30, 70), min_size=1, max_size=4), st.integers(1, 4))
def test_no_order_of_beginnings_oversubscribes_a_team(sizes: list[int], share: int) -> None:
    """Jobs begin inside one another; what is reserved or spent stays within the day's money."""
    alone = a_team("5")
    alone.run(60)
    limit = (reserved(alone, "job_1") * share).quantize(Decimal("0.000001"))
    bench = a_team(str(limit))
    jobs = [(bench.a_job(f"other_{place}"), size) for place, size in enumerate(sizes)]
    bench.extra = [Meanwhile(bench.runner, jobs)]
    bench.a_runner(bench.stack).run(bench.a_job("job_1"), rows(60))

    names = ["job_1", *(f"other_{place}" for place in range(len(sizes)))]
    book = Book(bench.ledger)
    taken = Decimal(0)
    for name in names:
        record = book.job(name)
        if record is not None:
            spent = book.spent_usd(record)
            taken += spent if record.status == "done" else max(spent, record.reserved_usd)
    assert taken <= limit
    assert bench.books.billed_usd <= limit
