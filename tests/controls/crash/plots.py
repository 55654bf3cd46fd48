"""The scenes that are swept: together they have every kind of step."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from controls import Approval
from controls.core.decision import Decision, Halt, Proceed
from controls.core.moment import BeforePromote, Moment
from simulator.faults import RowsErrored, RowsMissing, UnknownRows
from tests.controls.crash.scene import OneMoment, Plot, Worker, run


class Doubtful:
    """Halts before the promotion until a person has looked."""

    def __init__(self) -> None:
        self.content = False

    def decide(self, moment: Moment, /) -> Decision:
        """Halt, once."""
        if isinstance(moment, BeforePromote) and not self.content:
            return Halt("somebody should look")
        return Proceed()


def people_decide(worker: Worker) -> str:
    """One agrees to the costs, one looks and lets the job go on, one takes it all back."""
    ended = run(worker)
    consent = (Approval("A. Person", Decimal(1)), Approval("A. Person", Decimal(0)))
    worker = replace(worker, job=replace(worker.job, approvals=consent))
    if ended == "waiting for approval":
        ended = run(worker)
    for control in worker.controls:
        if isinstance(control, Doubtful) and ended == "halted":
            control.content = True
            ended = worker.runner.resume(worker.job, worker.rows, by="B. Person").status
    if ended == "done":
        worker.runner.rollback(worker.job)
    return ended


PLOTS = (
    Plot(
        "everything goes wrong a little",
        rows=60,
        faults=(
            RowsErrored(0.2, spare_batches=1),
            RowsErrored(0.1, error_type="invalid_request_error", spare_batches=1),
            RowsMissing(0.2, times=1, spare_batches=1),
        ),
        spoiled=(7, 29, 30, 51),
        contradicted=(40,),
        controls=(OneMoment,),
        ramp=(0.5,),
    ),
    Plot("the canary is bad", spoiled=range(14), ends="halted"),
    Plot("rows that nobody sent", faults=(UnknownRows(2, spare_batches=1),), ends="halted"),
    Plot(
        "people decide",
        ceiling="0.00001",
        approvals=(),
        controls=(Doubtful,),
        play=people_decide,
        undone=True,
    ),
)
