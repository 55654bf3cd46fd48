"""How long it takes, and what happens after somebody has said stop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from reports import Finding
from scenarios.harness.checks.check import found
from scenarios.harness.record import Record


@dataclass(frozen=True, slots=True)
class EndsWithin:
    """The job ends in bounded virtual time."""

    limit: timedelta

    def judge(self, record: Record) -> Finding:
        late = [str(record.lasted)] if record.lasted > self.limit else []
        return found(
            self,
            max(1, len(record.books.calls)),
            late,
            f"ended after {record.lasted}, the limit is {self.limit}",
            f"end after {record.lasted}, the limit is {self.limit}",
        )


@dataclass(frozen=True, slots=True)
class AnsweredWithin:
    """One of several jobs has all of its answers in the system of record soon after it began."""

    limit: timedelta
    job: str = "game_1"

    def judge(self, record: Record) -> Finding:
        (mine,) = (job for job in record.jobs if job.job == self.job)
        took = mine.ended_at - mine.began_at
        missing = sorted(mine.keys - record.promoted)
        late = [f"{self.job}: {took}"] if took > self.limit else []
        return found(
            self,
            len(mine.keys),
            [*late, *missing],
            f"all {len(mine.keys):,} rows of {self.job} were answered within {took}",
            f"of {len(mine.keys):,} rows of {self.job} were not answered within {self.limit}",
        )


@dataclass(frozen=True, slots=True)
class NothingSentAfterTheStop:
    """Once a person has said stop, not one batch more reaches the service."""

    def judge(self, record: Record) -> Finding:
        stops = [act.at for act in record.acts if act.kind == "stopped"]
        late = [
            f"{batch.id}: {batch.requests:,} requests, {batch.created_at - stops[0]} later"
            for batch in record.books.batches
            if stops and batch.created_at >= stops[0]
        ]
        return found(
            self,
            len(record.books.calls) or len(stops),
            late,
            "no batch was created after somebody had said stop" if stops else "nobody said stop",
            "batches were created after somebody had said stop",
        )


@dataclass(frozen=True, slots=True)
class StopsWithin:
    """Once a person has said stop, the job ends soon, whatever it was waiting for."""

    limit: timedelta

    def judge(self, record: Record) -> Finding:
        stops = [act.at for act in record.acts if act.kind == "stopped"]
        late = [
            f"{job.job}: {job.ended_at - stops[0]} later"
            for job in record.jobs
            if stops and job.ended_at - stops[0] > self.limit
        ]
        return found(
            self,
            len(record.jobs),
            late,
            f"all jobs ended within {self.limit} of the stop" if stops else "nobody said stop",
            f"jobs went on for more than {self.limit} after the stop",
        )
