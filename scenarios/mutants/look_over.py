"""Mutants of `look_over`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial

from controls import BatchFacts, Finding, look_over
from scenarios.harness.mutants import Kind, mutant

Look = Callable[..., tuple[Finding, ...]]


@mutant(look_over, Kind.REMOVED)
def looks_away(_right: Look) -> Look:
    """Finds nothing, whatever there is."""
    return lambda _batches, _now: ()


@mutant(look_over, Kind.HALF)
def knows_its_own_only(right: Look) -> Look:
    """Looks only at batches that the ledger knows."""

    def look(batches: Iterable[BatchFacts], now: datetime) -> tuple[Finding, ...]:
        return right([batch for batch in batches if batch.known_to_ledger], now)

    return look


@mutant(look_over, Kind.WRONG_UNIT)
def takes_days_for_seconds(right: Look) -> Look:
    """Tells of unread results five seconds before they are deleted, not five days."""
    return partial(right, days_before=5 / 86_400)


@mutant(look_over, Kind.WRONG_FIELD)
def takes_ended_for_read(right: Look) -> Look:
    """Takes a batch that has ended for one that was read."""

    def look(batches: Iterable[BatchFacts], now: datetime) -> tuple[Finding, ...]:
        return right([replace(batch, collected_at=batch.ended_at) for batch in batches], now)

    return look


@mutant(look_over, Kind.TOO_STRICT)
def knows_nobody(right: Look) -> Look:
    """Takes every batch for a stranger's."""

    def look(batches: Iterable[BatchFacts], now: datetime) -> tuple[Finding, ...]:
        return right([replace(batch, known_to_ledger=False) for batch in batches], now)

    return look
