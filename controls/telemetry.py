"""Telemetry: what jobs cost and how they fare, as OpenTelemetry metrics and spans.

Protects from the bill that nobody can explain and from failures that nobody watches. It listens
to the ledger (`Ledger(engine, now, listen=Telemetry())`), so it says what the ledger says; pass it
providers, or set OpenTelemetry's global ones. Without any, nothing happens. Where the GenAI
semantic conventions have a name it is used; they are in development, as of 2026-11. The other
names begin with `gameday.`.

Weakness: spans of a process that was killed are never ended, and their batches have none; the
metrics of what was read before are sent all the same. Nothing of a row or an answer is told.
Neighbour: `attribution` adds up the same entries later, without any back end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Span, SpanKind, StatusCode, TracerProvider

from controls.core.ledger import LedgerEntry
from controls.policy import JobType

SCOPE = "gameday.controls"
UNKNOWN = "unknown"
ACCEPTED = "accepted"
FINE = frozenset({ACCEPTED, UNKNOWN})
"""Outcomes that are no error, as far as is known."""
UNBILLED = ("errored", "expired", "canceled")
"""Rows that cost nothing. Source: the API's batch page."""
MOST_USD = Decimal(10) ** 12
"""No batch costs as much: an amount above it was never one."""
STOPS = frozenset({"halted", "waiting for approval"})
ENDS = STOPS | {"promoted"}
BEGINS = STOPS | {"opened", "resumed", "created", "collected"}
"""Entries with which a job may come into view, first or again."""


@dataclass(slots=True)
class _Job:
    """What is known of a job that runs."""

    labels: dict[str, str]
    span: Span
    batches: dict[Any, Span] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    tokens: int = 0


class Telemetry:
    """Listens to a ledger, and tells OpenTelemetry.

    Args:
        job_types: whose team and model are told where an entry does not name them.
        meters: where metrics go; by default OpenTelemetry's global provider.
        tracers: where spans go; by default OpenTelemetry's global provider.
        per_job: whether metrics carry the job's id; without it they are cheaper to store.
    """

    def __init__(
        self,
        job_types: Iterable[JobType] = (),
        *,
        meters: MeterProvider | None = None,
        tracers: TracerProvider | None = None,
        per_job: bool = True,
    ) -> None:
        self._types = {job_type.name: job_type for job_type in job_types}
        self._per_job = per_job
        self._jobs: dict[str, _Job] = {}
        self._tracer = trace.get_tracer(SCOPE, tracer_provider=tracers)
        meter = metrics.get_meter(SCOPE, meter_provider=meters)
        self._input = meter.create_counter(
            "gen_ai.client.inference.usage.input_tokens", "{token}", "Input tokens that were billed"
        )
        self._output = meter.create_counter(
            "gen_ai.client.inference.usage.output_tokens", "{token}", "Output tokens billed"
        )
        self._cost = meter.create_counter("gameday.cost", "USD", "What collected batches cost")
        self._rows = meter.create_counter("gameday.rows", "{row}", "Rows that came back")
        self._batches = meter.create_counter("gameday.batches", "{batch}", "Batches, by event")
        self._halts = meter.create_counter("gameday.halts", "{halt}", "Jobs that were stopped")
        self._success = meter.create_gauge(
            "gameday.rows.success_ratio", "1", "Accepted of all rows that came back, per job"
        )
        self._efficiency = meter.create_gauge(
            "gameday.tokens_per_accepted_row", "{token}", "Input and output, per job"
        )

    def __call__(self, entry: LedgerEntry) -> None:
        """Tell one entry of the ledger."""
        job = self._jobs.get(entry.job)
        if job is None:
            if entry.kind not in BEGINS:
                return
            job = self._jobs[entry.job] = self._begin(entry)
        if entry.kind == "created":
            self._created(job, entry)
        elif entry.kind == "collected":
            self._collected(job, entry)
        if entry.kind in STOPS:
            self._halts.add(1, self._labels(job, entry) | {"gameday.status": entry.kind})
            job.span.set_status(StatusCode.ERROR, entry.kind)
        if entry.kind in ENDS:
            self._end(self._jobs.pop(entry.job), entry.at)

    def _begin(self, entry: LedgerEntry) -> _Job:
        name = _text(entry.body.get("job_type"))
        known = self._types.get(name)
        team, model = (known.team, known.prompt.model) if known else (UNKNOWN, UNKNOWN)
        labels = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": _text(entry.body.get("model"), model),
            "gameday.team": _text(entry.body.get("team"), team),
            "gameday.job_type": name,
        }
        span = self._tracer.start_span(
            f"invoke_workflow {name}",
            attributes={
                "gen_ai.operation.name": "invoke_workflow",
                "gen_ai.workflow.name": name,
                "gameday.team": labels["gameday.team"],
                "gameday.job": entry.job,
            },
            start_time=_nanoseconds(entry.at),
        )
        return _Job(labels, span)

    def _labels(self, job: _Job, entry: LedgerEntry) -> dict[str, str]:
        return job.labels | ({"gameday.job": entry.job} if self._per_job else {})

    def _created(self, job: _Job, entry: LedgerEntry) -> None:
        self._batches.add(1, self._labels(job, entry) | {"gameday.batch.event": "created"})
        job.batches[_number(entry.body.get("batch"))] = self._tracer.start_span(
            f"chat {job.labels['gen_ai.request.model']}",
            context=trace.set_span_in_context(job.span),
            kind=SpanKind.CLIENT,
            attributes=job.labels
            | {
                "gameday.job": entry.job,
                "gameday.batch.id": _text(entry.body.get("batch_id")),
                "gameday.batch.requests": _number(entry.body.get("requests")),
            },
            start_time=_nanoseconds(entry.at),
        )

    def _collected(self, job: _Job, entry: LedgerEntry) -> None:
        labels, body = self._labels(job, entry), entry.body
        spent, came = _number(body.get("input_tokens")), _number(body.get("output_tokens"))
        usd, rows = _usd(body.get("cost_usd")), outcomes_of(body)
        self._batches.add(1, labels | {"gameday.batch.event": "collected"})
        self._input.add(spent, labels | {"gen_ai.token.modality": "text"})
        self._output.add(came, labels | {"gen_ai.token.modality": "text"})
        self._cost.add(float(usd), labels)
        for outcome, count in rows.items():
            failed = {"error.type": error_class(outcome)} if outcome not in FINE else {}
            self._rows.add(count, labels | {"gameday.outcome": outcome} | failed)
        job.rows.update(rows)
        job.tokens += spent + came
        if UNKNOWN not in job.rows and (seen := job.rows.total()):
            self._success.set(job.rows[ACCEPTED] / seen, labels)
        if job.rows[ACCEPTED]:
            self._efficiency.set(job.tokens / job.rows[ACCEPTED], labels)
        if span := job.batches.pop(_number(body.get("batch")), None):
            span.set_attributes(
                {
                    "gen_ai.usage.input_tokens": spent,
                    "gen_ai.usage.output_tokens": came,
                    "gameday.cost": float(usd),
                }
            )
            span.end(_nanoseconds(entry.at))

    def _end(self, job: _Job, at: datetime) -> None:
        """Batches that were never collected end with their job, and say so."""
        for span in job.batches.values():
            span.set_status(StatusCode.ERROR, "not collected")
            span.end(_nanoseconds(at))
        job.span.end(_nanoseconds(at))


@dataclass(frozen=True, slots=True)
class Share:
    """Rows, and what they cost."""

    rows: int = 0
    usd: Decimal = Decimal(0)

    def __add__(self, other: Share) -> Share:
        """Both together."""
        return Share(self.rows + other.rows, self.usd + other.usd)


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who spent what, and on what. Each table adds up to all that was spent, but `by_error`,
    which is the part that went into rows without an accepted answer."""

    by_job: Mapping[str, Share]
    by_team: Mapping[str, Share]
    by_outcome: Mapping[str, Share]
    by_error: Mapping[str, Share]

    @property
    def total(self) -> Share:
        """Everything."""
        return sum(self.by_job.values(), Share())


def attribution(
    entries: Iterable[LedgerEntry], teams: Mapping[str, str] | None = None
) -> Attribution:
    """The cost of collected batches per job, team, row outcome and error class.

    A batch's cost is spread evenly over its rows that were billed: errored, expired and canceled
    ones cost nothing. What cannot be divided evenly goes to the first outcome by name.

    Args:
        entries: of any jobs, in the order of the ledger.
        teams: by job type, for entries that do not name their team.
    """
    by_job: dict[str, Share] = {}
    by_team: dict[str, Share] = {}
    by_outcome: dict[str, Share] = {}
    by_error: dict[str, Share] = {}
    team_of: dict[str, str] = {}
    for entry in entries:
        if entry.kind == "opened":
            usual = (teams or {}).get(_text(entry.body.get("job_type")), UNKNOWN)
            team_of[entry.job] = _text(entry.body.get("team"), usual)
        if entry.kind != "collected":
            continue
        for outcome, share in _spread(entry.body):
            _add(by_job, entry.job, share)
            _add(by_team, team_of.get(entry.job, UNKNOWN), share)
            _add(by_outcome, outcome, share)
            if outcome not in FINE:
                _add(by_error, error_class(outcome), share)
    return Attribution(by_job, by_team, by_outcome, by_error)


def outcomes_of(body: Mapping[str, Any]) -> dict[str, int]:
    """Rows of a collected batch by outcome; all of them `unknown` where the entry does not say."""
    given = body.get("outcomes")
    if isinstance(given, Mapping):
        return {_text(outcome): _number(count) for outcome, count in given.items()}
    return {UNKNOWN: _number(body.get("seen"))}


def error_class(outcome: str) -> str:
    """`overloaded_error` of `errored:overloaded_error`; other outcomes are their own class."""
    return outcome.partition(":")[2] or outcome


def _spread(body: Mapping[str, Any]) -> Iterator[tuple[str, Share]]:
    usd, rows = _usd(body.get("cost_usd")), outcomes_of(body)
    billed = {
        outcome: count
        for outcome, count in sorted(rows.items())
        if count and not outcome.startswith(UNBILLED)
    } or {UNKNOWN: 1}
    each = (usd / sum(billed.values())).quantize(Decimal("1e-6"), ROUND_DOWN)
    shares = {outcome: each * count for outcome, count in billed.items()}
    shares[next(iter(shares))] += usd - sum(shares.values())
    for outcome in sorted(rows.keys() | shares.keys()):
        yield outcome, Share(rows.get(outcome, 0), shares.get(outcome, Decimal(0)))


def _add(table: dict[str, Share], key: str, share: Share) -> None:
    table[key] = table.get(key, Share()) + share


def _text(value: object, default: str = UNKNOWN) -> str:
    return value[:100] if isinstance(value, str) and value else default


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _usd(value: object) -> Decimal:
    try:
        usd = Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
    return usd if usd.is_finite() and 0 < usd < MOST_USD else Decimal(0)


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1_000
