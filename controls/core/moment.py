"""The moments of a job at which controls are asked. All frozen: a control only looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from controls.core.rows import DressedRow, Row
from controls.policy import JobType


@dataclass(frozen=True, slots=True)
class Estimate:
    """What sending some rows could cost at worst."""

    rows: int
    input_tokens: int
    """Upper bound: counted on a sample, scaled by size for the rest."""
    output_tokens: int
    """Rows times `max_tokens`."""
    worst_case_usd: Decimal
    counted_rows: int
    """How many rows were counted exactly by the service."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's consent, kept in the ledger with the person's name."""

    by: str
    up_to_usd: Decimal


@dataclass(frozen=True, slots=True)
class BeforeSubmit:
    """Requests are ready; nothing has been sent yet."""

    job_id: str
    job_type: JobType
    rows: Sequence[Row]
    dress: Callable[[Row], DressedRow]
    estimate: Callable[[], Estimate]
    """Asks the service to count tokens the first time, then remembers."""
    committed_usd: Decimal
    """Reserved or spent by this job before."""
    approvals: tuple[Approval, ...]
    seed: int
    round: int = 0
    """How often rows were sent again so far; 0 for the first sending."""
    template: bytes = b""
    """The `params` that all rows share, with `\x7f` wherever a row's value goes. May be empty:
    then every value is looked at closely."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A batch that the service lists and that the ledger does not know."""

    batch_id: str
    created_at: datetime
    requests: int


@dataclass(frozen=True, slots=True)
class CreateFailed:
    """A create call brought no batch id back."""

    problem: str
    ambiguous: bool
    """The service may have accepted the batch."""
    refused: bool
    """The service said no, and would say so again."""
    intended_at: datetime
    requests: int
    attempt: int
    """Counts calls, from 1."""
    looks: int
    """How often the batches were listed since the call."""
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Grades:
    """What the canary slice showed."""

    rows: int
    bad: int
    """Errored, expired, unreadable or quarantined."""
    bad_reasons: Mapping[str, int]
    known: int
    """Rows of the slice with a known answer that got a valid one."""
    correct: int
    labels: Mapping[str, int]
    expected: Mapping[str, float]
    """Share of each label among all known answers of the job."""
    cost_usd: Decimal
    remaining_rows: int


@dataclass(frozen=True, slots=True)
class AfterCanary:
    """The first slice came back and was graded."""

    job_type: JobType
    grades: Grades
    approvals: tuple[Approval, ...] = ()


@dataclass(frozen=True, slots=True)
class Balance:
    """One batch, sent against seen, by `custom_id`."""

    batch_id: str
    sent: int
    seen: int
    """Distinct rows of this batch with a readable line."""
    lost: tuple[str, ...]
    """`custom_id`s that were sent and are not in the results."""
    duplicated: int
    """Lines that repeat a row with the same content."""
    conflicting: tuple[int, ...]
    """Ordinals with two different lines: neither can be trusted."""
    unexpected: tuple[str, ...]
    """`custom_id`s that were never sent in this batch."""
    unreadable: int
    recovered: int
    """Rows that an earlier download did not have."""
    counted: Mapping[str, int]
    """`request_counts` of the service."""
    downloads: int
    problem: str
    """Why the last download broke off; empty if it did not."""


@dataclass(frozen=True, slots=True)
class AfterDownload:
    """The results of a batch were read to the end, or as far as they came."""

    balance: Balance


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A row that came back without an answer."""

    ordinal: int
    kind: str
    """`errored`, `expired` or `canceled`."""
    error_type: str
    attempts: int


@dataclass(frozen=True, slots=True)
class AfterCollect:
    """All batches of a round are collected; some rows have no answer."""

    job_type: JobType
    round: int
    """How often rows were sent again so far."""
    unfinished: tuple[Unfinished, ...]


@dataclass(frozen=True, slots=True)
class BeforePromote:
    """Everything is staged or quarantined; nothing is in the system of record yet."""

    rows: int
    staged: int
    quarantined: int
    lost: tuple[str, ...]
    """`custom_id`s of rows that are neither staged nor quarantined."""
    spent_usd: Decimal
    reserved_usd: Decimal
    approvals: tuple[Approval, ...] = ()


Moment = BeforeSubmit | CreateFailed | AfterCanary | AfterDownload | AfterCollect | BeforePromote
