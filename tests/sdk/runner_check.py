"""A small job through `BatchRunner`, from rows to promoted rows, with this interpreter's SDK.

    python runner_check.py

One row is refused by the gate, the first create loses its reply, the first poll meets an
overload, and the first download breaks off: what the controls do about it goes through the
client's own objects and exceptions. Prints one line of JSON. It runs where the project is
installed, beside whatever SDK is there.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal

import anthropic
from sqlalchemy import Column, MetaData, Table, Text, insert, select

from controls import (
    Alerts,
    Approval,
    BatchRunner,
    Job,
    JobType,
    Ledger,
    Register,
    Row,
    Staging,
    SystemOfRecord,
    default_stack,
    open_store,
)
from controls.policy import (
    AnswerPolicy,
    CanaryPolicy,
    Prompt,
    RequeuePolicy,
    RowsPolicy,
    SpendPolicy,
)
from simulator import FromCallable, Question, VirtualClock
from simulator.faults import AbortedDownload, LostReply, Overloaded
from simulator.testing import opened
from simulator.wire import Endpoint

ROWS = 40
SEED = 1
"""With it the row that goes wrong is not in the canary slice."""
ECHO = re.compile(r'Copy "([^"]+)" into the field "ref"')
NUMBER = re.compile(r"text (\d+)")


def label_of(number: int) -> str:
    """What is right for this row."""
    return "even" if number % 2 == 0 else "odd"


def answer(question: Question) -> str:
    """A good model, but for the last row, which it labels as nobody asked."""
    found, asked = NUMBER.search(question.user), ECHO.search(question.user)
    assert found is not None
    number = int(found[1])
    label = "prime" if number == ROWS - 1 else label_of(number)
    return json.dumps({"label": label} | ({"ref": asked[1]} if asked else {}))


def a_job_type() -> JobType:
    """The policy of the job."""
    label = {"type": "string", "enum": ["even", "odd"]}
    return JobType(
        name="parity",
        team="support",
        owner="support-oncall",
        policy_version="1",
        approved_by="A. Reviewer",
        rows=RowsPolicy(allowed_fields=("text",)),
        prompt=Prompt(model="claude-haiku-5-5", template="Odd or even? {text}", max_tokens=64),
        answer=AnswerPolicy(
            schema={
                "type": "object",
                "additionalProperties": False,
                "required": ["label"],
                "properties": {"label": label},
            }
        ),
        spend=SpendPolicy(ceiling_usd=Decimal("5.00"), max_tokens_cap=128),
        canary=CanaryPolicy(),
        requeue=RequeuePolicy(max_rounds=2),
    )


def a_record() -> SystemOfRecord:
    """The table that the job fills."""
    engine = open_store("sqlite://")
    columns = (Column("key", Text, primary_key=True), Column("label", Text))
    table = Table("answers", MetaData(), *columns)
    table.create(engine)
    with engine.begin() as connection:
        connection.execute(insert(table), [{"key": "of old", "label": "kept"}])
    return SystemOfRecord(engine, "answers", "key")


def content(record: SystemOfRecord) -> dict[str, str]:
    """What stands in it."""
    with record.engine.connect() as connection:
        return dict(connection.execute(select(record.table.c.key, record.table.c.label)).all())


def main() -> None:
    """The job, its outcome, and what the service saw of it."""
    clock, record, store = VirtualClock(), a_record(), open_store("sqlite://")
    faults = [
        LostReply(on=Endpoint.CREATE),
        Overloaded(on=Endpoint.RETRIEVE, times=1),
        AbortedDownload(),
    ]
    with opened(clock=clock, responder=FromCallable(answer), faults=faults) as batches_api:
        ledger = Ledger(store, clock.now)
        Register(ledger).approve(a_job_type(), by="A. Reviewer")
        runner = BatchRunner(
            batches_api.client(),
            ledger,
            clock,
            default_stack(a_job_type(), Staging(store, record)),
            pager=Alerts(),
            secret=b"of this job",
        )
        rows = [Row(number, f"key-{number}", {"text": f"text {number}"}) for number in range(ROWS)]
        outcome = runner.run(
            Job("job_1", a_job_type(), (Approval("A. Reviewer", Decimal(0)),), SEED), rows
        )
        assert ("done", "") == (outcome.status, outcome.why), outcome
        batches_api.assert_every_fault_fired()
        batches_api.assert_no_row_sent_twice()
        batches_api.assert_every_batch_ended()

    assert (ROWS - 1, 1) == (outcome.promoted, outcome.quarantined), outcome
    right = {f"key-{number}": label_of(number) for number in range(ROWS - 1)}
    assert right | {"of old": "kept"} == content(record), content(record)
    print(json.dumps({"sdk": anthropic.__version__, "promoted": outcome.promoted}))  # noqa: T201 - for the caller


if __name__ == "__main__":
    main()
