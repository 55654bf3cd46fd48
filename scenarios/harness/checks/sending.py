"""What was sent: how much, how often, and when."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from controls import Canary
from reports import Finding
from scenarios.harness.checks.check import found
from scenarios.harness.record import Record


@dataclass(frozen=True, slots=True)
class NoRowSentTooOften:
    """No row was sent more often than the job type allows: once, and once per requeue round."""

    def judge(self, record: Record) -> Finding:
        limit = 1 + record.job_type.requeue.max_rounds
        sent = Counter(request.custom_id for request in record.books.requests)
        often = [
            f"{custom_id}: {count} times" for custom_id, count in sent.items() if count > limit
        ]
        return found(
            self,
            len(sent),
            often,
            f"{len(sent):,} rows were sent at most {limit} times",
            f"of {len(sent):,} rows were sent more than {limit} times",
        )


@dataclass(frozen=True, slots=True)
class NothingSentTwice:
    """No row is sent a second time, for whatever reason."""

    def judge(self, record: Record) -> Finding:
        sent = Counter(request.custom_id for request in record.books.requests)
        again = [f"{custom_id}: {count} times" for custom_id, count in sent.items() if count > 1]
        return found(
            self,
            len(sent),
            again,
            f"{len(sent):,} rows were sent, each once",
            f"of {len(sent):,} rows were sent again",
        )


@dataclass(frozen=True, slots=True)
class NothingWasSent:
    """Nothing of a job that was spoiled before its start reached the service in a batch."""

    def judge(self, record: Record) -> Finding:
        sent = [request.custom_id for request in record.books.requests]
        return found(
            self,
            len(record.rows),
            sent if record.sabotaged else (),
            f"none of {len(record.rows):,} rows was sent"
            if record.sabotaged
            else f"nothing was wrong with the {len(sent):,} requests before they were sent",
            "requests of a spoiled job were sent",
        )


@dataclass(frozen=True, slots=True)
class NothingBeyondTheRows:
    """No request reached the service that the user has no row for."""

    def judge(self, record: Record) -> Finding:
        total = len(record.rows)
        beyond = [request.custom_id for request in record.books.requests[total:]]
        return found(
            self,
            max(record.sent, len(record.books.calls)),
            beyond,
            f"{record.sent:,} requests for {total:,} rows",
            f"requests more than there are rows ({total:,})",
        )


@dataclass(frozen=True, slots=True)
class SentAtMost:
    """When something goes wrong, no more than so many requests reach the service in all."""

    requests: int

    def judge(self, record: Record) -> Finding:
        beyond = [request.custom_id for request in record.books.requests[self.requests :]]
        return found(
            self,
            len(record.rows),
            beyond if record.struck else (),
            f"{record.sent:,} requests were sent; {self.requests:,} do no harm"
            if record.struck
            else f"nothing was wrong with {record.sent:,} requests",
            f"requests beyond {self.requests:,} were sent",
        )


@dataclass(frozen=True, slots=True)
class OnlyTheCanaryWasSent:
    """Under a poisoned template, no more requests than the canary reached the service."""

    def judge(self, record: Record) -> Finding:
        size = Canary(record.job_type.canary).size(len(record.rows))
        beyond = [request.custom_id for request in record.books.requests[size:]]
        poisoned = record.unseen > 0
        return found(
            self,
            record.sent,
            beyond if poisoned else (),
            f"{record.sent:,} requests were sent, the canary is {size:,}"
            if poisoned
            else f"{record.sent:,} requests showed the model its row's text",
            f"requests beyond the canary of {size:,} were sent",
        )


@dataclass(frozen=True, slots=True)
class OnlyTheCanaryBeforeAPerson:
    """Until a person has looked at the first answers, only the canary is sent."""

    def judge(self, record: Record) -> Finding:
        looked = [act.at for act in record.acts if act.kind == "approved"]
        size = Canary(record.job_type.canary).size(len(record.rows))
        sent, late = 0, list[str]()
        for batch in record.books.batches:
            if looked and batch.created_at < looked[0]:
                sent += batch.requests
                late += [batch.id] if sent > size else []
        return found(
            self,
            record.sent,
            late,
            f"{sent:,} requests were sent before a person had looked, the canary is {size:,}"
            if looked
            else "a person had looked before",
            f"batches beyond the canary of {size:,} were sent before a person had looked",
        )


@dataclass(frozen=True, slots=True)
class RetryAfterIsObeyed:
    """No call was repeated before the time that the service had asked for."""

    def judge(self, record: Record) -> Finding:
        return found(
            self,
            record.told_to_wait,
            record.hurried,
            f"{record.told_to_wait:,} times the service said when to come back, and was obeyed",
            "calls came earlier than the service had asked for",
        )
