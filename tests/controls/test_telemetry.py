"""Telemetry: the ledger's entries as metrics and spans, and added up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from controls import LedgerEntry, Telemetry, attribution
from controls.telemetry import Share
from tests.controls.builders import MODEL, NOW, Bench, a_job_type


@dataclass
class Backend:
    """What a telemetry back end would hold."""

    per_job: bool = True
    reader: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)
    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)

    def __post_init__(self) -> None:
        self._meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self._tracers = TracerProvider(shutdown_on_exit=False)
        self._tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.telemetry = Telemetry(
            [a_job_type()], meters=self._meters, tracers=self._tracers, per_job=self.per_job
        )

    def close(self) -> None:
        """Stop both providers."""
        self._meters.shutdown()
        self._tracers.shutdown()

    def tell(self, *given: LedgerEntry) -> None:
        """Hear these entries."""
        for one in given:
            self.telemetry(one)

    def points(self, name: str) -> list[tuple[float, Mapping[str, Any]]]:
        """Value and labels of every series of a metric."""
        data = self.reader.get_metrics_data()
        return [
            (point.value, dict(point.attributes or {}))
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
            if metric.name == name and isinstance(point, NumberDataPoint)
        ]

    def by(self, name: str, label: str) -> dict[str, float]:
        """Values of a metric by one label."""
        return {labels.get(label, ""): value for value, labels in self.points(name)}

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        """Ended spans by name; of several the last."""
        return {span.name: span for span in self.exporter.get_finished_spans()}


@pytest.fixture
def backend() -> Iterator[Backend]:
    """A back end for one test."""
    made = Backend()
    yield made
    made.close()


def entry(kind: str, minutes: float = 0.0, job: str = "job_1", **body: Any) -> LedgerEntry:
    """One entry, so many minutes after `NOW`."""
    return LedgerEntry(1, NOW + timedelta(minutes=minutes), job, kind, body)


def collected(usd: str = "1.00", job: str = "job_1", **outcomes: int) -> LedgerEntry:
    """A batch that was read five minutes after `NOW`."""
    return entry(
        "collected",
        5,
        job,
        batch=1,
        batch_id="msgbatch_1",
        seen=sum(outcomes.values()),
        cost_usd=usd,
        input_tokens=300,
        output_tokens=60,
        outcomes={name.replace("__", ":"): count for name, count in outcomes.items()},
    )


OPENED = entry("opened", job_type="grading", rows=100)
CREATED = entry("created", 1, batch=1, batch_id="msgbatch_1", requests=100)


def test_a_collected_batch_is_told_by_team_job_type_job_and_model(backend: Backend) -> None:
    """Tokens under the names of the GenAI conventions, cost under our own."""
    backend.tell(OPENED, CREATED, collected(accepted=100))

    labels = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": MODEL,
        "gameday.team": "support",
        "gameday.job_type": "grading",
        "gameday.job": "job_1",
    }
    text = labels | {"gen_ai.token.modality": "text"}
    assert [(300, text)] == backend.points("gen_ai.client.inference.usage.input_tokens")
    assert [(60, text)] == backend.points("gen_ai.client.inference.usage.output_tokens")
    assert [(1.0, labels)] == backend.points("gameday.cost")
    assert {"created": 1, "collected": 1} == backend.by("gameday.batches", "gameday.batch.event")


def test_rows_are_told_by_outcome_and_error_class(backend: Backend) -> None:
    """With success rate and tokens per accepted row."""
    backend.tell(
        OPENED, CREATED, collected(accepted=90, schema=6, errored__overloaded_error=3, expired=1)
    )

    assert {
        "accepted": 90,
        "schema": 6,
        "errored:overloaded_error": 3,
        "expired": 1,
    } == backend.by("gameday.rows", "gameday.outcome")
    assert {"": 90, "schema": 6, "overloaded_error": 3, "expired": 1} == backend.by(
        "gameday.rows", "error.type"
    )
    assert [0.9] == [value for value, _ in backend.points("gameday.rows.success_ratio")]
    assert [4.0] == [value for value, _ in backend.points("gameday.tokens_per_accepted_row")]


def test_no_success_rate_is_told_where_outcomes_are_not_known(backend: Backend) -> None:
    """A guess would look like a fact."""
    backend.tell(OPENED, entry("collected", seen=100, cost_usd="1", batch=1))

    assert {"unknown": 100} == backend.by("gameday.rows", "gameday.outcome")
    assert [] == backend.points("gameday.rows.success_ratio")


def test_a_job_is_a_span_over_the_spans_of_its_batches(backend: Backend) -> None:
    """Their times are those of the ledger."""
    backend.tell(OPENED, CREATED, collected(accepted=100), entry("promoted", 6, rows=100))

    job, batch = backend.spans["invoke_workflow grading"], backend.spans[f"chat {MODEL}"]
    assert job.context
    assert batch.parent
    assert job.context.span_id == batch.parent.span_id
    minutes = [
        (at - NOW.timestamp() * 1e9) / 60e9
        for at in (job.start_time, batch.start_time, batch.end_time, job.end_time)
        if at is not None
    ]
    assert [0, 1, 5, 6] == minutes
    told = dict(batch.attributes or {})
    assert ("msgbatch_1", 300, 60, 100) == (
        told["gameday.batch.id"],
        told["gen_ai.usage.input_tokens"],
        told["gen_ai.usage.output_tokens"],
        told["gameday.batch.requests"],
    )


@pytest.mark.parametrize("status", ["halted", "waiting for approval"])
def test_a_job_that_stops_is_counted_and_its_open_spans_end(backend: Backend, status: str) -> None:
    """Both as errors; why it stopped stays in the ledger, for it may quote a row."""
    backend.tell(OPENED, CREATED, entry(status, 3, why="a secret of a row"))

    assert {status: 1} == backend.by("gameday.halts", "gameday.status")
    assert {StatusCode.ERROR} == {span.status.status_code for span in backend.spans.values()}
    assert {status, "not collected"} == {span.status.description for span in backend.spans.values()}


def test_a_rollback_after_the_end_begins_no_new_job(backend: Backend) -> None:
    """It costs nothing."""
    backend.tell(OPENED, entry("promoted"), entry("rolled back", rows=3))

    assert {} == backend.telemetry._jobs


def test_a_job_can_be_left_out_of_the_labels() -> None:
    """Back ends charge by series."""
    backend = Backend(per_job=False)
    backend.tell(OPENED, collected(accepted=1))

    assert ["gameday.job" in labels for _, labels in backend.points("gameday.cost")] == [False]
    backend.close()


def test_without_a_back_end_nothing_happens() -> None:
    """OpenTelemetry's own default does nothing."""
    telemetry = Telemetry()
    for one in (OPENED, CREATED, collected(accepted=1), entry("promoted")):
        telemetry(one)

    assert {} == telemetry._jobs


def test_a_real_job_is_told_as_its_ledger_has_it(backend: Backend) -> None:
    """Batches, tokens and dollars, from opening to promotion."""
    bench = Bench(listen=backend.telemetry)
    bench.run()
    batches = bench.entries("collected")

    assert {"created": len(batches), "collected": len(batches)} == backend.by(
        "gameday.batches", "gameday.batch.event"
    )
    ((tokens, _),) = backend.points("gen_ai.client.inference.usage.input_tokens")
    assert sum(batch["input_tokens"] for batch in batches) == tokens
    ((usd, _),) = backend.points("gameday.cost")
    assert float(bench.books.billed_usd) == pytest.approx(usd, abs=1e-5)
    assert "invoke_workflow grading" in backend.spans
    assert bench.books.billed_usd == pytest.approx(
        attribution(bench.ledger.entries("job_1")).by_job["job_1"].usd, abs=Decimal("1e-5")
    )


def test_cost_is_attributed_to_job_team_outcome_and_error_class() -> None:
    """Errored rows cost nothing; answers that were not accepted did."""
    mine = [
        OPENED,
        collected("1.00", accepted=60, schema=40, errored__api_error=10),
        entry("opened", job="job_2", job_type="other", team="sales"),
        collected("0.50", "job_2", accepted=10),
    ]
    told = attribution(mine, {"grading": "support"})

    assert {
        "job_1": Share(110, Decimal("1.00")),
        "job_2": Share(10, Decimal("0.50")),
    } == told.by_job
    assert {
        "support": Share(110, Decimal("1.00")),
        "sales": Share(10, Decimal("0.50")),
    } == told.by_team
    assert {
        "accepted": Share(70, Decimal("1.10")),
        "schema": Share(40, Decimal("0.40")),
        "errored:api_error": Share(10, Decimal(0)),
    } == told.by_outcome
    assert {
        "schema": Share(40, Decimal("0.40")),
        "api_error": Share(10, Decimal(0)),
    } == told.by_error
    assert Share(120, Decimal("1.50")) == told.total


def test_what_cannot_be_divided_evenly_goes_to_the_first_outcome() -> None:
    """A dollar over six rows, to the millionth."""
    told = attribution([OPENED, collected("1.00", accepted=3, schema=3)])

    assert {
        "accepted": Share(3, Decimal("0.500002")),
        "schema": Share(3, Decimal("0.499998")),
    } == told.by_outcome


def some_entries() -> st.SearchStrategy[LedgerEntry]:
    """Entries of any kind with any body."""
    names = [
        *("job_type", "team", "model", "batch", "batch_id", "requests", "seen"),
        *("cost_usd", "input_tokens", "output_tokens", "outcomes"),
    ]
    values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    bodies = st.dictionaries(
        st.sampled_from(names),
        values | st.dictionaries(st.text(max_size=3), values, max_size=3),
    )
    kinds = st.sampled_from(["opened", "created", "collected", "halted", "promoted", "paged"])
    return st.builds(
        LedgerEntry, st.just(1), st.just(NOW), st.sampled_from(["job_1", "job_2"]), kinds, bodies
    )


@given(st.lists(some_entries(), max_size=12))
def test_any_entry_can_be_heard(given_entries: list[LedgerEntry]) -> None:
    """A ledger may hold what an older or a newer version wrote; a job never stops for it."""
    backend = Backend()
    backend.tell(*given_entries)
    backend.close()


@given(st.lists(some_entries(), max_size=12))
def test_every_cent_is_attributed_exactly_once(given_entries: list[LedgerEntry]) -> None:
    """Per job, per team and per outcome alike, and the same again."""
    told = attribution(given_entries)

    assert told == attribution(given_entries)
    for table in (told.by_team, told.by_outcome):
        assert told.total == sum(table.values(), Share())
    assert all(share.usd >= 0 for share in told.by_outcome.values())
