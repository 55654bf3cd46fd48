"""The one place where decisions become calls: read `BatchRunner.run` from top to bottom.

Every durable step is intention, act, outcome, and what a worker knows of a job it reads from the
store. So a run that was killed is continued by running the job again, and several workers that
share a store share its jobs: each batch, and each decision about a whole job, is one worker's at
a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import anthropic
import msgspec
from anthropic.types import MessageTokensCount
from sqlalchemy.exc import SQLAlchemyError

from controls.ceiling import estimate_cost, sample_size
from controls.core.alerts import Pager
from controls.core.book import (
    COLLECTED,
    CREATED,
    DONE,
    HALTED,
    INTENDED,
    PLANNED,
    RUNNING,
    WAITING,
    Batch,
    Book,
    JobRecord,
    document_of,
    type_digest_of,
)
from controls.core.clock import Clock
from controls.core.collector import Collector
from controls.core.decision import AskApproval, Decision, Halt, Resubmit, Split, Withhold
from controls.core.dressing import Dresser
from controls.core.errors import ControlError
from controls.core.ledger import Kept, Ledger, LedgerEntry
from controls.core.locks import Locks
from controls.core.moment import (
    AfterCanary,
    AfterCollect,
    Approval,
    AtOpening,
    BeforePromote,
    BeforeSubmit,
    Estimate,
)
from controls.core.progress import Progress, stages, take_stock
from controls.core.rows import DressedRow, Row, check_rows
from controls.core.store import store_secret
from controls.core.submitter import ADMISSION, Submitter
from controls.core.work import Desk, Job, Stopped, Work
from controls.ids import Namespace
from controls.policy import check_columns
from controls.prices import PriceTable, default_prices
from controls.registry import Register
from controls.stack import Stack

OTHERS_AT_WORK = timedelta(seconds=1)
"""How long a worker waits when all that can be done is being done by others."""


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """How a run of a job ended."""

    status: str
    """`done`, `halted` or `waiting for approval`."""
    why: str
    """The reason of a run that is not done; else empty."""
    promoted: int
    quarantined: int
    waiting: tuple[str, ...]
    """Keys of rows that a run which is not done holds back: not promoted, not quarantined."""


class BatchRunner:
    """Runs jobs against the Message Batches API, guarded by a stack of controls.

    The same code runs in production and in drills: what differs is the client's base URL and the
    clock. Only this class and its two hands, `Submitter` and `Collector`, hold the client.

    Args:
        client: of any official SDK line from 0.49 on; its own retries do not apply to creates.
        secret: what fences and references are made with; by default the store's own.
    """

    def __init__(
        self,
        client: anthropic.Anthropic,
        ledger: Ledger,
        clock: Clock,
        stack: Stack,
        *,
        pager: Pager,
        secret: bytes | None = None,
        prices: PriceTable | None = None,
    ) -> None:
        self._desk = Desk(
            client,
            ledger,
            clock,
            stack,
            prices or default_prices(),
            pager,
            Book(ledger),
            Locks(ledger.engine),
        )
        self._secret = secret or store_secret(ledger.engine)
        self._submitter = Submitter(self._desk)
        self._collector = Collector(self._desk)

    def run(self, job: Job, rows: Sequence[Row]) -> JobOutcome:
        """Take a job from its rows to the system of record, or stop with a reason.

        A job that was interrupted goes on where it stopped; one that is done says so again; one
        that waits for approval asks again.

        Args:
            job: identity, policy and approvals.
            rows: ordinals must be 0, 1, 2, … in order; the same whenever the job is run.

        Raises:
            ControlError: the rows do not fit the job type, its model has no price, the job was
                begun with other rows or another policy, or it was halted. Nothing was sent.
        """
        work = self._open(job, rows)
        if work.record.status == HALTED:
            raise ControlError(
                f"The job {job.id!r} was halted: {work.record.why}.",
                fix="Look into it, then lift the halt (`gameday resume JOB`, BatchRunner.resume).",
            )
        if work.record.status == WAITING:
            self._desk.book.turn(job.id, RUNNING, "asked again")
        return self._carry_on(work)

    def resume(self, job: Job, rows: Sequence[Row], by: str) -> JobOutcome:
        """Go on with a job that was halted; `by` is the person who answers for it."""
        record = self._desk.book.job(job.id)
        if record is not None:
            _still_whole(record)
        if record is not None and record.status in {HALTED, WAITING}:
            self._desk.book.turn(job.id, RUNNING, "resumed", by=by)
        return self.run(job, rows)

    def rollback(self, job: Job, keys: Sequence[str] | None = None) -> int:
        """Undo the promotion of a job, or of exactly these keys; the number of rows put back."""
        asked = "all" if keys is None else len(keys)
        self._desk.ledger.append(job.id, "rollback intended", keys=asked)
        count = self._desk.stack.sink.rollback(job.id, keys)
        self._desk.ledger.append(job.id, "rolled back", rows=count)
        return count

    def _open(self, job: Job, rows: Sequence[Row]) -> Work:
        """Write the job down, or find it again."""
        check_rows(job.id, rows)
        check_columns(job.type, tuple(rows[0].fields))
        book, stack = self._desk.book, self._desk.stack
        price = self._desk.prices.price(job.type.prompt.model)
        namespace = Namespace(job.type.team, job.id)
        digest = rows_digest(rows)
        with self._desk.locks.hold(f"job {job.id} opening", self._pause):
            if book.job(job.id) is None:
                book.open(
                    job.id,
                    job.type,
                    rows=len(rows),
                    rows_digest=digest,
                    prefix=namespace.prefix,
                    seed=job.seed,
                    approvals=[_consent(approval) for approval in job.approvals],
                    price=msgspec.to_builtins(price),
                    requeued_from=job.requeued_from,
                )
            record = book.job(job.id)
            assert record is not None
            _same(job, record, len(rows), digest)
            self._note_approvals(job)
        _still_whole(record)
        scrub = stack.scrubbing.scrub
        dresser = Dresser(job.type, namespace, self._secret, stack.fence, stack.identity, scrub)
        return Work(job, record, rows, dresser, namespace, price)

    def _note_approvals(self, job: Job) -> None:
        """Write down consent that came with this start, and with none before."""
        ledger = self._desk.ledger
        opened, *_ = ledger.entries(job.id, "opened")
        known = [*opened.body["approvals"], *(e.body for e in ledger.entries(job.id, "approved"))]
        amounts = {(consent["by"], consent["up_to_usd"]) for consent in known}
        for approval in job.approvals:
            consent = _consent(approval)
            if tuple(consent.values()) not in amounts:
                ledger.append(job.id, "approved", **consent)

    def _carry_on(self, work: Work) -> JobOutcome:
        """Work, decide, work, until the job is done or stops."""
        desk = self._desk
        try:
            if ended := self._ended_elsewhere(work):
                return ended
            self._may_open(work)
            while True:
                self._work_off(work)
                with desk.locks.hold(work.lead, self._pause):
                    outcome = self._ended_elsewhere(work) or self._decide(work)
                if outcome is not None:
                    return outcome
        except Stopped as stop:
            return self._stop(work, stop)

    def _pause(self) -> None:
        self._desk.clock.sleep(OTHERS_AT_WORK)

    def _may_open(self, work: Work) -> None:
        moment = AtOpening(
            job_id=work.job.id,
            job_type=work.job.type,
            digest=type_digest_of(document_of(work.job.type)),
            reviews=Register(self._desk.ledger).reviews(work.job.type.name),
            now=self._desk.clock.now(),
        )
        self._stop_if(self._desk.ask(work.job, moment, work.said))

    def _ended_elsewhere(self, work: Work) -> JobOutcome | None:
        """How the job ended before, or by the hand of another worker, if it did."""
        record = self._desk.book.job(work.job.id)
        assert record is not None
        work.record = record
        match record.status:
            case status if status == DONE:
                return self._was_done(work)
            case status if status in {HALTED, WAITING}:
                return self._held_back(work, record.why, record.status)
            case _:
                return None

    def _work_off(self, work: Work) -> None:
        """Submit and collect what is planned, until nothing of it is left.

        One batch is collected, then all that still wait are asked about again: those that had to
        wait for others to end may go now.
        """
        desk, book = self._desk, self._desk.book
        while True:
            planned = book.batches(work.record)
            left = [batch for batch in planned if batch.state != COLLECTED]
            if not left:
                return
            record = book.job(work.job.id)
            if record is None or record.status != RUNNING:
                return
            work.record = record
            wait = self._submit(work, left)
            if sum(batch.requests for batch in planned) >= len(work.rows):
                work.dresser.forget()
            for batch in left:
                with self._mine(work, batch.number) as mine:
                    if mine and mine.state == CREATED:
                        self._collector.collect(work, mine)
                        break
            else:
                if any(batch.state != COLLECTED for batch in book.batches(work.record)):
                    desk.clock.sleep(wait)

    def _submit(self, work: Work, left: Sequence[Batch]) -> timedelta:
        """Send what may be sent now; how long to wait if that is not all."""
        for batch in left:
            if batch.state == CREATED:
                continue
            told = None
            with self._mine(work, batch.number) as mine:
                if mine and mine.state in {PLANNED, INTENDED}:
                    told = self._submitter.submit(work, mine)
            if told:
                return timedelta(seconds=told.after_seconds)
        return OTHERS_AT_WORK

    @contextmanager
    def _mine(self, work: Work, number: int) -> Iterator[Batch | None]:
        """A batch as it stands once it is this worker's; None while another has it."""
        with self._desk.locks.attempt(work.lock_of(number)) as held:
            yield self._desk.book.batch(work.record, number) if held else None

    def _decide(self, work: Work) -> JobOutcome | None:
        """What comes next, now that all that was planned is collected: another stage, another
        round, or the end. None when there is more to do."""
        progress = take_stock(self._desk.book, work.record)
        if not progress.all_collected:
            return None
        begun = self._entries(work, "cleared")
        if not begun:
            self._clear(work, progress.pending(range(len(work.rows))), round_=0)
            progress = take_stock(self._desk.book, work.record)
            begun = self._entries(work, "cleared")
        cleared = begun[0].body
        order = stages(len(work.rows), cleared["slice"], cleared["ramp"])
        passed = {entry.body["stage"] for entry in self._entries(work, "passed")}
        for stage, ordinals in enumerate(order):
            if pending := progress.pending(ordinals):
                self._plan(work, pending, stage=stage, round_=0)
                return None
            followed = stage < len(order) - 1 or _alone(cleared)
            if followed and stage not in passed:
                self._judge(work, progress, stage, cleared["rows"])
        if progress.unfinished:
            if self._send_again(work, progress):
                return None
            progress = take_stock(self._desk.book, work.record)
        return self._promote(work, progress)

    def _entries(self, work: Work, kind: str) -> list[LedgerEntry]:
        return self._desk.ledger.entries(work.job.id, kind)

    def _approvals(self, work: Work) -> tuple[Approval, ...]:
        """What came with the job, and what people have said since."""
        said = (
            Approval(entry.body["by"], Decimal(entry.body["up_to_usd"]))
            for entry in self._entries(work, "approved")
        )
        return (*work.job.approvals, *said)

    def _clear(self, work: Work, ordinals: Sequence[int], *, round_: int) -> None:
        """Ask before sending, and write down what was agreed.

        The estimate asks the service and takes its time. So the money of the team is looked at
        again, under a lock, when the reservation is made: another job may have been faster.
        """
        desk, book, record = self._desk, self._desk.book, work.record
        estimated: list[Estimate] = []

        def estimate() -> Estimate:
            if not estimated:
                estimated.append(self._estimate(work, ordinals))
            return estimated[0]

        while ordinals:
            spent, team_today = book.spent_usd(record), book.team_today_usd(record)
            decision = desk.ask(
                work.job,
                BeforeSubmit(
                    job_id=work.job.id,
                    job_type=work.job.type,
                    rows=[work.rows[ordinal] for ordinal in ordinals],
                    dress=work.dresser.dress,
                    estimate=estimate,
                    committed_usd=spent,
                    approvals=self._approvals(work),
                    seed=work.job.seed,
                    round=round_,
                    template=work.dresser.template,
                    team_today_usd=team_today,
                    prices_age_days=(desk.clock.now().date() - desk.prices.as_of).days,
                ),
            )
            self._stop_if(decision)
            if isinstance(decision, Withhold):
                self._withhold(work, decision)
                kept = dict(decision.rows)
                ordinals = [ordinal for ordinal in ordinals if ordinal not in kept]
                estimated.clear()
                continue
            if isinstance(decision, Split) and not decision.first:
                raise Stopped("the first slice has no rows: it can decide nothing")
            with desk.locks.hold(ADMISSION, self._pause):
                if estimated and book.team_today_usd(record) != team_today:
                    continue
                body: dict[str, object] = {"round": round_, "rows": len(ordinals)}
                if isinstance(decision, Split):
                    body |= {"slice": decision.first, "ramp": decision.ramp}
                else:
                    body |= {"slice": (), "ramp": ()}
                with desk.ledger.transaction() as transaction:
                    if estimated:
                        usd = spent + estimated[0].worst_case_usd
                        book.reserve(transaction, record, usd)
                        body |= {
                            "usd": f"{usd:.6f}",
                            "counted_rows": estimated[0].counted_rows,
                        }
                    transaction.append(work.job.id, "cleared", **body)
            return
        desk.ledger.append(work.job.id, "cleared", round=round_, rows=0, slice=(), ramp=())

    def _withhold(self, work: Work, decision: Withhold) -> None:
        """Rows that may not be sent go to quarantine as they are: without an answer."""
        kept = [
            Kept(
                ordinal,
                work.rows[ordinal].key,
                work.namespace.custom_id(ordinal),
                reason,
                "withheld before anything of it was sent",
                b"",
            )
            for ordinal, reason in decision.rows
        ]
        self._desk.book.give_up(work.record, kept, "withheld")

    def _estimate(self, work: Work, ordinals: Sequence[int]) -> Estimate:
        dice = Random(f"{work.job.seed}/estimate")
        sample = dice.sample(ordinals, sample_size(len(ordinals)))
        dressed = (work.dresser.dress(work.rows[ordinal]) for ordinal in ordinals)
        return estimate_cost(
            dressed, work.job.type, self._desk.prices, self._count_tokens, frozenset(sample)
        )

    def _count_tokens(self, request: DressedRow) -> int:
        """What the service counts for one request; `max_tokens` is not part of that call."""
        params = msgspec.json.decode(request.params)
        params.pop("max_tokens", None)

        def count() -> MessageTokensCount:
            return self._desk.client.post(
                "/v1/messages/count_tokens",
                cast_to=MessageTokensCount,
                body=params,
                options={"max_retries": 0},
            )

        counted = self._desk.patiently(count, "counting tokens")
        tokens = getattr(counted, "input_tokens", None)
        if not isinstance(tokens, int) or tokens < 0:
            raise ControlError("The service does not count tokens.", fix="Try again later.")
        return tokens

    def _plan(self, work: Work, ordinals: Sequence[int], *, stage: int, round_: int) -> None:
        sizes = (
            (ordinal, len(work.dresser.dress(work.rows[ordinal]).params)) for ordinal in ordinals
        )
        chunks = list(self._desk.stack.chunking.chunks(sizes))
        self._desk.locks.confirm(work.lead)
        self._desk.book.plan(work.record, chunks, stage=stage, round_=round_)

    def _judge(self, work: Work, progress: Progress, stage: int, total: int) -> None:
        """Grade what was sent so far, and ask whether the next stage may follow."""
        column = work.job.type.rows.label_column
        grades = progress.measured(stage).grades(work.rows, total, column)
        self._desk.ledger.append(
            work.job.id,
            "graded",
            stage=stage,
            rows=grades.rows,
            bad=grades.bad,
            known=grades.known,
            correct=grades.correct,
        )
        approvals = self._approvals(work)
        moment = AfterCanary(
            work.job.type,
            replace(grades, stage="ramp" if stage else "canary"),
            approvals,
            first_run=not self._desk.book.ran_before(work.record),
            released=any(approval.up_to_usd == 0 for approval in approvals),
        )
        self._stop_if(self._desk.ask(work.job, moment))
        self._desk.ledger.append(work.job.id, "passed", stage=stage)

    def _send_again(self, work: Work, progress: Progress) -> bool:
        """Plan another round for rows that came back without an answer; whether there is one."""
        unfinished = tuple(progress.unfinished[ordinal] for ordinal in sorted(progress.unfinished))
        moment = AfterCollect(work.job.type, progress.round, unfinished)
        decision = self._desk.ask(work.job, moment)
        self._stop_if(decision)
        if not isinstance(decision, Resubmit):
            return False
        self._desk.alarm(
            work.job, f"{len(unfinished):,} rows came back without an answer; {decision.why}"
        )
        self._give_up(work, progress, decision)
        if not decision.again:
            return False
        round_ = progress.round + 1
        if not any(entry.body["round"] == round_ for entry in self._entries(work, "cleared")):
            self._clear(work, decision.again, round_=round_)
        open_ = take_stock(self._desk.book, work.record).unfinished
        again = [ordinal for ordinal in decision.again if ordinal in open_]
        if again:
            self._plan(work, again, stage=0, round_=round_)
        return bool(again)

    def _give_up(self, work: Work, progress: Progress, decision: Resubmit) -> None:
        if not decision.give_up:
            return
        kept = []
        for ordinal, reason in decision.give_up:
            custom_id = work.namespace.custom_id(ordinal)
            tried = progress.unfinished[ordinal].attempts
            detail = f"no answer after {tried} attempts"
            kept.append(Kept(ordinal, work.rows[ordinal].key, custom_id, reason, detail, b""))
        self._desk.book.give_up(work.record, kept, "gave up")

    def _promote(self, work: Work, progress: Progress) -> JobOutcome:
        desk, record = self._desk, work.record
        staged, quarantined = progress.staged, len(progress.quarantined)
        spent = desk.book.spent_usd(record)
        decision = desk.ask(
            work.job,
            BeforePromote(
                rows=len(work.rows),
                staged=staged,
                quarantined=quarantined,
                lost=tuple(map(work.namespace.custom_id, progress.unsettled())),
                spent_usd=spent,
                reserved_usd=record.reserved_usd,
                approvals=self._approvals(work),
            ),
        )
        self._stop_if(decision)
        if quarantined:
            reasons = desk.ledger.quarantined(work.job.id)
            why = ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items()))
            desk.alarm(work.job, f"{quarantined:,} rows are in quarantine: {why}")
        desk.locks.confirm(work.lead)
        desk.ledger.append(work.job.id, "promotion intended", rows=staged)
        digests = {
            entry.body["batch"]: entry.body["staged_digest"]
            for entry in self._entries(work, "collected")
        }
        try:
            promoted = desk.stack.sink.promote(record, digests)
        except SQLAlchemyError as error:
            raise Stopped(f"the promotion failed: {type(error).__name__}") from error
        except ControlError as error:
            raise Stopped(str(error)) from error
        desk.book.turn(
            work.job.id,
            DONE,
            "promoted",
            rows=promoted,
            quarantined=quarantined,
            spent_usd=f"{spent:.6f}",
        )
        return JobOutcome(DONE, "", promoted, quarantined, ())

    def _stop_if(self, decision: Decision) -> None:
        match decision:
            case Halt(why=why):
                raise Stopped(why)
            case AskApproval(why=why):
                raise Stopped(why, status=WAITING)
            case _:
                return

    def _stop(self, work: Work, stop: Stopped) -> JobOutcome:
        """Page the owner and say which rows wait."""
        if not stop.noted:
            self._desk.alarm(work.job, f"{stop.status}: {stop.why}")
            self._desk.book.turn(work.job.id, stop.status, stop.status, why=stop.why)
        return self._held_back(work, stop.why, stop.status)

    def _held_back(self, work: Work, why: str, status: str) -> JobOutcome:
        quarantined = take_stock(self._desk.book, work.record).quarantined
        waiting = tuple(row.key for row in work.rows if row.ordinal not in quarantined)
        return JobOutcome(status, why, 0, len(quarantined), waiting)

    def _was_done(self, work: Work) -> JobOutcome:
        said = self._entries(work, "promoted")[-1].body
        return JobOutcome(DONE, "", said["rows"], said["quarantined"], ())


def _consent(approval: Approval) -> dict[str, str]:
    """A person's consent as the ledger keeps it."""
    return {"by": approval.by, "up_to_usd": str(approval.up_to_usd)}


def rows_digest(rows: Sequence[Row]) -> str:
    """SHA-256 of keys and fields, to see that a job goes on with the rows it began with."""
    digest = hashlib.sha256()
    encode = msgspec.msgpack.encode
    for row in rows:
        texts = [row.key, *row.fields.values()]
        try:
            digest.update(encode(texts))
        except UnicodeEncodeError:
            digest.update(encode([text.encode("utf-8", "surrogatepass") for text in texts]))
    return digest.hexdigest()


def _same(job: Job, record: JobRecord, rows: int, digest: str) -> None:
    """Refuse to go on with a job under the id of another.

    Raises:
        ControlError: naming what differs.
    """
    differs = {
        "rows": (record.rows, record.rows_digest) != (rows, digest),
        "job type": record.type_digest != type_digest_of(document_of(job.type)),
        "seed": record.seed != job.seed,
    }
    for what, different in differs.items():
        if different:
            raise ControlError(
                f"The job {job.id!r} was begun with another {what}."
                if what != "rows"
                else f"The job {job.id!r} was begun with other rows.",
                fix="Start it with what it was begun with, or choose a new id.",
            )


def _still_whole(record: JobRecord) -> None:
    """Refuse to go on with a job whose answers are gone.

    Raises:
        ControlError: it was purged before it was done.
    """
    if record.purged_at is not None and record.status != DONE:
        raise ControlError(
            f"The answers of the job {record.id!r} were purged on {record.purged_at:%Y-%m-%d}.",
            fix="Start a new job with the rows that still matter.",
        )


def _alone(cleared: Mapping[str, Any]) -> bool:
    """Whether the slice is the whole job: then it is judged too, though nothing follows it."""
    return bool(len(cleared["slice"]) == cleared["rows"])
