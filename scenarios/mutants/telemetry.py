"""Mutants of `Telemetry`."""

from __future__ import annotations

from dataclasses import replace

from controls import LedgerEntry, Telemetry
from scenarios.harness.mutants import Kind, mutant


@mutant(Telemetry, Kind.REMOVED)
class TellsNobody(Telemetry):
    """Listens, and says nothing."""

    def __call__(self, entry: LedgerEntry) -> None:
        """Nothing."""


@mutant(Telemetry, Kind.HALF)
class CountsGoodBatchesOnly(Telemetry):
    """Leaves out what batches cost of which a row was kept back."""

    def __call__(self, entry: LedgerEntry) -> None:
        if entry.kind != "collected" or set(entry.body["outcomes"]) == {"accepted"}:
            super().__call__(entry)


@mutant(Telemetry, Kind.WRONG_FIELD)
class TellsWhatWasAssumed(Telemetry):
    """Takes what was assumed of rows that never came for what a batch has cost."""

    def __call__(self, entry: LedgerEntry) -> None:
        if entry.kind == "collected":
            body = {**entry.body, "cost_usd": entry.body["assumed_usd"]}
            entry = replace(entry, body=body)
        super().__call__(entry)
