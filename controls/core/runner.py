"""The one place where decisions become calls: read `BatchRunner.run` from top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import anthropic
import msgspec
from anthropic.types import MessageTokensCount
from sqlalchemy.exc import SQLAlchemyError

from controls.ceiling import SAMPLE_ROWS, estimate_cost
from controls.core.alerts import Pager
from controls.core.clock import Clock
from controls.core.collector import Collector
from controls.core.decision import AskApproval, Decision, Halt, Resubmit, Split
from controls.core.dressing import Dresser
from controls.core.errors import ControlError
from controls.core.grading import grade
from controls.core.ledger import Kept, Ledger
from controls.core.moment import AfterCanary, AfterCollect, BeforePromote, BeforeSubmit, Estimate
from controls.core.rows import DressedRow, Row, check_rows
from controls.core.submitter import Submitter
from controls.core.work import QUARANTINED, STAGED, Desk, Job, Stopped, Work
from controls.ids import Namespace
from controls.policy import check_columns
from controls.prices import PriceTable, default_prices
from controls.stack import Stack


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
    """

    def __init__(
        self,
        client: anthropic.Anthropic,
        ledger: Ledger,
        clock: Clock,
        stack: Stack,
        *,
        pager: Pager,
        secret: bytes,
        prices: PriceTable | None = None,
    ) -> None:
        self._desk = Desk(client, ledger, clock, stack, prices or default_prices(), pager)
        self._secret = secret
        self._submitter = Submitter(self._desk)
        self._collector = Collector(self._desk)

    def run(self, job: Job, rows: Sequence[Row]) -> JobOutcome:
        """Take a job from its rows to the system of record, or stop with a reason.

        Args:
            job: identity, policy and approvals.
            rows: ordinals must be 0, 1, 2, … in order.

        Raises:
            ControlError: the rows do not fit the job type, its model has no price, or the job
                has been started before; nothing was sent.
        """
        work = self._open(job, rows)
        try:
            split = self._may_submit(work, range(len(rows)))
            if split is None:
                self._send_and_collect(work, range(len(rows)))
            else:
                self._run_canary(work, split)
                rest = sorted(set(range(len(rows))) - set(split.first))
                self._send_and_collect(work, rest)
            self._send_unfinished_again(work)
            return self._promote(work)
        except Stopped as stop:
            return self._stop(work, stop)

    def rollback(self, job: Job, keys: Sequence[str] | None = None) -> int:
        """Undo the promotion of a job, or of exactly these keys; the number of rows put back."""
        asked = "all" if keys is None else len(keys)
        self._desk.ledger.append(job.id, "rollback intended", keys=asked)
        count = self._desk.stack.sink.rollback(job.id, keys)
        self._desk.ledger.append(job.id, "rolled back", rows=count)
        return count

    def _open(self, job: Job, rows: Sequence[Row]) -> Work:
        check_rows(job.id, rows)
        check_columns(job.type, tuple(rows[0].fields))
        price = self._desk.prices.price(job.type.prompt.model)
        if self._desk.ledger.was_sent(job.id):
            raise ControlError(
                f"The job {job.id!r} has sent requests before; to send them again could pay twice.",
                fix="Settle what the ledger says of it, then start a job with a new id.",
            )
        namespace = Namespace(job.type.team, job.id)
        stack = self._desk.stack
        dresser = Dresser(job.type, namespace, self._secret, stack.fence, stack.identity)
        self._desk.ledger.append(
            job.id,
            "opened",
            rows=len(rows),
            job_type=job.type.name,
            policy_version=job.type.policy_version,
            approved_by=job.type.approved_by,
            approvals=[
                {"by": approval.by, "up_to_usd": str(approval.up_to_usd)}
                for approval in job.approvals
            ],
        )
        state, attempts = bytearray(len(rows)), bytearray(len(rows))
        return Work(job, rows, namespace, dresser, price, state, attempts)

    def _may_submit(self, work: Work, ordinals: Sequence[int]) -> Split | None:
        """Ask before sending; returns the slice that has to go first, if any."""
        estimated: list[Estimate] = []

        def estimate() -> Estimate:
            if not estimated:
                estimated.append(self._estimate(work, ordinals))
            return estimated[0]

        decision = self._desk.ask(
            work.job,
            BeforeSubmit(
                job_id=work.job.id,
                job_type=work.job.type,
                rows=[work.rows[ordinal] for ordinal in ordinals],
                dress=work.dresser.dress,
                estimate=estimate,
                committed_usd=work.spent_usd,
                approvals=work.job.approvals,
                seed=work.job.seed,
                round=work.round,
                template=work.dresser.template,
            ),
        )
        self._stop_if(decision)
        if estimated:
            work.reserved_usd = work.spent_usd + estimated[0].worst_case_usd
            self._desk.ledger.append(
                work.job.id,
                "reserved",
                usd=f"{work.reserved_usd:.6f}",
                rows=estimated[0].rows,
                counted_rows=estimated[0].counted_rows,
            )
        return decision if isinstance(decision, Split) else None

    def _estimate(self, work: Work, ordinals: Sequence[int]) -> Estimate:
        dice = Random(f"{work.job.seed}/estimate")
        sample = dice.sample(ordinals, min(SAMPLE_ROWS, len(ordinals)))
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

    def _run_canary(self, work: Work, split: Split) -> None:
        work.slicing = True
        self._send_and_collect(work, split.first)
        work.slicing = False
        grades = grade(
            work.job.type,
            work.rows,
            [work.rows[ordinal] for ordinal in split.first],
            work.slice_lines,
            work.spent_usd,
            binding=self._desk.stack.identity,
        )
        work.slice_lines.clear()
        self._desk.ledger.append(
            work.job.id,
            "graded",
            rows=grades.rows,
            bad=grades.bad,
            known=grades.known,
            correct=grades.correct,
        )
        moment = AfterCanary(work.job.type, grades, work.job.approvals)
        self._stop_if(self._desk.ask(work.job, moment))

    def _send_and_collect(self, work: Work, ordinals: Sequence[int]) -> None:
        for batch in self._submitter.send(work, ordinals):
            self._collector.collect(work, batch)

    def _send_unfinished_again(self, work: Work) -> None:
        """Rounds of resubmission until no row is left, or nobody wants another round."""
        while work.unfinished:
            unfinished = tuple(work.unfinished[ordinal] for ordinal in sorted(work.unfinished))
            moment = AfterCollect(work.job.type, work.round, unfinished)
            decision = self._desk.ask(work.job, moment)
            self._stop_if(decision)
            if not isinstance(decision, Resubmit):
                return
            self._desk.alarm(
                work.job, f"{len(unfinished):,} rows came back without an answer; {decision.why}"
            )
            self._give_up(work, decision)
            if not decision.again:
                return
            work.round += 1
            self._may_submit(work, decision.again)
            self._send_and_collect(work, decision.again)

    def _give_up(self, work: Work, decision: Resubmit) -> None:
        kept = []
        for ordinal, reason in decision.give_up:
            work.unfinished.pop(ordinal, None)
            work.state[ordinal] = QUARANTINED
            row = work.rows[ordinal]
            custom_id = work.namespace.custom_id(ordinal)
            detail = f"no answer after {work.attempts[ordinal]} attempts"
            kept.append(Kept(0, ordinal, row.key, custom_id, reason, detail, b""))
        self._desk.ledger.quarantine(work.job.id, kept)

    def _promote(self, work: Work) -> JobOutcome:
        lost = [
            work.namespace.custom_id(ordinal)
            for ordinal, state in enumerate(work.state)
            if state not in (STAGED, QUARANTINED)
        ]
        staged, quarantined = work.state.count(STAGED), work.state.count(QUARANTINED)
        decision = self._desk.ask(
            work.job,
            BeforePromote(
                rows=len(work.rows),
                staged=staged,
                quarantined=quarantined,
                lost=tuple(lost),
                spent_usd=work.spent_usd,
                reserved_usd=work.reserved_usd,
                approvals=work.job.approvals,
            ),
        )
        self._stop_if(decision)
        if quarantined:
            reasons = self._desk.ledger.quarantined(work.job.id)
            why = ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items()))
            self._desk.alarm(work.job, f"{quarantined:,} rows are in quarantine: {why}")
        self._desk.ledger.append(work.job.id, "promotion intended", rows=staged)
        try:
            promoted = self._desk.stack.sink.promote(work.job.id)
        except SQLAlchemyError as error:
            raise Stopped(f"the promotion failed: {type(error).__name__}") from error
        self._desk.ledger.append(
            work.job.id, "promoted", rows=promoted, spent_usd=f"{work.spent_usd:.6f}"
        )
        return JobOutcome("done", "", promoted, quarantined, ())

    def _stop_if(self, decision: Decision) -> None:
        match decision:
            case Halt(why=why):
                raise Stopped(why)
            case AskApproval(why=why):
                raise Stopped(why, status="waiting for approval")
            case _:
                return

    def _stop(self, work: Work, stop: Stopped) -> JobOutcome:
        """Page the owner and say which rows wait."""
        self._desk.alarm(work.job, f"{stop.status}: {stop.why}")
        self._desk.ledger.append(work.job.id, stop.status, why=stop.why)
        waiting = tuple(
            row.key
            for row, state in zip(work.rows, work.state, strict=True)
            if state != QUARANTINED
        )
        return JobOutcome(stop.status, stop.why, 0, work.state.count(QUARANTINED), waiting)
