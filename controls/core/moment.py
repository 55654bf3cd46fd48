"""The moments of a job at which controls are asked. All frozen: a control only looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
    """A person's consent, kept in the ledger with the person's name. One without money lets a
    first run go on after its canary."""

    by: str
    up_to_usd: Decimal


@dataclass(frozen=True, slots=True)
class Review:
    """What the register of job types holds about one of them: who approved exactly what."""

    digest: str
    """Of the job type as it was approved."""
    by: str
    at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AtOpening:
    """A job is about to begin; nothing was sent for it."""

    job_id: str
    job_type: JobType
    digest: str
    """Of the job type as it is now."""
    reviews: tuple[Review, ...]
    """All reviews of this job type by name, oldest first; empty when nobody has approved it."""
    now: datetime


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
    team_today_usd: Decimal = Decimal(0)
    """Reserved or spent by the other jobs of the team on this day (UTC)."""
    prices_age_days: int = 0
    """How long ago the price table was right."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """Requests of one batch that the service has not finished, or that are about to be sent."""

    team: str
    job_id: str
    requests: int
    intended_at: datetime
    """When they were written down, just before they were sent."""


@dataclass(frozen=True, slots=True)
class Demand:
    """A batch that was told to wait and has not been sent yet."""

    team: str
    job_id: str
    requests: int
    priority: int
    since: datetime
    """When it asked first."""


@dataclass(frozen=True, slots=True)
class Create:
    """A batch that was sent a moment ago, or is about to be."""

    team: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a create call or a whole batch went, for the circuit breaker."""

    at: datetime
    good: bool
    what: str


@dataclass(frozen=True, slots=True)
class BeforeCreate:
    """One batch is ready to be created. Asked under a lock that all jobs of a store share: what
    is admitted counts as in flight for whoever asks next."""

    job_id: str
    team: str
    priority: int
    """Larger goes first; 0 for ordinary jobs."""
    requests: int
    now: datetime
    since: datetime
    """When this batch asked first."""
    in_flight: tuple[InFlight, ...] = ()
    """Of all jobs, this one included."""
    waiting: tuple[Demand, ...] = ()
    """Of all other jobs."""
    creates: tuple[Create, ...] = ()
    """Of all jobs within the last minute, oldest first."""
    outcomes: tuple[Outcome, ...] = ()
    """The last create calls and ended batches of all jobs, oldest first."""
    halts: tuple[str, ...] = ()
    """Reasons for which a person has stopped this job, its team or everything."""


@dataclass(frozen=True, slots=True)
class WhileWaiting:
    """A batch was polled and has not ended."""

    job_id: str
    batch_id: str
    created_at: datetime
    now: datetime
    status: str
    """`in_progress` or `canceling`; whatever else the service says."""
    requests: int
    counted: Mapping[str, int]
    """`request_counts` of the service."""
    halts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A batch that the service lists and that the ledger does not know."""

    batch_id: str
    created_at: datetime
    requests: int
    ours: bool | None = None
    """Whether its results are those of this batch; None while they cannot be read yet."""


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
    rivals: int = 0
    """Other batches of this store with as many requests that were perhaps sent, and of which it
    is not known either: a candidate may be one of theirs."""
    wait_seconds: float = 0.0
    """How long the service asked to wait before another try; 0 if it did not."""


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
    stage: str = "canary"
    """`canary`, or `ramp` for a later, larger slice."""


@dataclass(frozen=True, slots=True)
class AfterCanary:
    """The first slice came back and was graded."""

    job_type: JobType
    grades: Grades
    approvals: tuple[Approval, ...] = ()
    first_run: bool = False
    """No job of this version of the job type was ever promoted."""
    released: bool = True
    """A person has looked at the first slice and let the rest go."""


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
    kinds: Mapping[str, int] = field(default_factory=dict)
    """Readable rows by result type."""


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


Moment = (
    AtOpening
    | BeforeSubmit
    | BeforeCreate
    | CreateFailed
    | WhileWaiting
    | AfterDownload
    | AfterCanary
    | AfterCollect
    | BeforePromote
)
