"""The runbook: every act works on a job in any state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import pytest

from controls import ControlError, Staging
from controls.audit import verify_trail
from controls.core.decision import AskApproval, Decision, Halt, Proceed
from controls.core.moment import AfterCanary, BeforePromote, Moment, WhileWaiting
from controls.runbook import Runbook
from tests.controls.builders import Bench, a_client, rows

BY = "A. Person"
PRIOR = [{"key": "key-3", "label": "old", "score": 0.1, "visits": 3}]


class Says:
    """A control that says this, once, at this moment."""

    def __init__(self, at: type, decision: Decision) -> None:
        self._at = at
        self._decision = decision
        self.said = False

    def decide(self, moment: Moment, /) -> Decision:
        """The decision, the first time."""
        if self.said or not isinstance(moment, self._at):
            return Proceed()
        self.said = True
        return self._decision


class Killed(BaseException):
    """The worker was killed."""


class Kills:
    """A control that ends the process at this moment."""

    def __init__(self, at: type) -> None:
        self._at = at

    def decide(self, moment: Moment, /) -> Decision:
        """Killed, once."""
        if isinstance(moment, self._at):
            raise Killed
        return Proceed()


def fresh() -> Bench:
    """Nothing was run."""
    return Bench(prior=PRIOR)


def running(at: type) -> Bench:
    """A worker was killed at this moment; the job is still `running`."""
    bench = Bench(prior=PRIOR, extra=[Kills(at)])
    with pytest.raises(Killed):
        bench.run(60)
    return bench


def stopped(at: type, decision: Decision) -> Bench:
    """A control has stopped the job."""
    bench = Bench(prior=PRIOR, extra=[Says(at, decision)])
    assert "done" != bench.run(60).status
    return bench


def done() -> Bench:
    """All is promoted."""
    bench = Bench(prior=PRIOR)
    assert "done" == bench.run(60).status
    return bench


def rolled_back() -> Bench:
    """All was promoted and put back."""
    bench = done()
    bench.runner.rollback(bench.a_job())
    return bench


STATES: dict[str, Callable[[], Bench]] = {
    "running, in flight": lambda: running(WhileWaiting),
    "running, nothing in flight": lambda: running(AfterCanary),
    "halted, in flight": lambda: stopped(WhileWaiting, Halt("enough")),
    "halted, nothing in flight": lambda: stopped(BeforePromote, Halt("enough")),
    "waiting": lambda: stopped(AfterCanary, AskApproval("look at it")),
    "done": done,
    "rolled back": rolled_back,
}
in_any_state = pytest.mark.parametrize("state", STATES)


def go_on(bench: Bench) -> str:
    """Run the job again with the plain stack; the status."""
    plain = Bench.__new__(Bench)
    plain.__dict__ = bench.__dict__ | {"extra": ()}
    return plain.a_runner(plain.stack).run(bench.a_job(), rows(60)).status


@in_any_state
def test_a_halt_stops_what_is_not_done_and_cancels_what_is_in_flight(state: str) -> None:
    """Afterwards nothing is in progress at the service, and the job does not go on."""
    bench = STATES[state]()
    before = bench.labels

    halted = Runbook(bench.ledger).halt(
        "job job_1", by=BY, why="bad answers", client=a_client(bench.api)
    )

    finished = state in {"done", "rolled back"}
    assert halted.jobs == (("job_1",) if state.startswith(("running", "waiting")) else ())
    assert ("in flight" in state and "nothing" not in state) == bool(halted.canceled)
    assert {} == halted.not_canceled
    listed = a_client(bench.api).messages.batches.list()
    assert "in_progress" not in {batch.processing_status for batch in listed}
    creates = bench.creates
    if finished:
        assert "done" == go_on(bench)
    else:
        with pytest.raises(ControlError, match="halted"):
            go_on(bench)
    assert (creates, before) == (bench.creates, bench.labels)
    assert () == verify_trail(bench.store).tampering


@in_any_state
def test_a_halted_job_that_is_resumed_is_done(state: str) -> None:
    """It goes on where it stopped, with the batches that it had."""
    bench = STATES[state]()
    book = Runbook(bench.ledger)
    book.halt("job job_1", by=BY, why="bad answers")

    resumed = book.resume("job job_1", by=BY)

    finished = state in {"done", "rolled back"}
    assert resumed == (() if finished else ("job_1",))
    assert "done" == go_on(bench)
    assert (1 if state == "rolled back" else 60) == len(bench.labels)
    assert () == verify_trail(bench.store).tampering


@in_any_state
def test_any_job_can_be_approved_and_assessed(state: str) -> None:
    """Every row is counted in exactly one state; the approval reaches the runner."""
    bench = STATES[state]()
    book = Runbook(bench.ledger)

    book.approve("job_1", by=BY, up_to_usd=Decimal("12.50"))
    found = book.assess("job_1")

    assert 60 == found.rows == sum(found.states.values()) == len(found.affected)
    assert 60 == len({row.custom_id for row in found.affected})
    expected = {
        "running, in flight": {"in flight": 29, "not sent": 31},
        "running, nothing in flight": {"staged": 29, "not sent": 31},
        "halted, in flight": {"in flight": 29, "not sent": 31},
        "halted, nothing in flight": {"staged": 60},
        "waiting": {"staged": 29, "not sent": 31},
        "done": {"promoted": 60},
        "rolled back": {"rolled back": 60},
    }[state]
    assert expected == found.states
    assert [{"by": BY, "up_to_usd": "12.50"}] == bench.entries("approved")
    assert () == verify_trail(bench.store).tampering


@in_any_state
def test_any_job_can_be_rolled_back(state: str) -> None:
    """What was promoted is put back to the byte; what was not is not touched."""
    bench = STATES[state]()
    sink = Staging(bench.store, bench.record)

    count = Runbook(bench.ledger).rollback("job_1", sink, by=BY, why="bad answers")

    assert (60 if state == "done" else 0) == count
    assert {"key-3": "old"} == bench.labels
    assert () == verify_trail(bench.store).tampering


def test_exactly_the_named_rows_are_put_back() -> None:
    """By custom_id or key; a stranger is refused and nothing is touched."""
    bench = done()
    book, sink = Runbook(bench.ledger), Staging(bench.store, bench.record)

    with pytest.raises(ControlError, match="1 of 2 ids are no rows"):
        book.rollback("job_1", sink, by=BY, why="x", ids=["key-3", "key-99"])
    assert 60 == len(bench.labels)
    ids = ["support-job_1-3", "key-4", "support-job_1-4"]
    assert 2 == book.rollback("job_1", sink, by=BY, why="x", ids=ids)

    assert 59 == len(bench.labels)
    assert "old" == bench.labels["key-3"]
    assert {"promoted": 58, "rolled back": 2} == book.assess("job_1").states


def test_a_halted_team_stops_and_goes_on_with_what_the_halt_has_stopped() -> None:
    """A job that a control has halted stays halted; a single job cannot leave a halted team."""
    bench = running(AfterCanary)
    other = bench.a_job("job_2")
    bench.extra = [Says(BeforePromote, Halt("enough"))]
    assert "halted" == bench.a_runner(bench.stack).run(other, rows(40)).status
    book = Runbook(bench.ledger)

    for scope in ("team support", "all"):
        assert ("job_1",) == book.halt(scope, by=BY, why="look").jobs
        with pytest.raises(ControlError, match=f"{BY} has stopped {scope}: look"):
            book.resume("job job_1", by=BY)
        assert ("job_1",) == book.resume(scope, by=BY)

    assert () == book.halt("team other", by=BY, why="look").jobs
    assert () == verify_trail(bench.store).tampering


def test_a_worker_sees_the_halt_before_its_next_step() -> None:
    """A person halts while the canary is being judged: the rest is never sent."""
    bench = fresh()

    class Person:
        def decide(self, moment: Moment, /) -> Decision:
            if isinstance(moment, AfterCanary):
                Runbook(bench.ledger).halt("job job_1", by=BY, why="stop it")
            return Proceed()

    bench.extra = [Person()]
    outcome = bench.a_runner(bench.stack).run(bench.a_job(), rows(60))

    assert ("halted", 1) == (outcome.status, bench.creates)
    assert "A. Person has stopped job job_1: stop it" == outcome.why


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda book: book.halt("job job_9", by=BY, why="x"), "latest are: job_1"),
        (lambda book: book.halt("everything", by=BY, why="x"), "cannot be stopped"),
        (lambda book: book.halt("team ", by=BY, why="x"), "cannot be stopped"),
        (lambda book: book.halt("all", by="", why="x"), "Nobody"),
        (lambda book: book.halt("all", by=BY, why=" "), "needs a reason"),
        (lambda book: book.resume("team x", by=BY), "Nobody has stopped"),
        (lambda book: book.resume("job job_1", by=""), "Nobody"),
        (lambda book: book.approve("job_9", by=BY), "no job 'job_9'"),
        (lambda book: book.approve("job_1", by=BY, up_to_usd=Decimal("NaN")), "no amount"),
        (lambda book: book.assess("job_9"), "no job 'job_9'"),
    ],
)
def test_what_cannot_be_is_refused(act: Callable[[Runbook], object], says: str) -> None:
    """With the way out."""
    with pytest.raises(ControlError, match=says):
        act(Runbook(done().ledger))


def test_a_batch_that_cannot_be_canceled_is_named() -> None:
    """A service that refuses, or a batch whose id nobody knows."""
    bench = running(WhileWaiting)
    client = a_client(bench.api, lambda request, response: type(response)(500, request=request))

    halted = Runbook(bench.ledger).halt("job job_1", by=BY, why="x", client=client)

    (batch,) = halted.not_canceled
    assert batch.startswith("msgbatch_")
    assert ((), 1) == (halted.canceled, halted.in_flight)
    assert Counter(in_progress=1) == Counter(
        batch.processing_status for batch in a_client(bench.api).messages.batches.list()
    )
