"""The router: batch or live calls, by deadline, volume, price and the queue.

Protects from the batch that is not done when its answers are needed, and from paying double for
answers that could have waited. What counts is the bound, not the usual case: most batches end
within an hour, and that is no promise. After 24 hours a batch ends in any case, but rows that
were not processed by then have expired and go again; so a job with a canary and requeue rounds
may take several times 24 hours, and once more if the queue is full.

Weakness: it advises, and sends nothing; the speed of live calls is your own figure, because the
limits of live calls are not those of batches. Neighbour: `FairShare` decides when a batch goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from controls.core.moment import Demand, Estimate, InFlight
from controls.policy import BATCH_HOURS, JobType
from controls.scheduler import QUEUE_LIMITS

LIVE_PRICE_FACTOR = 2
"""Batches cost 50 % of the standard price of every kind of token. Source: the pricing page."""
BOUND = timedelta(hours=BATCH_HOURS)


@dataclass(frozen=True, slots=True)
class Route:
    """How to send a job, and what either way would cost."""

    kind: Literal["batch", "synchronous"]
    why: str
    batch_usd: Decimal
    synchronous_usd: Decimal
    in_time: bool = True
    """Whether the deadline is kept for certain, as far as the documented bounds hold."""


@dataclass(frozen=True, slots=True)
class Router:
    """Chooses by what is certain, then by price."""

    rounds: int = 4
    """Batches one after the other at worst: canary, the rest, and each round of requeue."""
    live_rows_per_minute: float = 50.0
    """What your account and code can do in live calls; measure it."""
    fewest_rows: int = 100
    """Below it the machinery of a batch is not worth a saving below `worth_usd`."""
    worth_usd: Decimal = Decimal(1)
    queue_limit: int = QUEUE_LIMITS["start"]

    @classmethod
    def of(cls, job_type: JobType, live_rows_per_minute: float = 50.0) -> Router:
        """For the rounds that a job of this type may take."""
        return cls(2 + job_type.requeue.max_rounds, live_rows_per_minute)

    def route(
        self,
        estimate: Estimate,
        deadline: timedelta | None = None,
        in_flight: Iterable[InFlight] = (),
        waiting: Iterable[Demand] = (),
    ) -> Route:
        """Batch or synchronous.

        Args:
            estimate: rows and worst case of the job, at batch prices.
            deadline: the answers are needed so long from now; None if they can wait.
            in_flight: of all jobs of the account.
            waiting: of all jobs of the account.
        """
        kind, why, in_time = self._choose(estimate, deadline, [*in_flight, *waiting])
        batch = estimate.worst_case_usd
        return Route(kind, why, batch, batch * LIVE_PRICE_FACTOR, in_time)

    def _choose(
        self, estimate: Estimate, deadline: timedelta | None, before: list[InFlight | Demand]
    ) -> tuple[Literal["batch", "synchronous"], str, bool]:
        saved = estimate.worst_case_usd * (LIVE_PRICE_FACTOR - 1)
        in_queue = sum(batch.requests for batch in before)
        full = in_queue + estimate.rows > self.queue_limit
        bound = BOUND * (self.rounds + full)
        queue = f"; {in_queue:,} requests are before it, which may take a day more" if full else ""
        live = estimate.rows / self.live_rows_per_minute
        if deadline is None or deadline >= bound:
            if estimate.rows < self.fewest_rows and saved < self.worth_usd:
                why = f"{estimate.rows:,} rows: a batch would save ${saved:.2f} at most"
                return "synchronous", why, True
            return "batch", f"it saves up to ${saved:.2f}, half of the price{queue}", True
        hours = f"{_hours(bound)} h at worst ({self.rounds} batches of {BATCH_HOURS} h each){queue}"
        if live * 60 <= deadline.total_seconds():
            why = f"a batch may take {hours}; live calls take about {live:,.0f} min"
            return "synchronous", why, True
        why = (
            f"neither way is sure to be done in {_hours(deadline)} h: a batch may take {hours}, "
            f"live calls take about {live:,.0f} min. Most batches end within an hour"
        )
        return "batch", f"{why}, which is no promise; start earlier, or send fewer rows", False


def _hours(duration: timedelta) -> str:
    return f"{duration.total_seconds() / 3600:g}"
