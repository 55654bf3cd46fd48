"""What a pipeline is asked to do in one arm: rows and the policy they run under."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from controls import JobType, Row


@dataclass(slots=True)
class RowSource:
    """The query or file behind the rows. It counts how often it is read again."""

    rows: tuple[Row, ...]
    """What it yields when it is read again, at collection."""
    read_again: int = 0

    def again(self) -> tuple[Row, ...]:
        """The rows as the source yields them now."""
        self.read_again += 1
        return self.rows


@dataclass(frozen=True, slots=True)
class Task:
    """Rows and their job type, as the pipeline gets them: possibly sabotaged."""

    job_type: JobType
    rows: tuple[Row, ...]
    source: RowSource
    """Where the rows come from, for a pipeline that reads them a second time."""
    planted: Mapping[str, str]
    """Row key to the instruction that was planted in its text."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Row key to the secret that stands in its text."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One job of several that share an account and a store."""

    rows: Sequence[Row]
    team: str = ""
    """By default that of the job type."""
    priority: int = 0
    after: timedelta = timedelta()
    """So long after the first job it begins."""


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A task after one sabotage, with the proof that something was changed."""

    task: Task
    times: int
    where: tuple[str, ...]
    """The first places that were changed."""
    source: RowSource | None = None
    """Set when the change shows only to a pipeline that reads this source again."""
    hits: list[str] = field(default_factory=list)
    """Where a mishap struck meanwhile, as it did; see `scenarios.harness.mishaps`."""

    @property
    def fired(self) -> int:
        """How many of the changes the pipeline was exposed to."""
        exposed = self.source is None or bool(self.source.read_again)
        return (self.times if exposed else 0) + len(self.hits)

    @property
    def places(self) -> tuple[str, ...]:
        """The first places that were changed or struck."""
        return (*self.where, *self.hits)[:5]
