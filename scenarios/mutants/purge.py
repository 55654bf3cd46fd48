"""Mutants of `purge`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from controls import Ledger
from controls.retention import Purge, purge
from scenarios.harness.mutants import Kind, mutant

Remove = Callable[..., Purge]


@mutant(purge, Kind.REMOVED)
def removes_nothing(_right: Remove) -> Remove:
    """Removes nothing and says that nothing was due."""
    return lambda *_given, **_named: Purge()


@mutant(purge, Kind.HALF)
def leaves_what_stood_before(right: Remove) -> Remove:
    """Forgets the rows that were kept for a rollback."""
    return lambda client, ledger, pager, **_named: right(client, ledger, pager)


@mutant(purge, Kind.TOO_LATE)
def comes_once_a_month(right: Remove) -> Remove:
    """Looks for what is due on the first of a month only."""

    def remove(client: Any, ledger: Ledger, pager: Any, **named: Any) -> Purge:
        first = ledger.now().day == 1
        return right(client, ledger, pager, **named) if first else Purge()

    return remove
