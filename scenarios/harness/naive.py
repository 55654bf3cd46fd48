"""The unguarded pipeline: what usually stands where a control is missing.

The bare arm replaces a drill's controls by these. Each does what common examples on the web do;
none of it is meant for production.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import delete
from sqlalchemy.engine import Connection

from controls import (
    ApprovedOnly,
    BatchRunner,
    Canary,
    Chunking,
    CircuitBreaker,
    CostCeiling,
    Deduplicated,
    FairShare,
    FieldAllowlist,
    FirstRun,
    IdempotentSubmit,
    KillSwitch,
    PromptFence,
    Quarantine,
    QuarantineThreshold,
    Reconciliation,
    Requeue,
    Router,
    Row,
    RowBinding,
    SensitiveText,
    Stack,
    Staging,
    SystemOfRecord,
    Telemetry,
    Watchdog,
    attribution,
    look_over,
)
from controls.audit import verify_trail
from controls.chunking import API_BYTES, API_REQUESTS
from controls.core.answer import Accepted, Answer, Quarantined, Verdict
from controls.core.book import JobRecord
from controls.core.columns import Staged
from controls.core.control import Control
from controls.core.decision import Decision, Halt, Proceed, Resubmit, SendAgain, Split
from controls.core.moment import AfterCollect, BeforeSubmit, CreateFailed, Moment
from controls.retention import purge

ALL_CONTROLS: tuple[type, ...] = (
    BatchRunner,
    KillSwitch,
    ApprovedOnly,
    FieldAllowlist,
    SensitiveText,
    CostCeiling,
    Canary,
    FirstRun,
    CircuitBreaker,
    FairShare,
    IdempotentSubmit,
    Watchdog,
    Reconciliation,
    Requeue,
    QuarantineThreshold,
    Chunking,
    Quarantine,
    PromptFence,
    RowBinding,
    Staging,
)
"""Everything in a stack that a drill can name and the bare arm can go without."""
BESIDE_THE_STACK: tuple[Any, ...] = (
    Router,
    Deduplicated,
    Telemetry,
    attribution,
    look_over,
    purge,
    verify_trail,
)
"""The same for what stands beside it: classes, and functions that somebody calls every day."""


class StandIn:
    """The base of what a drill can put where a control stood, if not the usual."""


class NaiveControl(StandIn):
    """The base of those that decide in a control's place."""

    def decide(self, moment: Moment, /) -> Decision:
        """What a control would be asked."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class BlindRetry:
    """Sends again whatever failed, twice, as the client does by default."""

    def decide(self, moment: Moment, /) -> Decision:
        """Any failed create is repeated up to the third attempt."""
        if not isinstance(moment, CreateFailed):
            return Proceed()
        if moment.attempt > 2:  # noqa: PLR2004 - the client's default max_retries
            return Halt(f"gave up: {moment.problem}")
        return SendAgain("retried", 1.0)


@dataclass(frozen=True, slots=True)
class LooksOnce(NaiveControl):
    """Where `IdempotentSubmit` stood: looks for a lost batch in the list, but only once."""

    def decide(self, moment: Moment, /) -> Decision:
        """What is not in the list at once does not exist."""
        return IdempotentSubmit(looks=1).decide(moment)


@dataclass(frozen=True, slots=True)
class SendsEverythingAgain(NaiveControl):
    """Where `Requeue` stood: whatever has no answer is sent again, whyever."""

    rounds: int = 3

    def decide(self, moment: Moment, /) -> Decision:
        """All of them, three times over."""
        if not isinstance(moment, AfterCollect) or not moment.unfinished:
            return Proceed()
        left = tuple(row.ordinal for row in moment.unfinished)
        if moment.round < self.rounds:
            return Resubmit(left, (), "everything again")
        return Resubmit((), tuple((ordinal, "failed") for ordinal in left), "gave up")


@dataclass(frozen=True, slots=True)
class TrustsTheEstimate(NaiveControl):
    """Where `CostCeiling` stood: one estimate before anything is sent, and never a look at what it
    really costs."""

    def decide(self, moment: Moment, /) -> Decision:
        """Halt if the estimate is above the ceiling."""
        if not isinstance(moment, BeforeSubmit):
            return Proceed()
        worst = moment.estimate().worst_case_usd
        return Halt("too expensive") if worst > moment.job_type.spend.ceiling_usd else Proceed()


@dataclass(frozen=True, slots=True)
class LooksAtFive(NaiveControl):
    """Where `Canary` stood: five answers, which look well."""

    def decide(self, moment: Moment, /) -> Decision:
        """Send five first, and find nothing."""
        if not isinstance(moment, BeforeSubmit) or moment.round:
            return Proceed()
        return Split(tuple(row.ordinal for row in moment.rows[:5]), "a look at five")


@dataclass(frozen=True, slots=True)
class NoFence:
    """Pastes text into the prompt."""

    def wrap(self, text: str, nonce: str) -> str:  # noqa: ARG002 - nothing marks the text
        return text

    def notice(self, nonce: str) -> str:  # noqa: ARG002 - nothing is said either
        return ""


@dataclass(frozen=True, slots=True)
class NoReference:
    """Asks nothing back: an answer belongs to the row that it came back for."""

    def reference(self, secret: bytes, custom_id: str, content: str) -> str:  # noqa: ARG002
        return ""

    def request_echo(self, reference: str) -> str:  # noqa: ARG002 - nothing is asked back
        return ""

    def examine(self, answer: Answer) -> Verdict:
        return Accepted(answer.value)

    def row_of(self, sent: Row) -> Row:
        return sent


@dataclass(frozen=True, slots=True)
class ByPosition(NoReference):
    """Joins answers to rows by position in the row source, read again when they arrive."""

    read_again: Callable[[], Sequence[Row]]

    def row_of(self, sent: Row) -> Row:
        return self.read_again()[sent.ordinal]


AS_MUCH_AS_GOES = Chunking(API_REQUESTS, API_BYTES)
"""Everything in one batch, as large as the documentation allows."""
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class TrustingParser:
    """Takes what looks like an answer and makes it fit, so that nothing is ever lost."""

    label: str
    columns: tuple[str, ...]

    def examine(self, answer: Answer) -> Verdict:
        """Coerces every text into a row of the table."""
        try:
            value = json.loads(answer.text)
        except ValueError:
            found = _OBJECT.search(answer.text)
            try:
                value = json.loads(found[0]) if found else answer.text
            except ValueError:
                value = answer.text
        if isinstance(value, list):
            value = value[0] if value else ""
        if not isinstance(value, dict):
            value = {self.label: str(value)[:200]}
        if not value:
            return Quarantined("empty", "nothing to coerce")
        return Accepted({name: _storable(value.get(name)) for name in self.columns})


def _storable(value: Any) -> Any:
    return value if isinstance(value, str | int | float | None) else json.dumps(value)


class StraightToRecord:
    """Writes answers into the system of record as they come."""

    def __init__(self, record: SystemOfRecord) -> None:
        self._record = record
        self._written: dict[str, None] = {}

    def stage(
        self,
        connection: Connection,  # noqa: ARG002 - it writes elsewhere, at once
        job: JobRecord,  # noqa: ARG002
        batch: int,  # noqa: ARG002
        part: int,  # noqa: ARG002
        answers: Staged,
    ) -> bytes:
        with self._record.engine.begin() as record:
            pairs = zip(answers.keys, answers.values, strict=True)
            self._record.write(record, [(key, json.loads(value)) for key, value in pairs])
        self._written.update(dict.fromkeys(answers.keys))
        return b""

    def forget(self, connection: Connection, job: JobRecord, batch: int) -> None:
        """Nothing was staged."""

    def promote(self, job: JobRecord, digests: Mapping[int, str]) -> int:  # noqa: ARG002
        """It has happened already."""
        return len(self._written)

    def rollback(self, job: str, keys: Collection[str] | None = None) -> int:  # noqa: ARG002
        """Deletes what it wrote; what stood there before is gone."""
        doomed = [key for key in self._written if keys is None or key in keys]
        with self._record.engine.begin() as connection:
            for key in doomed:
                connection.execute(delete(self._record.table).where(self._record.key == key))
        return len(doomed)


def without(
    stack: Stack,
    named: Collection[object],
    *,
    instead: Sequence[StandIn] = (),
    label: str,
    read_again: Callable[[], Sequence[Row]],
    record: SystemOfRecord,
) -> Stack:
    """The same stack with these controls replaced by what usually stands in their place."""
    kept: list[Control] = [part for part in stack.controls if type(part) not in named]
    given: list[Control] = [part for part in instead if isinstance(part, NaiveControl)]
    if IdempotentSubmit in named and not given:
        kept.append(BlindRetry())
    kept += given
    columns = tuple(column.name for column in record.table.c if column is not record.key)
    return replace(
        stack,
        controls=tuple(kept),
        gate=TrustingParser(label, columns) if Quarantine in named else stack.gate,
        fence=NoFence() if PromptFence in named else stack.fence,
        identity=ByPosition(read_again) if RowBinding in named else stack.identity,
        sink=StraightToRecord(record) if Staging in named else stack.sink,
        chunking=AS_MUCH_AS_GOES if Chunking in named else stack.chunking,
    )
