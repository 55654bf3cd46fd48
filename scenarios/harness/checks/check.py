"""What a check is, and how it tells what it found.

A check is a frozen value with `judge(record) -> Finding`. It counts what it looked at: a check
that saw nothing proves nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from reports import Finding, Outcome
from scenarios.harness.record import Record

EVIDENCE = 200
"""How many offenders a finding names: all, where somebody has to look after each of them."""


class Check(Protocol):
    """Says what one arm's record shows about one invariant."""

    def judge(self, record: Record) -> Finding:
        """The finding, with counts and the first offenders."""
        ...


def found(
    check: object, examined: int, offenders: Collection[str], held: str, broke: str
) -> Finding:
    """A finding from its offenders. `held` and `broke` are clauses; nothing examined, nothing
    proved."""
    name = type(check).__name__
    if offenders:
        first = list(offenders)[:EVIDENCE]
        return Finding(
            name,
            Outcome.BROKE,
            f"{len(offenders):,} {broke}",
            examined,
            len(offenders),
            tuple(first),
        )
    if not examined:
        return Finding(name, Outcome.NOT_EXERCISED, "there was nothing to look at", 0)
    return Finding(name, Outcome.HELD, held, examined)
