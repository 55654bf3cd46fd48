"""The evidence of one plan: what the invariants judge, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from scenarios.harness.fuzz.plan import Deed, Plan
from scenarios.harness.record import Record

HALTS = frozenset({Deed.HALT, Deed.HALT_TEAM, Deed.CANCEL})


@dataclass(frozen=True, slots=True)
class Epilogue:
    """What came of undoing and purging everything after the story."""

    not_undone: tuple[str, ...]
    """Keys of which the system of record is not as it was before the job."""
    promoted: int
    """How many rows there were to put back."""
    left: tuple[str, ...]
    """Payload that is still there after its deadline, and nobody was told."""
    payload: int
    """How many batches the service had, and rows the store."""


@dataclass(frozen=True, slots=True)
class Story:
    """What happened in one plan, by the books of the service and the tables themselves."""

    plan: Plan
    record: Record
    written: Mapping[str, int]
    """How often each row of the system of record was written by the job."""
    kept: Mapping[str, int]
    """How often each row is in quarantine."""
    unannounced: tuple[str, ...]
    """`custom_id`s that went to the service before the ledger had them."""
    announced: int
    """How many were looked up."""
    put_back: frozenset[str]
    """Keys that people had rolled back during the story."""
    not_put_back: tuple[str, ...]
    """Those of them that are not as before."""
    epilogue: Epilogue
    limit: timedelta
    """So long may this job take."""
    killed: int
    """How many of the kills struck."""
    acts: tuple[Deed, ...]
    """What people did."""
    steps: int
    """Durable steps of all workers."""

    @property
    def struck(self) -> tuple[str, ...]:
        """Names of the faults that struck."""
        firings = self.record.books.firings.values()
        names = {firing.fault.partition("(")[0] for firing in firings if firing.count}
        return tuple(sorted(names))

    @property
    def was_calm(self) -> bool:
        """Nothing happened in it, and nobody had to decide anything."""
        return self.plan.is_calm

    @property
    def stopped_by_hand(self) -> bool:
        """A person has stopped the job, and knows."""
        return bool(HALTS.intersection(self.acts))
