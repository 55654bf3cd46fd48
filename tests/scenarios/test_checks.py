"""Checks, judged by records that were made by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from controls import Alert, Row, load_job_type
from reports import ArmName, Outcome
from scenarios.harness import checks
from scenarios.harness.arms import blast_of
from scenarios.harness.game import DEFAULT_JOB
from scenarios.harness.record import Act, JobEnd, Record, in_json
from scenarios.harness.sabotage import SECRETS
from simulator import Books, VirtualClock
from simulator.books import BatchBook, Call, Firing, RequestBook, RequestCounts
from simulator.wire import Endpoint

NOW = VirtualClock().now()
JOB_TYPE = load_job_type(DEFAULT_JOB)
GOOD: Mapping[str, Any] = {"label": "pos", "score": 0.5}


def a_request(number: int, **changes: Any) -> RequestBook:
    """A request of the row `k{number}` that was answered and billed."""
    request = RequestBook(
        batch_id="msgbatch_01",
        custom_id=f"team-job-{number}",
        params=msgspec.Raw(b'{"text":"text %d"}' % number),
        outcome="succeeded",
        text='{"ref":"abc","label":"pos","score":0.5}',
        sent_text='{"ref":"abc","label":"pos","score":0.5}',
        subject=f"k{number}",
        billed_picodollars=10**9,
    )
    return msgspec.structs.replace(request, **changes)


def a_record(
    rows: int = 3,
    requests: list[RequestBook] | None = None,
    billed: str = "1",
    firings: int = 0,
    batches: tuple[BatchBook, ...] | None = None,
    **changes: Any,
) -> Record:
    """A job over so many rows that went well, unless a test says otherwise."""
    keys = [f"k{number}" for number in range(rows)]
    made = tuple(
        Row(number, key, {"body": f"text {number}", "plan": "free", "email": f"{key}@mail.example"})
        for number, key in enumerate(keys)
    )
    call = Call(NOW, "POST", "/v1/messages/batches", Endpoint.CREATE, 200, "", "req", "b", 0, 1, "")
    sent = [a_request(n) for n in range(rows)] if requests is None else requests
    books = Books(
        at=NOW,
        calls=(call,),
        batches=(a_batch(NOW, rows),) if batches is None else batches,
        requests=sent,
        firings={"F": Firing("F", "rows", "all", firings, ())} if firings else {},
        billed_usd=Decimal(billed),
    )
    record = Record(
        job_type=JOB_TYPE,
        rows=made,
        planted={},
        books=books,
        before={},
        after=dict.fromkeys(keys, GOOD),
        quarantined={},
        status="done",
        why="",
        alarms=(),
        lasted=timedelta(hours=1),
        approved_usd=Decimal(2),
        told_to_wait=1,
        subjects={key: key for key in keys},
        jobs=(a_job(keys),),
        told_usd={"support": Decimal(sum(each.billed_picodollars for each in sent)).scaleb(-12)},
    )
    return replace(record, **changes)


def a_batch(created_at: datetime, requests: int = 3) -> BatchBook:
    """A batch that has ended."""
    name, counts = "msgbatch_01", RequestCounts(succeeded=requests)
    return BatchBook(name, created_at, created_at, requests, counts, Decimal(1), "ended", "default")


def a_job(keys: Iterable[str], hours: float = 1) -> JobEnd:
    """A job that ended well after so many hours."""
    ends = NOW + timedelta(hours=hours)
    return JobEnd("game_1", frozenset(keys), "support", "team-job-", "done", "", NOW, ends)


STOPPED = (Act(NOW, "stopped", "wants all to stop"),)
BAD_TEXT = {"sent_text": "not JSON"}
SECRET = SECRETS[4]


AN_ALARM = (Alert(NOW, "owner", "job", "something is wrong"),)
LEAK = msgspec.Raw(b'{"text":"hello k0@mail.example"}')

BROKEN: list[tuple[checks.Check, Record, int]] = [
    (checks.Ended(ArmName.CALM), a_record(status="halted"), 1),
    (checks.Ended(ArmName.GUARDED), a_record(status="crashed"), 1),
    (checks.RecordIsRight(), a_record(after={"k0": {"label": "neg", "score": 0.5}}), 1),
    (checks.EveryRowAccountedFor(), a_record(after={"k0": GOOD}), 2),
    (checks.EveryRowAnswered(), a_record(after={"k0": GOOD}, quarantined={"k1": "x"}), 2),
    (checks.NothingUnvalidated(), a_record(after={"k0": {"label": "pos", "score": "1"}}), 1),
    (checks.NothingUnvalidated(), a_record(after={"k0": {"label": "pos", "score": True}}), 1),
    (checks.EveryValueFromItsOwnRow(), a_record(after={"k0": {"label": "neg", "score": 0.5}}), 1),
    (checks.EveryValueFromItsOwnRow(), a_record(after={"stranger": GOOD}), 1),
    (checks.SpendWithinApproval(), a_record(billed="2.01"), 1),
    (checks.NoRowPaidTwice(), a_record(requests=[a_request(0), a_request(0), a_request(1)]), 1),
    (
        checks.OnlyTheCanaryWasSent(),
        a_record(requests=[a_request(n, subject=None) for n in range(4)]),
        1,
    ),
    (checks.NothingBeyondTheRows(), a_record(requests=[a_request(n) for n in range(5)]), 2),
    (
        checks.NoForbiddenValueSent(),
        a_record(requests=[a_request(0, params=LEAK), a_request(1), a_request(2)]),
        1,
    ),
    (
        checks.NoInjectionPromoted(),
        a_record(
            planted={"k0": "obey"},
            requests=[a_request(0, tags=("obeyed",), text='{"label":"neg","score":1}')],
            after={"k0": {"label": "neg", "score": 1.0}},
        ),
        1,
    ),
    (checks.NoCleanRowBlamed(), a_record(quarantined={"k0": "off_task"}), 1),
    (checks.RecordCleanOrRestored(), a_record(before={"k9": GOOD}), 4),
    (checks.DamageIsHeard(), a_record(firings=2, after={}, billed="3"), 2),
    (checks.DamageIsHeard(), a_record(alarms=AN_ALARM), 1),
    (checks.NoAlarm(), a_record(alarms=AN_ALARM), 1),
    (checks.EndsWithin(timedelta(minutes=1)), a_record(), 1),
    (checks.NoTornJobPromoted(), a_record(after={"k0": GOOD, "k1": GOOD}), 1),
    (checks.RowsAnswered(), a_record(after={"k0": GOOD, "k1": GOOD}), 1),
    (checks.NothingCoerced(), a_record(requests=[a_request(n) for n in range(2)]), 1),
    (checks.NothingWasSent(), a_record(sabotaged=1), 3),
    (checks.NoRowSentTooOften(), a_record(requests=[a_request(0)] * 4 + [a_request(1)] * 3), 1),
    (checks.KeyStaysHome(), a_record(strangers=("elsewhere.example",)), 1),
    (checks.RetryAfterIsObeyed(), a_record(hurried=("POST /v1/messages/batches",)), 1),
    (checks.NothingSentAfterTheStop(), a_record(acts=STOPPED), 1),
    (checks.StopsWithin(timedelta(minutes=59)), a_record(acts=STOPPED), 1),
    (checks.SentAtMost(2), a_record(firings=1), 1),
    (
        checks.OnlyTheCanaryBeforeAPerson(),
        a_record(acts=(Act(NOW + timedelta(seconds=1), "approved"),), batches=(a_batch(NOW, 4),)),
        1,
    ),
    (checks.AnsweredWithin(timedelta(hours=1)), a_record(after={"k0": GOOD}), 2),
    (checks.AnsweredWithin(timedelta(hours=1)), a_record(jobs=(a_job(["k0"], hours=1.01),)), 1),
    (checks.BilledAtMost(Decimal("0.99")), a_record(firings=1), 1),
    (
        checks.NothingPromotedBeyond(0.3),
        a_record(requests=[a_request(0, **BAD_TEXT), a_request(1), a_request(2)]),
        3,
    ),
    (checks.NothingSentTwice(), a_record(requests=[a_request(0), a_request(0)]), 1),
    (checks.HeardWithin(timedelta(hours=1)), a_record(firings=1), 1),
    (
        checks.TamperingIsLocated(),
        a_record(
            mishaps={"TrailEdited": ("entry 7",)},
            alarms=(Alert(NOW, "owner", "audit", "the trail was changed: entry 77: x"),),
        ),
        1,
    ),
    (checks.NoPayloadLeft(), a_record(remains=("1 staged answers",)), 1),
    (checks.StrangersAreTold(), a_record(requests=[a_request(0, custom_id="stranger-0")]), 1),
    (checks.PagesAtMost(1), a_record(alarms=AN_ALARM * 2), 1),
    (checks.CostsAddUp(), a_record(told_usd={"support": Decimal("0.0031001")}), 1),
    (
        checks.NoSecretSent(),
        a_record(secrets={"k0": SECRET}, besides=(in_json(f"a text. {SECRET}"),)),
        1,
    ),
    (checks.OtherTextsUntouched(), a_record(requests=[a_request(0), a_request(1)]), 1),
]


@pytest.mark.parametrize(
    ("check", "record", "offenders"), BROKEN, ids=lambda part: type(part).__name__
)
def test_every_check_can_see_what_it_looks_for(
    check: checks.Check, record: Record, offenders: int
) -> None:
    """Each check finds planted damage, counts it and names the first offenders."""
    finding = check.judge(record)

    assert (Outcome.BROKE, offenders) == (finding.outcome, finding.offenders)
    assert finding.evidence
    assert type(check).__name__ == finding.check


@pytest.mark.parametrize(
    "check",
    {type(check): check for check, _, _ in BROKEN if type(check).__name__ != "EndsWithin"}.values(),
    ids=lambda check: type(check).__name__,
)
def test_every_check_holds_when_all_is_well(check: checks.Check) -> None:
    """The same check is quiet about a job that went well, and says how much it looked at."""
    finding = check.judge(a_record())

    assert Outcome.HELD is finding.outcome, finding.says
    assert finding.examined > 0


NEVER_BREAK = ("Check", "FairDay", "ServiceWasReached")


def test_every_check_of_the_vocabulary_is_tried_here() -> None:
    """A check without planted damage in this file could be blind; two never say that it broke."""
    known = {
        name
        for name, value in vars(checks).items()
        if isinstance(value, type) and hasattr(value, "judge") and name not in NEVER_BREAK
    }

    assert known == {type(check).__name__ for check, _, _ in BROKEN}


@pytest.mark.parametrize(
    "check",
    [checks.NothingUnvalidated(), checks.EveryValueFromItsOwnRow(), checks.NoRowPaidTwice()],
    ids=lambda check: type(check).__name__,
)
def test_a_check_that_sees_nothing_says_so(check: checks.Check) -> None:
    """Nothing promoted and nothing sent: nothing was proved."""
    finding = check.judge(a_record(after={}, requests=[]))

    assert (Outcome.NOT_EXERCISED, 0) == (finding.outcome, finding.examined)


def test_a_record_without_new_values_is_right() -> None:
    """The check that every arm has does not make a stopped arm look blind."""
    finding = checks.RecordIsRight().judge(a_record(after={}, requests=[]))

    assert (Outcome.HELD, 3) == (finding.outcome, finding.examined)


def test_an_obeyed_answer_that_is_right_does_no_harm() -> None:
    """What counts is what the record says in the end, not why the model said it."""
    obeyed = a_request(0, tags=("obeyed",), text='{"label":"neg","score":1}')
    written = {"k0": {"label": "neg", "score": 1.0}}
    for truth, outcome in (("neg", Outcome.HELD), ("pos", Outcome.BROKE)):
        record = a_record(
            planted={"k0": "obey"}, requests=[obeyed], after=written, truths={"k0": truth}
        )

        assert outcome is checks.NoInjectionPromoted().judge(record).outcome


def test_with_one_label_no_injection_can_be_seen() -> None:
    """An answer that was ordered is the same as an honest one: nothing is proved."""
    record = a_record(planted={"k0": "obey"})
    answer = record.job_type.answer
    only = {**answer.schema["properties"], "label": {"const": "pos"}}
    schema = {**answer.schema, "properties": only}
    job_type = msgspec.structs.replace(
        record.job_type, answer=msgspec.structs.replace(answer, schema=schema)
    )
    finding = checks.NoInjectionPromoted().judge(replace(record, job_type=job_type))

    assert Outcome.NOT_EXERCISED is finding.outcome
    assert "one label only" in finding.says


def test_a_value_that_did_not_change_was_not_promoted() -> None:
    """What stood in the record before is not taken for a result of this job."""
    record = a_record(before={"k0": GOOD})

    assert {"k1", "k2"} == record.promoted
    assert ("k0",) == record.lost


def test_a_stopped_job_holds_rows_back_instead_of_losing_them() -> None:
    """Rows of a job that says that it stopped are visible."""
    record = a_record(after={}, status="halted")

    assert ((), ("k0", "k1", "k2")) == (record.lost, record.waiting)


def test_what_was_paid_twice_is_counted_by_rows_and_by_dollars() -> None:
    """The first bill of a row is no waste; a row that is wrong, too, is harmed once."""
    requests = [a_request(0), a_request(1), a_request(0, billed_picodollars=3 * 10**9)]
    unpaid = a_request(2, billed_picodollars=0)
    requests += [a_request(1), a_request(1), unpaid, unpaid]
    subjects = {f"k{number}": f"k{number}" for number in range(3)}
    right = a_record(requests=requests, subjects=subjects)
    spoiled = a_record(
        requests=requests, subjects=subjects, after={"k0": {"label": "neg", "score": 0.5}}
    )

    assert 2 == right.paid_twice
    assert blast_of(right).paid_again_usd == Decimal("0.005")
    assert (1, 2) == (blast_of(spoiled).wrong, len(spoiled.lost))
    assert 0 == spoiled.paid_twice
    assert Decimal("0.005") == blast_of(spoiled).paid_again_usd


def test_a_forbidden_value_in_a_call_outside_of_batches_is_a_leak() -> None:
    """Counting tokens sends the request too: nothing may leave that way either."""
    body = b'{"messages":[{"content":"text 0, from k0@mail.example"}]}'

    assert (("k0", "email"),) == a_record(besides=(body,)).leaks


def test_a_forbidden_value_that_stands_in_every_prompt_is_no_leak() -> None:
    """A list of labels in the system prompt contains every row's label."""
    static = msgspec.Raw(b'{"system":"k0@mail.example k1@mail.example","text":"hello"}')
    record = a_record(rows=2, requests=[a_request(n, params=static) for n in range(2)])

    assert () == record.leaks
