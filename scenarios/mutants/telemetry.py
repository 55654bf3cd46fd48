"""Mutants of `Telemetry`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from controls import LedgerEntry, Telemetry
from scenarios.harness.mutants import Kind, mutant


@mutant(Telemetry, Kind.REMOVED)
class CountsNothing(Telemetry):
    """Listens, and tells nobody."""

    def __call__(self, entry: LedgerEntry) -> None:
        """Nothing is told."""


@mutant(Telemetry, Kind.HALF)
class CountsGoodBatchesOnly(Telemetry):
    """Leaves out batches of which a row was kept back."""

    def _collected(self, job: Any, entry: LedgerEntry) -> None:
        if set(entry.body["outcomes"]) == {"accepted"}:
            super()._collected(job, entry)


@mutant(Telemetry, Kind.WRONG_FIELD)
class BooksEverythingOnOneTeam(Telemetry):
    """Takes the job's type for its team."""

    def _labels(self, job: Any, entry: LedgerEntry) -> dict[str, str]:
        labels = super()._labels(job, entry)
        return labels | {"gameday.team": labels["gameday.job_type"]}


@mutant(Telemetry, Kind.WRONG_UNIT)
class TakesDollarsForCents(Telemetry):
    """Divides what was paid by a hundred."""

    def _collected(self, job: Any, entry: LedgerEntry) -> None:
        usd = float(entry.body["cost_usd"]) / 100
        super()._collected(job, replace(entry, body={**entry.body, "cost_usd": f"{usd:.8f}"}))
