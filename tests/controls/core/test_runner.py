"""Whole jobs: the real runner, the official client, the simulated service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx2
import msgspec
import pytest
from sqlalchemy import select

from controls import (
    Canary,
    ControlError,
    CostCeiling,
    FieldAllowlist,
    IdempotentSubmit,
    LedgerEntry,
    Reconciliation,
    Requeue,
    Row,
)
from controls.canary import rows_to_decide
from controls.chunking import Chunking
from controls.core.alerts import Alert
from controls.core.answer import Accepted, Answer, Verdict
from controls.core.columns import read_sent, read_staged
from controls.core.decision import Decision, Halt, Proceed, Split
from controls.core.moment import (
    AfterCanary,
    AfterCollect,
    AfterDownload,
    BeforePromote,
    BeforeSubmit,
    CreateFailed,
    Moment,
)
from controls.core.store import ANSWERED, SENT, STAGING
from controls.ids import Namespace, RowBinding
from controls.policy import CanaryPolicy
from simulator import Endpoint, Question, Said, hours
from simulator.faults import (
    BrokenLines,
    EmptyPageWithMore,
    Fault,
    LostReply,
    Overloaded,
    RowsDuplicated,
    RowsErrored,
    RowsExpired,
    RowsMissing,
    Stall,
    UnknownRows,
)
from tests.controls.builders import (
    SCHEMA,
    Bench,
    a_job_type,
    a_row,
    an_answer,
    approvals,
    bend_results,
    content,
    rows,
)
from tests.simulator.builders import a_batch

MICRODOLLAR = Decimal("0.000001")
"""The ledger writes amounts to six places."""
AFTER_THE_CANARY = 1
"""How many batches a fault spares so that it strikes the rest of the job."""


def accounted_for(bench: Bench) -> Counter[str]:
    """How often each row key is promoted or quarantined."""
    promoted = list(bench.labels)
    return Counter(promoted) + Counter(item["row_key"] for item in bench.kept if item["row_key"])


def everything_once(count: int) -> Counter[str]:
    """Every row, once."""
    return Counter(row.key for row in rows(count))


# --- good days


def test_a_good_day_promotes_every_row_and_alarms_nobody() -> None:
    """60 rows: a canary of 29, the other 31, all in the record, no alert, nothing twice."""
    bench = Bench()

    outcome = bench.run(60)

    assert ("done", "", 60, 0, ()) == (
        outcome.status,
        outcome.why,
        outcome.promoted,
        outcome.quarantined,
        outcome.waiting,
    )
    assert [29, 31] == [batch.requests for batch in bench.books.batches]
    assert everything_once(60) == accounted_for(bench)
    assert [] == bench.alerts


def test_a_job_no_larger_than_its_canary_is_one_batch() -> None:
    """29 rows all go first; there is no second batch and the job is done."""
    bench = Bench()

    outcome = bench.run(29)

    assert ("done", 29) == (outcome.status, outcome.promoted)
    assert 1 == bench.creates


def test_without_a_canary_everything_goes_at_once() -> None:
    """A stack without Canary sends one batch."""
    bench = Bench(without=[Canary])

    assert 40 == bench.run(40).promoted
    assert 1 == bench.creates


def test_a_large_job_goes_in_several_batches() -> None:
    """More rows than one batch takes are split, and every row is answered once."""
    count = Chunking().max_requests + 1
    bench = Bench(without=[Canary, CostCeiling, FieldAllowlist])

    outcome = bench.run(count)

    assert count == outcome.promoted
    assert [Chunking().max_requests, 1] == [batch.requests for batch in bench.books.batches]


def test_promoted_values_stand_at_the_key_of_their_own_row() -> None:
    """Results come in any order; each value is the one of its row."""
    texts = {f"key-{number}": "pos" if number % 3 else "neg" for number in range(60)}

    def grade_by_text(question: Question) -> str:
        number = int(question.user.split("text ")[1].split("\n")[0])
        return an_answer(question, texts[f"key-{number}"])

    bench = Bench(says=grade_by_text)
    bench.run(60)

    assert texts == bench.labels


def test_the_same_seed_sends_the_same_bytes() -> None:
    """Two runs of one job are the same to the service, to the digest of every body."""
    one, two = Bench(), Bench()
    one.run(60, seed=4)
    two.run(60, seed=4)

    assert [call.body_digest for call in one.books.calls] == [
        call.body_digest for call in two.books.calls
    ]


def test_the_ledger_knows_every_custom_id_before_the_service_does() -> None:
    """When a batch is created, every one of its custom_ids stands in the ledger already."""
    known: list[set[str]] = []
    sent: list[set[str]] = []

    def watch(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.method == "POST" and request.url.path.endswith("/batches"):
            with bench.store.connect() as connection:
                batches = connection.scalars(select(SENT.c.lines)).all()
            written = [ordinal for lines in batches for ordinal in read_sent(lines).ordinals]
            known.append(set(map(Namespace("support", "job_1").custom_id, written)))
            body = msgspec.json.decode(request.content)
            sent.append({item["custom_id"] for item in body["requests"]})
        return response

    bench = Bench(bend=watch, faults=[RowsExpired(0.1, spare_batches=AFTER_THE_CANARY)])
    bench.run(60)

    assert len(sent) > 2
    assert all(batch <= ledger for batch, ledger in zip(sent, known, strict=True))


def test_the_ledger_tells_the_whole_story_in_order() -> None:
    """Opened, cleared, planned, intended before created, collected, graded, promoted."""
    bench = Bench()
    bench.run(60)

    kinds = [entry.kind for entry in bench.ledger.entries("job_1")]

    assert [
        "opened",
        "decided",
        "cleared",
        "planned",
        "intended",
        "created",
        "collected",
        "graded",
        "decided",
        "passed",
        "planned",
        "intended",
        "created",
        "collected",
        "promotion intended",
        "promoted",
    ] == kinds


def test_the_books_of_the_ledger_agree_with_what_the_service_billed() -> None:
    """What the job says it cost is what the account was charged."""
    bench = Bench()
    bench.run(60)

    spent = Decimal(bench.entries("promoted")[0]["spent_usd"])

    assert abs(bench.books.billed_usd - spent) < MICRODOLLAR


def test_many_short_prompts_are_not_priced_as_one_long_one() -> None:
    """Prompts above 100,000 tokens cost five times as much; 60 short ones together do not."""
    long_text = "word " * 4_000
    bench = Bench(job_type=a_job_type(ceiling="50"))
    bench.run(rows(60, text=long_text))

    tokens = sum(entry["input_tokens"] for entry in bench.entries("collected"))

    assert tokens > 100_000
    spent = Decimal(bench.entries("promoted")[0]["spent_usd"])
    assert abs(bench.books.billed_usd - spent) < MICRODOLLAR


def test_one_long_prompt_among_short_ones_has_its_own_price() -> None:
    """Only the row above 100,000 tokens costs five times as much."""
    bench = Bench(job_type=a_job_type(ceiling="50"), without=[Canary])
    bench.run([*rows(9), a_row(9, text="word " * 120_000)])

    spent = Decimal(bench.entries("promoted")[0]["spent_usd"])

    assert bench.books.billed_usd > Decimal("0.025")
    assert abs(bench.books.billed_usd - spent) < MICRODOLLAR


def test_the_ledger_has_one_line_per_answer() -> None:
    """Each row has the line of its one answer, with tokens."""
    bench = Bench()
    bench.run(60)

    with bench.store.connect() as connection:
        parts = connection.scalars(select(ANSWERED.c.lines)).all()
    lines = sorted(
        line for part in parts for line in zip(*msgspec.msgpack.decode(part), strict=True)
    )

    assert list(range(60)) == [ordinal for ordinal, *_ in lines]
    assert {"accepted"} == {outcome for _, outcome, *_ in lines}
    assert all(read > 0 and said > 0 for _, _, read, said, *_ in lines)


def test_listeners_see_every_entry() -> None:
    """What is appended is also told, e.g. to a progress bar."""
    heard: list[LedgerEntry] = []
    bench = Bench(listen=heard.append)
    bench.run(30)

    assert [entry.kind for entry in bench.ledger.entries()] == [entry.kind for entry in heard]


# --- what is refused before anything is sent


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ((), "has no rows"),
        ((a_row(1),), "has the ordinal 1"),
        ((a_row(0), a_row(1, key="key-0")), "have the key 'key-0'"),
        ((Row(0, "a", {"body": "x"}),), "no column 'text'"),
    ],
)
def test_rows_that_cannot_be_told_apart_are_refused(given: Sequence[Row], complaint: str) -> None:
    """No rows, wrong ordinals, a key given twice, a missing column: nothing is sent."""
    bench = Bench()

    with pytest.raises(ControlError, match=complaint):
        bench.run(given)

    assert 0 == len(bench.books.calls)


def test_a_model_without_a_price_is_refused() -> None:
    """A cost that cannot be known is not started."""
    bench = Bench(job_type=a_job_type(model="claude-nobody-1"))

    with pytest.raises(ControlError, match="no price for 'claude-nobody-1'"):
        bench.run()

    assert 0 == bench.creates


def test_a_job_that_is_done_says_so_again() -> None:
    """Starting it once more sends nothing, promotes nothing and tells the same outcome."""
    bench = Bench()
    first = bench.run(60)
    calls, entries = len(bench.books.calls), len(bench.ledger.entries())

    assert first == bench.run(60)
    assert (calls, entries) == (len(bench.books.calls), len(bench.ledger.entries()))


@pytest.mark.parametrize(
    ("changes", "given", "complaint"),
    [
        ({"seed": 1}, rows(60), "begun with another seed"),
        ({}, rows(59), "begun with other rows"),
        ({}, rows(60, text="another"), "begun with other rows"),
        ({"type": a_job_type(max_tokens=65)}, rows(60), "begun with another job type"),
    ],
)
def test_a_job_goes_on_only_with_what_it_was_begun_with(
    changes: dict[str, Any], given: Sequence[Row], complaint: str
) -> None:
    """Another seed, other rows or another policy under the same id are refused, not sent."""
    bench = Bench()
    bench.run(60)

    with pytest.raises(ControlError, match=complaint):
        bench.runner.run(replace(bench.a_job(), **changes), given)

    assert 2 == bench.creates


def test_a_halted_job_goes_on_only_when_a_person_resumes_it() -> None:
    """Running it again is refused with the reason; resumed, it ends, and the ledger has a name."""
    gone: list[int] = []

    class Doubts:
        def decide(self, moment: Moment, /) -> Decision:
            if gone or not isinstance(moment, BeforePromote):
                return Proceed()
            return Halt("somebody should look")

    bench = Bench(extra=[Doubts()])
    bench.run(60)
    with pytest.raises(ControlError, match="was halted: somebody should look"):
        bench.run(60)
    gone.append(1)

    outcome = bench.runner.resume(bench.a_job(), rows(60), by="A. Person")

    assert ("done", 60) == (outcome.status, outcome.promoted)
    assert [{"by": "A. Person"}] == bench.entries("resumed")
    assert 2 == bench.creates


def test_a_leaking_template_sends_nothing() -> None:
    """A template with a column that is not allowed halts before any call that carries rows."""
    bench = Bench(job_type=a_job_type(template="Grade {text} of {email}"))

    outcome = bench.run(rows(60, email="ada@example.org"))

    assert "halted" == outcome.status
    assert "'email' in 60 of 60 requests, first row key-0" in outcome.why
    assert [] == list(bench.books.calls)


# --- money


def test_a_job_above_its_ceiling_is_refused_with_both_amounts() -> None:
    """Nothing is created, the rows wait, and the owner hears why."""
    bench = Bench(job_type=a_job_type(ceiling="0.0001"))

    outcome = bench.run(60)

    assert "halted" == outcome.status
    assert "the worst case of 60 rows is $0.00" in outcome.why
    assert 60 == len(outcome.waiting)
    assert 0 == bench.creates
    assert outcome.why in bench.told


def test_a_job_that_may_be_approved_waits_and_then_runs() -> None:
    """The first start asks for a person; a second start with the consent runs the job."""
    bench = Bench(job_type=a_job_type(ceiling="0.0001", approvable="1"))

    asked = bench.run(60)
    done = bench.run(60, approvals=approvals("0.50"))

    assert "waiting for approval" == asked.status
    assert ("done", 60) == (done.status, done.promoted)
    assert [{"by": "A. Person", "up_to_usd": "0.50"}] == bench.entries("approved")


def test_a_consent_is_written_down_once() -> None:
    """However often the job is started with it."""
    bench = Bench(job_type=a_job_type(ceiling="0.0001", approvable="1"))
    for _ in range(3):
        bench.run(60, approvals=approvals("0.50", "0.00001"))

    assert [
        {"by": "B. Reader", "up_to_usd": "0"},
        {"by": "A. Person", "up_to_usd": "0.50"},
        {"by": "A. Person", "up_to_usd": "0.00001"},
    ] == bench.entries("opened")[0]["approvals"]
    assert [] == bench.entries("approved")


def test_what_was_approved_counts_after_the_canary_too() -> None:
    """A projection above the ceiling but within the consent does not stop the job."""
    bench = Bench(job_type=a_job_type(ceiling="0.0001", approvable="1"))

    outcome = bench.run(60, approvals=approvals("1"))

    assert bench.books.billed_usd > Decimal("0.0001")
    assert "done" == outcome.status


@pytest.mark.parametrize(
    ("max_tokens", "complaint"),
    [(None, "set no max_tokens; the cap is 128"), (4_096, "max_tokens is 4,096; the cap is 128")],
)
def test_uncapped_output_sends_nothing(max_tokens: int | None, complaint: str) -> None:
    """Without a max_tokens, or with one above the cap, nothing is created."""
    bench = Bench(job_type=a_job_type(max_tokens=max_tokens))

    outcome = bench.run()

    assert complaint in outcome.why
    assert 0 == bench.creates


def test_a_service_that_does_not_count_tokens_halts_the_job() -> None:
    """Without a count there is no estimate, and without an estimate no batch."""
    bench = Bench(faults=[Overloaded(on=Endpoint.COUNT_TOKENS)])

    outcome = bench.run()

    assert "CostCeiling could not decide" in outcome.why
    assert 0 == bench.creates


@pytest.mark.parametrize("reply", [b"{}", b"[]", b'{"input_tokens":"7"}', b'{"input_tokens":-1}'])
def test_a_count_that_is_none_halts_the_job(reply: bytes) -> None:
    """A gateway that answers something else does not count tokens."""

    def bend(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if not request.url.path.endswith("/count_tokens"):
            return response
        headers = {"content-type": "application/json"}
        return httpx2.Response(200, content=reply, headers=headers, request=request)

    bench = Bench(bend=bend)

    assert "the cost cannot be known: The service does not count tokens." == bench.run().why
    assert 0 == bench.creates


def test_two_ceilings_share_one_estimate() -> None:
    """The service is asked to count once per round, however many controls want to know."""
    one, two = Bench(), Bench(extra=[CostCeiling(Decimal(100), 128)])
    one.run()
    two.run()

    assert len(one.books.calls) == len(two.books.calls)


def test_a_resubmission_counts_what_was_spent_before() -> None:
    """Rows that expired go again only if what was spent and their worst case fit the ceiling."""
    probe = Bench()
    probe.run(60)
    worst = Decimal(probe.entries("cleared")[0]["usd"]) + MICRODOLLAR
    tight = a_job_type(
        ceiling=str(worst), canary=CanaryPolicy(share=0.5), max_tokens=64, max_rounds=2
    )
    bench = Bench(job_type=tight, faults=[RowsExpired(1.0, times=31, spare_batches=1)])

    outcome = bench.run(60)

    reserved = [Decimal(entry["usd"]) for entry in bench.entries("cleared")]
    assert "done" == outcome.status
    assert all(amount <= worst for amount in reserved)
    assert bench.books.billed_usd <= worst


# --- creating


def test_a_lost_reply_is_adopted_and_paid_once() -> None:
    """The create call landed, its reply did not: the orphan is found and used."""
    bench = Bench(faults=[LostReply()])

    outcome = bench.run(60)

    assert "done" == outcome.status
    assert [29, 31] == [batch.requests for batch in bench.books.batches]
    assert "was created after the intention with the same 29 requests" in bench.told
    assert everything_once(60) == accounted_for(bench)


def test_the_batch_of_another_job_is_never_adopted() -> None:
    """Two jobs of one store in one second, equally large: each replies lost, each gets its own."""
    bench = Bench(faults=[LostReply(times=2)], without=[Canary])
    for name in ("job_0", "job_1"):
        outcome = bench.runner.run(bench.a_job(name), rows(20))
        assert ("done", 20) == (outcome.status, outcome.promoted)

    assert 2 == len(bench.books.batches)
    assert {batch.id for batch in bench.books.batches} == bench.runner._desk.book.batch_ids()


def test_of_two_batches_that_nobody_knows_the_results_tell_which_is_ours() -> None:
    """A stranger's batch of the same size and time is left alone; ours is adopted, paid once."""
    bench = Bench(faults=[LostReply(spare_batches=1)], without=[Canary])
    theirs = a_batch(bench.api, 20)

    outcome = bench.run(20)

    assert ("done", 20) == (outcome.status, outcome.promoted)
    assert "are those of this batch" in bench.told
    assert [theirs] == unknown_batches(bench)
    assert 2 == bench.creates


def test_two_batches_of_one_job_that_nobody_knows_are_not_mixed_up() -> None:
    """Two workers died, each after a create of twenty rows: each batch finds its own orphan."""
    bench = Bench(without=[Canary])
    runner = bench.a_runner(replace(bench.stack, chunking=Chunking(max_requests=20)))
    book, submitter = runner._desk.book, runner._submitter
    work = runner._open(bench.a_job(), rows(40))
    book.plan(work.record, [range(20), range(20, 40)], stage=0, round_=0)
    for batch in reversed(book.batches(work.record)):
        requests = [work.dresser.dress(work.rows[ordinal]) for ordinal in batch.ordinals]
        book.intend(work.record, batch.number, requests)
        submitter._create(
            b'{"requests":[' + b",".join(request.body for request in requests) + b"]}"
        )

    outcome = bench.run(40)

    assert ("done", 40) == (outcome.status, outcome.promoted)
    assert 2 == bench.creates


def unknown_batches(bench: Bench) -> list[str]:
    """Batches at the service that no job of this store has made or adopted."""
    known = bench.runner._desk.book.batch_ids()
    return [batch.id for batch in bench.books.batches if batch.id not in known]


def test_batches_of_other_people_are_not_adopted() -> None:
    """A batch of another size, made at the same time in the same workspace, is not ours."""
    bench = Bench(faults=[LostReply(spare_batches=1)], without=[Canary])
    theirs = a_batch(bench.api, 3)

    outcome = bench.run(20)

    assert "done" == outcome.status
    assert [theirs] == unknown_batches(bench)


def test_an_overloaded_service_is_asked_again_later() -> None:
    """529 on create took nothing: it is repeated, with growing waits, and paid once."""
    bench = Bench(faults=[Overloaded(on=Endpoint.CREATE, times=3)])

    outcome = bench.run(60)

    assert "done" == outcome.status
    assert 5 == bench.creates
    assert 2 == len(bench.books.batches)


def test_an_overload_that_does_not_end_halts_the_job() -> None:
    """After five attempts the runner stops instead of trying for ever."""
    bench = Bench(faults=[Overloaded(on=Endpoint.CREATE)])

    outcome = bench.run(60)

    assert "5 create calls failed: HTTP 529 overloaded_error" == outcome.why
    assert 5 == bench.creates


def refuse_creates(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
    """Every create call is refused with 400."""
    if request.method == "POST" and request.url.path.endswith("/batches"):
        error = {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}
        return httpx2.Response(400, json=error, request=request)
    return response


def test_a_refused_create_halts_at_once() -> None:
    """400 would be 400 again: one call, no second."""
    calls: list[str] = []

    def counted(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        calls.append(f"{request.method} {request.url.path}")
        return refuse_creates(request, response)

    outcome = Bench(bend=counted).run(60)

    assert "the service refused the batch: HTTP 400 invalid_request_error" == outcome.why
    assert 1 == calls.count("POST /v1/messages/batches")


@pytest.mark.parametrize(
    "reply",
    [b"", b"null", b"[]", b'"created"', b"{}", b'{"id":7}', b"<html>ok</html>", b"\xff\xfe{"],
    ids=repr,
)
@pytest.mark.parametrize("kind", ["application/json", "text/html"])
def test_an_odd_reply_to_a_create_is_looked_into(reply: bytes, kind: str) -> None:
    """A 200 without a batch id may have made a batch: the orphan is found, not made again."""
    spoiled: list[int] = []

    def spoil_first(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.method == "POST" and request.url.path.endswith("/batches") and not spoiled:
            spoiled.append(1)
            headers = {"content-type": kind}
            return httpx2.Response(200, content=reply, headers=headers, request=request)
        return response

    bench = Bench(bend=spoil_first, without=[Canary])
    outcome = bench.run(20)

    assert "done" == outcome.status
    assert 1 == len(bench.books.batches)


@pytest.mark.parametrize("reply", [b"", b"null", b"[]", b"{}", b"<html>", b'{"data":[{}]}'])
def test_an_odd_list_is_no_proof_that_no_batch_was_made(reply: bytes) -> None:
    """A list that cannot be read is asked for again; then the job stops or finds its batch."""

    def bend(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.url.path.endswith("/batches") and request.method == "GET":
            headers = {"content-type": "application/json"}
            return httpx2.Response(200, content=reply, headers=headers, request=request)
        return response

    bench = Bench(bend=bend, faults=[LostReply()], without=[Canary])
    outcome = bench.run(20)

    assert outcome.status in {"halted", "done"}
    if outcome.status == "halted":
        assert 0 == outcome.promoted


def test_a_list_whose_pages_do_not_advance_ends() -> None:
    """A page that repeats itself is noticed by its first id."""

    def again(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.url.path.endswith("/batches") and request.method == "GET":
            if not pages:
                pages.append(response.read())
            page = msgspec.json.decode(pages[0]) | {"has_more": True}
            return httpx2.Response(200, json=page, request=request)
        return response

    pages: list[bytes] = []
    bench = Bench(bend=again, faults=[LostReply()], without=[Canary])
    outcome = bench.run(20)

    assert "done" == outcome.status
    assert 1 == len(bench.books.batches)


@pytest.mark.parametrize(("times", "status"), [(1, "done"), (None, "halted")])
def test_an_empty_page_that_has_more_is_not_the_end_of_the_list(
    times: int | None, status: str
) -> None:
    """It is asked for again; a list that never shows anything is no reason to pay twice."""
    faults = [LostReply(), EmptyPageWithMore(times=times)]
    bench = Bench(faults=faults, without=[Canary])

    outcome = bench.run(20)

    assert status == outcome.status, outcome.why
    assert 1 == bench.creates == len(bench.books.batches)


def test_without_idempotent_submit_an_ambiguous_create_stops() -> None:
    """Nobody knows whether the batch exists: the neutral answer is to stop, not to send again."""
    bench = Bench(faults=[LostReply()], without=[IdempotentSubmit])

    outcome = bench.run(60)

    assert "nobody knows whether the batch exists: APITimeoutError" == outcome.why
    assert 1 == bench.creates


# --- waiting


@pytest.mark.parametrize("reply", [b"null", b"[]", b"{}", b'{"processing_status":"ended"}'])
def test_an_odd_reply_to_a_poll_is_asked_for_again(reply: bytes) -> None:
    """A poll that says nothing of the batch does not end the wait, and does not crash it."""
    spoiled: list[int] = []

    def bend(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.method == "GET" and "/batches/msgbatch" in request.url.path and not spoiled:
            spoiled.append(1)
            headers = {"content-type": "application/json"}
            return httpx2.Response(200, content=reply, headers=headers, request=request)
        return response

    bench = Bench(bend=bend, without=[Canary])

    assert "done" == bench.run(20).status


def test_a_batch_that_cannot_be_polled_halts() -> None:
    """Eight failed polls, and the runner stops with the reason."""
    bench = Bench(faults=[Overloaded(on=Endpoint.RETRIEVE)])

    outcome = bench.run(60)

    assert "failed 8 times, last with HTTP 529 overloaded_error" in outcome.why
    assert 0 == outcome.promoted


def test_a_refused_poll_halts_at_once() -> None:
    """A key that is refused stays refused."""

    def bend(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.method == "GET" and "/batches/msgbatch" in request.url.path:
            error = {"type": "error", "error": {"type": "permission_error", "message": "no"}}
            return httpx2.Response(403, json=error, request=request)
        return response

    outcome = Bench(bend=bend).run(60)

    assert outcome.why.endswith("HTTP 403 permission_error")


def test_a_batch_that_never_ends_counts_as_stuck_after_25_hours() -> None:
    """The wait has a deadline of its own."""

    def never(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.method == "GET" and "/batches/msgbatch" in request.url.path:
            body = msgspec.json.decode(response.read()) | {"processing_status": "in_progress"}
            return httpx2.Response(200, json=body, request=request)
        return response

    bench = Bench(bend=never)
    before = bench.clock.now()
    outcome = bench.run(60)

    assert "more than 1 h after the 24 h in which the API ends a batch" in outcome.why
    assert bench.clock.now() - before < timedelta(hours=26)


# --- collecting


def test_rows_that_expired_are_sent_again() -> None:
    """A stall of a day leaves rows `expired`; they are answered in the next round."""
    stall = Stall(after_requests=10, lasting=hours(30), times=1, spare_batches=AFTER_THE_CANARY)
    bench = Bench(faults=[stall])

    outcome = bench.run(60)

    assert ("done", 60) == (outcome.status, outcome.promoted)
    assert everything_once(60) == accounted_for(bench)
    assert 3 == bench.creates
    assert "21 rows came back without an answer; 21 rows are sent again" in bench.told


def test_rows_that_error_for_ever_are_given_up_with_their_reason() -> None:
    """Two more rounds, then quarantine; the rows that did work are promoted."""
    bench = Bench(faults=[RowsErrored(1.0, spare_batches=AFTER_THE_CANARY)])

    outcome = bench.run(60)

    assert ("done", 29, 31) == (outcome.status, outcome.promoted, outcome.quarantined)
    assert {"errored:overloaded_error": 31} == bench.reasons
    assert {"no answer after 3 attempts"} == {item["detail"] for item in bench.kept}
    assert everything_once(60) == accounted_for(bench)
    assert 4 == bench.creates


def test_an_error_without_a_type_is_still_an_error() -> None:
    """The rows are given up with what is known of them, not lost between two tables."""

    def no_type(body: bytes, _download: int) -> bytes:
        return body.replace(b'"type":"overloaded_error"', b'"type":""')

    faults = [RowsErrored(1.0, spare_batches=AFTER_THE_CANARY)]
    bench = Bench(faults=faults, bend=bend_results(no_type))

    outcome = bench.run(60)

    assert ("done", 31) == (outcome.status, outcome.quarantined)
    assert {"errored:": 31} == bench.reasons
    assert everything_once(60) == accounted_for(bench)


def test_rows_that_were_refused_are_not_sent_again() -> None:
    """`invalid_request_error` would fail again unchanged: quarantine at once."""
    refused = RowsErrored(1.0, error_type="invalid_request_error", spare_batches=AFTER_THE_CANARY)
    bench = Bench(faults=[refused])

    outcome = bench.run(60)

    assert 31 == outcome.quarantined
    assert {"errored:invalid_request_error": 31} == bench.reasons
    assert 2 == bench.creates


def test_without_requeue_unfinished_rows_stop_the_promotion() -> None:
    """Rows that nobody sends again and nobody gives up are neither here nor there: halt."""
    faults = [RowsErrored(1.0, spare_batches=AFTER_THE_CANARY)]
    bench = Bench(faults=faults, without=[Requeue])

    outcome = bench.run(60)

    assert "31 of 60 rows are neither staged nor quarantined" in outcome.why
    assert {} == bench.labels


def test_rows_missing_from_one_download_are_recovered_by_the_next() -> None:
    """A cut connection loses rows, the service does not: read again, nothing paid again."""
    bench = Bench(faults=[RowsMissing(0.3, spare_batches=AFTER_THE_CANARY)])

    outcome = bench.run(60)

    assert ("done", 60) == (outcome.status, outcome.promoted)
    assert "rows are missing from the results of batch" in bench.told
    assert bench.entries("collected")[1]["recovered"] > 0
    assert 2 == bench.creates


def test_rows_missing_for_good_halt_and_nothing_is_promoted() -> None:
    """After three downloads the rows count as lost: an incident, not a shorter table."""
    bench = Bench(faults=[RowsMissing(0.9, times=None)])

    outcome = bench.run(60)

    assert "halted" == outcome.status
    assert "after 3 downloads" in outcome.why
    assert {} == bench.labels
    assert 1 == bench.creates


def test_lines_that_come_twice_count_once() -> None:
    """The same line again is counted and ignored."""
    bench = Bench(faults=[RowsDuplicated(0.5)])

    outcome = bench.run(60)

    assert ("done", 60) == (outcome.status, outcome.promoted)
    assert sum(entry["duplicated"] for entry in bench.entries("collected")) > 10
    assert everything_once(60) == accounted_for(bench)


def conflicting(body: bytes, _download: int) -> bytes:
    """One line of the second kind of batch comes a second time with another answer."""
    lines = body.splitlines(keepends=True)
    return body + lines[0].replace(b'\\"pos\\"', b'\\"neg\\"') if len(lines) == 31 else body


def test_two_different_lines_for_one_row_are_both_disbelieved() -> None:
    """The row is quarantined as `conflict`; the others are promoted."""
    bench = Bench(bend=bend_results(conflicting))

    outcome = bench.run(60)

    assert ("done", 59, 1) == (outcome.status, outcome.promoted, outcome.quarantined)
    assert {"conflict": 1} == bench.reasons
    assert everything_once(60) == accounted_for(bench)


def test_a_contradicted_row_of_the_canary_counts_as_bad() -> None:
    """A slice in which a row has two answers is graded as if that row had none."""

    def contradict(body: bytes, _download: int) -> bytes:
        return body + body.replace(b'\\"pos\\"', b'\\"neg\\"')

    bench = Bench(bend=bend_results(contradict))

    outcome = bench.run(60)

    assert "29 of 29 rows are bad" in outcome.why
    assert 1 == bench.creates


def test_an_id_that_was_never_sent_is_an_incident() -> None:
    """The results hold somebody else's row: halt, nothing promoted, evidence kept."""
    bench = Bench(faults=[UnknownRows(2)])

    outcome = bench.run(60)

    assert "custom_ids that were never sent in it" in outcome.why
    assert {"unexpected": 2} == bench.reasons
    assert {} == bench.labels


def test_a_stranger_that_comes_twice_is_kept_once() -> None:
    """Evidence, not a copy of the flood."""

    def twice(body: bytes, _download: int) -> bytes:
        stranger = body.splitlines(keepends=True)[0].replace(b"support-job_1-", b"sales-job_1-")
        return body + stranger * 3

    bench = Bench(bend=bend_results(twice))
    bench.run(60)

    assert {"unexpected": 1} == bench.reasons


def test_a_line_broken_in_one_download_is_read_in_the_next() -> None:
    """Three lines are broken, one of them so badly that its row seems lost; the second download
    brings all three, and no row is taken for a contradiction."""
    bench = Bench(faults=[BrokenLines(3, times=1, spare_batches=AFTER_THE_CANARY)])

    outcome = bench.run(60)

    assert ("done", 60, 0) == (outcome.status, outcome.promoted, outcome.quarantined)
    assert everything_once(60) == accounted_for(bench)


def test_a_line_that_stays_broken_costs_one_row() -> None:
    """The row is quarantined as `unreadable` with the bytes that came; the others go on."""

    def always(body: bytes, _download: int) -> bytes:
        first, *others = body.split(b"\n")
        return b"\n".join([first[: len(first) // 2], *others]) if len(others) == 31 else body

    bench = Bench(bend=bend_results(always))
    outcome = bench.run(60)

    assert ("done", 59, 1) == (outcome.status, outcome.promoted, outcome.quarantined)
    assert {"unreadable": 1} == bench.reasons
    assert all(item["evidence"].startswith(b'{"custom_id":"support-') for item in bench.kept)
    assert everything_once(60) == accounted_for(bench)


def test_a_download_cut_in_the_middle_of_a_line_is_read_again() -> None:
    """Silent truncation: half a line and no error. The next download heals it."""

    def cut(body: bytes, download: int) -> bytes:
        return body[: len(body) // 2] if download == 1 else body

    bench = Bench(bend=bend_results(cut))
    outcome = bench.run(60)

    assert ("done", 60, 0) == (outcome.status, outcome.promoted, outcome.quarantined)


@pytest.mark.parametrize("body", [b"", b"\n\n", b'{"error":{}}\n', b"\xff" * 500, b"<html>"])
def test_a_download_that_is_no_results_file_halts(body: bytes) -> None:
    """An empty or foreign body is not `no results`: every row is missing."""
    bench = Bench(bend=bend_results(lambda _body, _download: body))

    outcome = bench.run(60)

    assert "29 of 29 rows are missing" in outcome.why
    assert {} == bench.labels


def test_a_download_that_breaks_off_is_read_again() -> None:
    """A protocol error in mid-stream is no exception of the client's; it is still survived."""
    broken: list[int] = []

    class Breaks(httpx2.SyncByteStream):
        def __init__(self, body: bytes, request: httpx2.Request) -> None:
            self.body, self.request = body, request

        def __iter__(self) -> Any:
            yield self.body[: len(self.body) // 3]
            raise httpx2.RemoteProtocolError("peer closed", request=self.request)

    def bend(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.url.path.endswith("/results") and not broken:
            broken.append(1)
            body = Breaks(response.read(), request)
            return httpx2.Response(200, stream=body, request=request)
        return response

    bench = Bench(bend=bend)
    outcome = bench.run(60)

    assert ("done", 60) == (outcome.status, outcome.promoted)
    assert "broke off: RemoteProtocolError" in bench.told


def test_a_download_that_the_service_refuses_is_tried_again() -> None:
    """529 on the results is not `no results`."""
    bench = Bench(faults=[Overloaded(on=Endpoint.RESULTS, times=2)])

    assert "done" == bench.run(60).status


def test_crlf_bom_and_blank_lines_change_nothing() -> None:
    """Windows line ends, a byte order mark and blank lines are no reason to lose a row."""

    def windows(body: bytes, _download: int) -> bytes:
        return b"\xef\xbb\xbf" + body.replace(b"\n", b"\r\n\r\n") + b"\n\n"

    bench = Bench(bend=bend_results(windows))

    assert 60 == bench.run(60).promoted


def test_a_separator_inside_an_answer_does_not_cut_its_line() -> None:
    """U+2028 and U+0085 stand in strings; only a newline ends a line."""

    def with_separators(question: Question) -> str:
        return an_answer(question, remark="one\u2028two\u0085three\x0cfour")

    schema = {**SCHEMA, "properties": {**SCHEMA["properties"], "remark": {"type": "string"}}}
    bench = Bench(says=with_separators, job_type=a_job_type(schema=schema))

    assert 60 == bench.run(60).promoted


# --- judging answers


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("I cannot help with that.", "not_json"),
        ('```json\n{"label":"pos","score":1}\n```', "not_json"),
        ("[1]", "not_an_object"),
        ('{"label":"pos","score":0.5}', "off_task"),
        ('{"label":"pos","score":0.5,"ref":"0123456789"}', "wrong_row"),
    ],
)
def test_an_answer_that_is_not_as_agreed_is_quarantined(text: str, reason: str) -> None:
    """One bad answer among 60 is kept back with its reason; 59 are promoted."""

    def one_bad(question: Question) -> str:
        return text if "text 41\n" in question.user else an_answer(question)

    bench = Bench(says=one_bad)
    outcome = bench.run(60)

    assert ("done", 59, 1) == (outcome.status, outcome.promoted, outcome.quarantined)
    assert {reason: 1} == bench.reasons
    assert ["key-41"] == [item["row_key"] for item in bench.kept]
    assert everything_once(60) == accounted_for(bench)


def test_a_truncated_answer_is_not_believed_however_well_it_reads() -> None:
    """`max_tokens` as the stop reason means that something may be missing."""

    def cut(question: Question) -> Said:
        stop = "max_tokens" if "text 41\n" in question.user else "end_turn"
        return Said(an_answer(question), stop_reason=stop)

    bench = Bench(says=cut)
    bench.run(60)

    assert {"max_tokens": 1} == bench.reasons


class BreakingGate:
    """A gate that does what gates must not."""

    def examine(self, answer: Answer) -> Verdict:
        """Raises on some answers."""
        if '"neg"' in answer.text:
            raise ZeroDivisionError("a bug in a gate")
        return Accepted({"label": "pos", "score": 0.5})


def test_a_gate_that_breaks_costs_its_row_and_no_other() -> None:
    """The row is quarantined as `gate_error`, the run goes on."""

    def mostly(question: Question) -> str:
        return an_answer(question, "neg" if "text 41\n" in question.user else "pos")

    bench = Bench(says=mostly)
    runner = bench.a_runner(replace(bench.stack, gate=BreakingGate()))

    outcome = runner.run(bench.a_job(), rows(60))

    assert ("done", 59, 1) == (outcome.status, outcome.promoted, outcome.quarantined)
    assert {"gate_error": 1} == bench.reasons


@dataclass(frozen=True, slots=True)
class BreakingBinding(RowBinding):
    """A binding that breaks when it looks at an answer."""

    def examine(self, answer: Answer) -> Verdict:
        """Raises."""
        raise RuntimeError("a bug in a binding")


def test_a_binding_that_breaks_stops_at_the_canary() -> None:
    """It breaks on every row, in the runner and in the grading: the canary is bad."""
    bench = Bench()
    runner = bench.a_runner(replace(bench.stack, identity=BreakingBinding()))

    outcome = runner.run(bench.a_job(), rows(60))

    assert "29 of 29 rows are bad (29 gate_error)" in outcome.why
    assert 1 == bench.creates


# --- the canary


def test_a_bad_canary_stops_the_rest() -> None:
    """A poisoned prompt spoils 29 rows and not 60: one batch, nothing promoted."""
    bench = Bench(says=lambda _: "As a language model ...")

    outcome = bench.run(60)

    assert "the canary of 29 rows is bad: 29 of 29 rows are bad (29 not_json)" in outcome.why
    assert 29 == sum(batch.requests for batch in bench.books.batches)
    assert {} == bench.labels


class AcceptsAll:
    """A gate under test that lets everything through."""

    def examine(self, answer: Answer) -> Verdict:
        """Whatever it says, it is one label."""
        return Accepted({"label": "pos", "score": 0.5})


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (lambda _: "", "empty"),
        (lambda _: "Hello!", "not_json"),
        (lambda question: an_answer(question, score=True), "schema"),
    ],
)
def test_the_canary_does_not_ask_the_gate_under_test(
    says: Callable[[Question], str], reason: str
) -> None:
    """An answer that the schema of the policy refuses is bad, though the gate accepts it."""
    bench = Bench(says=says)
    runner = bench.a_runner(replace(bench.stack, gate=AcceptsAll()))

    outcome = runner.run(bench.a_job(), rows(60))

    assert f"29 of 29 rows are bad (29 {reason})" in outcome.why


def test_a_canary_too_small_to_decide_is_not_taken_for_passed() -> None:
    """One good row proves nothing: inconclusive, and the job stops."""
    bench = Bench(job_type=a_job_type(canary=CanaryPolicy(min_rows=1, share=0.001)))

    outcome = bench.run(60)

    assert "the canary of 1 rows is inconclusive" in outcome.why
    assert "it takes 29 rows without a bad one" in outcome.why
    assert 1 == bench.creates


def test_a_canary_that_is_wrong_is_bad_although_every_answer_is_valid() -> None:
    """Known answers are the eval set: valid JSON with the wrong label does not pass."""
    job_type = a_job_type(labels_in="truth")
    bench = Bench(job_type=job_type)

    outcome = bench.run(rows(60, truth="neg"))

    assert "0 of 29 known answers are right" in outcome.why
    assert 1 == bench.creates


def test_the_slice_of_a_resubmission_is_not_split_again() -> None:
    """The canary goes first once; a second round is not announced as another slice."""
    bench = Bench(faults=[RowsExpired(0.5, spare_batches=AFTER_THE_CANARY, times=8)])
    bench.run(60)

    splits = [entry for entry in bench.entries("decided") if entry["decision"] == "Split"]

    assert len(splits) == 1


# --- controls that break


class Broken:
    """A control with a bug, at one kind of moment."""

    def __init__(self, at: type, answer: object = None) -> None:
        self._at, self._answer = at, answer

    def decide(self, moment: Moment, /) -> Decision:
        """Raises, or answers nonsense."""
        if not isinstance(moment, self._at):
            return Proceed()
        if self._answer is None:
            raise KeyError("a bug in a control")
        return self._answer  # type: ignore[return-value] # the point of the test


@pytest.mark.parametrize(
    "moment", [BeforeSubmit, AfterCanary, AfterCollect, AfterDownload, BeforePromote]
)
@pytest.mark.parametrize("answer", [None, "proceed", ()])
def test_a_control_that_breaks_halts_the_job(moment: type, answer: object) -> None:
    """Whenever a control raises or answers no decision, nothing more is sent or promoted."""
    faults: list[Fault] = [RowsExpired(1.0, spare_batches=AFTER_THE_CANARY)]
    bench = Bench(extra=[Broken(moment, answer)], faults=faults if moment is AfterCollect else ())

    outcome = bench.run(60)

    assert "halted" == outcome.status
    assert "Broken could not decide" in outcome.why
    assert {} == bench.labels
    assert outcome.why in bench.told


def test_a_control_that_breaks_after_a_failed_create_halts() -> None:
    """Also in the middle of submitting."""
    bench = Bench(extra=[Broken(CreateFailed)], faults=[LostReply()])

    assert "Broken could not decide" in bench.run(60).why


class HaltAt:
    """Halts at one kind of moment."""

    def __init__(self, at: type) -> None:
        self._at = at

    def decide(self, moment: Moment, /) -> Decision:
        """Halt, and nothing else."""
        return Halt("enough") if isinstance(moment, self._at) else Proceed()


@pytest.mark.parametrize(
    ("moment", "creates"),
    [
        (BeforeSubmit, 0),
        (AfterDownload, 1),
        (AfterCanary, 1),
        (AfterCollect, 2),
        (BeforePromote, 4),
    ],
)
def test_after_a_halt_nothing_is_created_and_nothing_promoted(moment: type, creates: int) -> None:
    """Wherever a job halts, that was its last create call, and the record is untouched."""
    bench = Bench(extra=[HaltAt(moment)], faults=[RowsExpired(1.0, spare_batches=AFTER_THE_CANARY)])

    outcome = bench.run(60)

    assert ("halted", "enough", 0) == (outcome.status, outcome.why, outcome.promoted)
    assert creates == bench.creates
    assert {} == bench.labels
    everyone = {row.key for row in rows(60)}
    kept = {item["row_key"] for item in bench.kept}
    assert everyone == set(outcome.waiting) | kept
    assert not set(outcome.waiting) & kept


class EmptySlice:
    """Asks for a first slice without rows."""

    def decide(self, moment: Moment, /) -> Decision:
        """Nothing first."""
        return Split((), "nothing first") if isinstance(moment, BeforeSubmit) else Proceed()


def test_an_empty_slice_decides_nothing() -> None:
    """A slice of no rows cannot pass: the job stops before anything is sent."""
    bench = Bench(without=[Canary], extra=[EmptySlice()])

    outcome = bench.run(60)

    assert ("halted", "the first slice has no rows: it can decide nothing") == (
        outcome.status,
        outcome.why,
    )
    assert 0 == bench.creates


class Ramp:
    """The canary's slice, then so many shares of the rows, each judged."""

    def decide(self, moment: Moment, /) -> Decision:
        """Split as the canary does, with a ramp."""
        decision = Canary().decide(moment)
        return replace(decision, ramp=(0.6, 0.8)) if isinstance(decision, Split) else decision


def test_a_ramp_is_judged_at_every_step() -> None:
    """29 rows, then up to 60 and 80 of 100, then the rest: graded before each of them."""
    bench = Bench(without=[Canary], extra=[Ramp()])

    outcome = bench.run(100)

    assert ("done", 100) == (outcome.status, outcome.promoted)
    assert [29, 31, 20, 20] == [batch.requests for batch in bench.books.batches]
    assert [29, 60, 80] == [entry["rows"] for entry in bench.entries("graded")]


def test_damage_that_begins_after_the_canary_stops_at_the_ramp() -> None:
    """Every answer from the second batch on is bad: 60 rows are paid, not 100."""
    bench = Bench(
        without=[Canary],
        extra=[Ramp()],
        faults=[RowsErrored(1.0, spare_batches=AFTER_THE_CANARY)],
    )

    outcome = bench.run(100)

    assert "halted" == outcome.status
    assert [29, 31] == [batch.requests for batch in bench.books.batches]


class BrokenPager:
    """A pager that cannot reach anybody."""

    def page(self, alert: Alert) -> None:
        """Raises."""
        raise ConnectionError("the pager is down")


def test_a_broken_pager_does_not_stop_a_halt() -> None:
    """The job halts as it should, and the ledger says that nobody was reached."""
    bench = Bench(says=lambda _: "nonsense")
    runner = bench.a_runner(bench.stack)
    object.__setattr__(runner._desk, "pager", BrokenPager())

    outcome = runner.run(bench.a_job(), rows(60))

    assert "halted" == outcome.status
    assert [{"error": "ConnectionError"}] == bench.entries("page failed")


# --- promoting and undoing


def test_a_promotion_that_fails_halts_and_leaves_the_record_as_it_was() -> None:
    """A table that refuses a value: no row is written, the owner hears of it, all rows wait."""
    old = {"key": "key-1", "label": "old", "score": None, "visits": 3}
    bench = Bench(prior=[old])
    with bench.record.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER refuse BEFORE INSERT ON answers WHEN NEW.key = 'key-59' "
            "BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    before = content(bench.record)

    outcome = bench.run(60)

    assert ("halted", "the promotion failed: IntegrityError") == (outcome.status, outcome.why)
    assert before == content(bench.record)
    assert 60 == len(outcome.waiting)
    assert outcome.why in bench.told


def test_a_promotion_can_be_rolled_back_through_the_runner() -> None:
    """The record is as before, and the ledger knows who asked for what."""
    bench = Bench(prior=[{"key": "key-1", "label": "old", "score": 0.25, "visits": 3}])
    before = content(bench.record)
    bench.run(60)

    count = bench.runner.rollback(bench.a_job())

    assert 60 == count
    assert before == content(bench.record)
    assert [{"keys": "all"}] == bench.entries("rollback intended")
    assert [{"rows": 60}] == bench.entries("rolled back")


@pytest.mark.parametrize(("keys", "undone"), [([], 0), (["key-1", "key-2"], 2), (["other"], 0)])
def test_a_rollback_of_some_keys_undoes_exactly_those(keys: list[str], undone: int) -> None:
    """No keys means no rows, never all rows."""
    bench = Bench()
    bench.run(60)

    assert undone == bench.runner.rollback(bench.a_job(), keys)
    assert 60 - undone == len(bench.labels)
    assert [{"keys": len(keys)}] == bench.entries("rollback intended")


def test_a_halted_job_leaves_its_answers_in_staging_only() -> None:
    """What was staged before the halt is in staging, not in the record."""
    bench = Bench(extra=[HaltAt(BeforePromote)])
    bench.run(60)

    with bench.store.connect() as connection:
        parts = connection.scalars(select(STAGING.c.lines)).all()

    assert 60 == sum(len(read_staged(lines).ordinals) for lines in parts)
    assert {} == bench.labels


def test_the_stack_without_reconciliation_does_not_read_again() -> None:
    """Rows missing from a download stay missing when nobody counts."""
    bench = Bench(faults=[RowsMissing(0.5)], without=[Reconciliation, Canary])

    outcome = bench.run(60)

    assert "done" == outcome.status
    assert outcome.promoted < 60
    assert rows_to_decide(0.1, 0.95) == 29
