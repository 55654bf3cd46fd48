"""Whether every row has its answer, or is held back where somebody sees it."""

from __future__ import annotations

from dataclasses import dataclass

from reports import Finding
from scenarios.harness.checks.check import found
from scenarios.harness.record import Record


@dataclass(frozen=True, slots=True)
class EveryRowAccountedFor:
    """Conservation: each row ends as promoted, quarantined, or visibly held back."""

    def judge(self, record: Record) -> Finding:
        total = len(record.rows)
        return found(
            self,
            total,
            record.lost,
            f"{len(record.promoted & record.keys):,} promoted, {len(record.quarantined):,} "
            f"quarantined, {len(record.waiting):,} held back",
            f"of {total:,} rows are nowhere, and nobody was told",
        )


@dataclass(frozen=True, slots=True)
class EveryRowAnswered:
    """Every row has its answer in the system of record at the end."""

    def judge(self, record: Record) -> Finding:
        total = len(record.rows)
        missing = sorted(record.keys - record.promoted)
        return found(
            self,
            total,
            missing,
            f"all {total:,} rows were answered and promoted",
            f"of {total:,} rows have no answer",
        )


@dataclass(frozen=True, slots=True)
class RowsAnswered:
    """At least such a share of the rows has its answer in the system of record at the end: what was
    wrong with some cost the others nothing."""

    at_least: float = 0.9

    def judge(self, record: Record) -> Finding:
        total = len(record.rows)
        missing = sorted(record.keys - record.promoted)
        enough = total - len(missing) >= self.at_least * total
        return found(
            self,
            total,
            () if enough else missing,
            f"{total - len(missing):,} of {total:,} rows were answered and promoted",
            f"of {total:,} rows have no answer; {1 - self.at_least:.1%} would do no harm",
        )


@dataclass(frozen=True, slots=True)
class NoTornJobPromoted:
    """What reached the record is nearly all of a job, or nothing of it."""

    share: float = 0.75

    def judge(self, record: Record) -> Finding:
        total, done = len(record.rows), len(record.promoted & record.keys)
        torn = 0 < done < self.share * total
        return found(
            self,
            total,
            [f"{done:,} of {total:,}"] if torn else (),
            f"{done:,} of {total:,} rows were promoted",
            "job was promoted in part",
        )
