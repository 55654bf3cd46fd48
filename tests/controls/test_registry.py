"""The register of job types."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from controls import ControlError, Ledger, open_store
from controls.core.decision import AskApproval, Decision, Halt, Proceed
from controls.core.moment import AfterCanary, Approval, AtOpening, Moment
from controls.policy import JobType
from controls.registry import ApprovedOnly, FirstRun, Register
from tests.controls.builders import NOW, Bench, a_job_type, before_promote, rows, some_grades

CHANGED = a_job_type(template="Grade that: {text}")
SOON = NOW + timedelta(hours=1)


def a_register() -> Register:
    """An empty one, on a clock that stands."""
    return Register(Ledger(open_store("sqlite://"), lambda: NOW))


def opening(register: Register, job_type: JobType, after: timedelta = timedelta(0)) -> AtOpening:
    """A job of this type is about to begin."""
    digest = a_register().note(job_type, by="nobody").digest
    return AtOpening("job_1", job_type, digest, register.reviews(job_type.name), NOW + after)


def test_a_review_names_exactly_what_was_approved() -> None:
    """Who, when, until when, and the digest of the policy as it is; kept in the ledger too."""
    ledger = Ledger(open_store("sqlite://"), lambda: NOW)
    register = Register(ledger)

    one = register.approve(a_job_type(), by="A. Person", expires_at=SOON)
    two = register.approve(CHANGED, by="B. Person")

    assert (one, two) == register.reviews("grading")
    assert () == register.reviews("another")
    assert ("A. Person", NOW, SOON) == (one.by, one.at, one.expires_at)
    assert one.digest != two.digest
    assert [one.digest, two.digest] == [
        entry.body["type_digest"] for entry in ledger.entries(kind="reviewed")
    ]


@pytest.mark.parametrize("by", ["", "  "])
def test_nobody_cannot_approve(by: str) -> None:
    """An approval has a name."""
    with pytest.raises(ControlError, match="Nobody is named"):
        a_register().approve(a_job_type(), by=by)


def test_an_approval_cannot_have_expired_before_it_begins() -> None:
    """Now is too late."""
    with pytest.raises(ControlError, match="before it begins"):
        a_register().approve(a_job_type(), by="A. Person", expires_at=NOW)


def test_a_policy_that_cannot_hold_is_not_approved() -> None:
    """`approve` checks; `note` writes down what people do."""
    broken = a_job_type(ceiling="-1")

    with pytest.raises(ControlError):
        a_register().approve(broken, by="A. Person")

    assert "A. Person" == a_register().note(broken, by="A. Person").by


def test_only_what_was_approved_may_run() -> None:
    """Nobody, the same policy, a changed one, an older one, an approval that has expired."""
    register = a_register()
    nobody = opening(register, a_job_type())
    register.approve(a_job_type(), by="A. Person", expires_at=SOON)
    same, changed = opening(register, a_job_type()), opening(register, CHANGED)
    expired = opening(register, a_job_type(), timedelta(hours=1))
    register.approve(CHANGED, by="B. Person")
    older = opening(register, a_job_type())
    approved = "A. Person approved the job type 'grading'"

    says: list[Decision] = [
        ApprovedOnly().decide(moment) for moment in (nobody, same, changed, expired, older)
    ]

    assert [
        Halt("nobody has approved the job type 'grading' (gameday approve)"),
        Proceed(),
        Halt(f"{approved}, but it was changed since"),
        Halt(f"the approval of the job type 'grading' by A. Person expired on {SOON.isoformat()}"),
        Halt("B. Person approved the job type 'grading', but a later version was approved"),
    ] == says


@pytest.mark.parametrize(
    ("first_run", "released", "asks"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_the_first_run_of_a_version_asks_after_its_canary(
    *, first_run: bool, released: bool, asks: bool
) -> None:
    """Unless a person let it go, or the version ran before."""
    moment = AfterCanary(a_job_type(), some_grades(), first_run=first_run, released=released)

    assert asks is isinstance(FirstRun().decide(moment), AskApproval)


@pytest.mark.parametrize("control", [ApprovedOnly(), FirstRun()])
def test_the_register_has_nothing_to_say_of_other_moments(
    control: ApprovedOnly | FirstRun,
) -> None:
    """It proceeds."""
    moment: Moment = before_promote()

    assert Proceed() == control.decide(moment)


def test_a_job_that_nobody_approved_sends_nothing() -> None:
    """Through the runner: no call at all; once approved, a person resumes it and it runs."""
    bench = Bench(approved=False, without=[FirstRun])

    outcome = bench.run(60)
    calls = len(bench.books.calls)
    Register(bench.ledger).approve(bench.job_type, by="A. Person")
    resumed = bench.runner.resume(bench.a_job(), rows(60), by="A. Person")

    assert "halted" == outcome.status
    assert 0 == calls
    assert ("done", 60) == (resumed.status, resumed.promoted)


def test_a_first_run_waits_with_its_canary_until_it_is_let_go() -> None:
    """29 rows are sent and no more; after a word the rest goes. The next job does not ask."""
    bench = Bench(approved=False, without=[ApprovedOnly])

    asked = bench.run(60)
    sent = [batch.requests for batch in bench.books.batches]
    done = bench.run(60, approvals=(Approval("A. Person", Decimal(0)),))
    again = bench.runner.run(replace(bench.a_job(), id="job_2"), rows(60))

    assert "waiting for approval" == asked.status
    assert [29] == sent
    assert ["done", "done"] == [done.status, again.status]
    assert 60 == done.promoted
