"""Mutants of `attribution`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from controls import Attribution, LedgerEntry, attribution
from scenarios.harness.mutants import Kind, mutant

AddUp = Callable[[Iterable[LedgerEntry]], Attribution]


@mutant(attribution, Kind.FORGETS)
def knows_the_canary_only(right: AddUp) -> AddUp:
    """Counts the first batch of each job, and forgets the others."""

    def add_up(entries: Iterable[LedgerEntry]) -> Attribution:
        seen: set[tuple[str, str]] = set()
        kept = []
        for entry in entries:
            if entry.kind != "collected" or (entry.job, entry.kind) not in seen:
                kept.append(entry)
            seen.add((entry.job, entry.kind))
        return right(kept)

    return add_up


@mutant(attribution, Kind.WRONG_FIELD)
def books_it_on_the_first_team(right: AddUp) -> AddUp:
    """Takes the team that came first for the team of every job."""

    def add_up(entries: Iterable[LedgerEntry]) -> Attribution:
        told = right(entries)
        first = next(iter(told.by_team), "")
        return Attribution(told.by_job, {first: told.total}, told.by_outcome, told.by_error)

    return add_up


@mutant(attribution, Kind.HALF)
def counts_good_rows_only(right: AddUp) -> AddUp:
    """Leaves out what was paid for rows that were kept back."""

    def add_up(entries: Iterable[LedgerEntry]) -> Attribution:
        told = right(entries)
        bad = sum(share.usd for outcome, share in told.by_outcome.items() if outcome != "accepted")
        good = 1 - bad / told.total.usd if told.total.usd else 1
        teams = {team: replace(share, usd=share.usd * good) for team, share in told.by_team.items()}
        return Attribution(told.by_job, teams, told.by_outcome, told.by_error)

    return add_up
