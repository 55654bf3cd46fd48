"""What was billed, against what was agreed, and what people are told of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from reports import Finding
from reports.phrases import money
from scenarios.harness.checks.check import found
from scenarios.harness.record import Record


@dataclass(frozen=True, slots=True)
class SpendWithinApproval:
    """What the service billed never exceeds what was approved, resubmissions included."""

    def judge(self, record: Record) -> Finding:
        billed, approved = record.books.billed_usd, record.approved_usd
        over = [f"{money(billed)} against {money(approved)}"] if billed > approved else []
        return found(
            self,
            len(record.books.calls),
            over,
            f"{money(billed)} billed of {money(approved)} approved",
            f"overrun: {money(billed)} billed, {money(approved)} approved",
        )


@dataclass(frozen=True, slots=True)
class NoRowPaidTwice:
    """No row's request succeeded, and was billed, more than once."""

    def judge(self, record: Record) -> Finding:
        bills = record.bills
        twice = [f"{name}: {count} times" for name, count in bills.items() if count > 1]
        return found(
            self,
            len(bills),
            twice,
            f"{len(bills):,} rows were billed, each once",
            f"of {len(bills):,} billed rows were paid more than once",
        )


@dataclass(frozen=True, slots=True)
class BilledAtMost:
    """All jobs together are billed no more than so much."""

    usd: Decimal

    def judge(self, record: Record) -> Finding:
        billed = record.books.billed_usd
        over = [f"${billed:.4f} against ${self.usd:.4f}"] if billed > self.usd else []
        return found(
            self,
            len(record.books.calls),
            over if record.struck else (),
            f"${billed:.4f} billed; ${self.usd:.4f} were agreed",
            f"overrun: ${billed:.4f} billed, ${self.usd:.4f} were agreed",
        )


@dataclass(frozen=True, slots=True)
class CostsAddUp:
    """What the teams are told that they have spent is what the service has billed, to a cent of a
    cent per team."""

    def judge(self, record: Record) -> Finding:
        billed: dict[str, Decimal] = {}
        for job in record.jobs:
            mine = sum(
                request.billed_picodollars
                for request in record.books.requests
                if request.custom_id.startswith(job.prefix)
            )
            billed[job.team] = billed.get(job.team, Decimal(0)) + Decimal(mine).scaleb(-12)
        told = record.told_usd
        off = [
            f"{team}: told ${told.get(team, Decimal(0)):.4f}, billed ${usd:.4f}"
            for team, usd in billed.items()
            if abs(told.get(team, Decimal(0)) - usd) > Decimal("0.0001")
        ]
        return found(
            self,
            len(record.books.requests),
            off,
            f"${sum(billed.values()):.4f} billed, and told to {len(billed)} teams",
            "teams were told another sum than was billed",
        )
