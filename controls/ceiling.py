"""The cost ceiling: the worst case is known, and small enough, before anything is sent.

Protects from runaway loops, oversize prompts and unbounded output. Worst case = input tokens,
counted by the service on a seeded sample and bounded from above for the rest, plus rows times the
capped `max_tokens`, at dated batch prices. What is sent is reserved, and settled from real usage.
A team can have a ceiling for the day (UTC) over all of its jobs; nobody can approve more than that.
A price table that is older than agreed counts as none.

Weakness: it can refuse a job that would have been cheaper than its worst case; raise the
ceiling or have a person approve. The sample bounds prompts by bytes: text that needs more than a
quarter more tokens per byte than the densest sampled row is underestimated. Neighbour: `Canary`
projects the cost of the whole from real usage of the first rows. Nor can a stop take back what is
in flight: `in_flight_exposure` says how much that is at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from controls.core.decision import AskApproval, Decision, Halt, Proceed
from controls.core.errors import ControlError
from controls.core.moment import (
    AfterCanary,
    Approval,
    BeforePromote,
    BeforeSubmit,
    Estimate,
    Moment,
)
from controls.core.rows import DressedRow
from controls.policy import JobType
from controls.prices import PriceTable

SAMPLE_ROWS, FEW_SAMPLE_ROWS, SAMPLE_EVERY = 12, 3, 25
"""Rows counted exactly per estimate: one in so many, within these bounds. `count_tokens` is free,
but it has a rate limit, and a count takes as long as a live call: a small job, of which little can
be lost, does not wait for twelve."""
DENSITY_MARGIN = 1.25
"""The densest sampled row may be outdone by a quarter before the bound is wrong."""
OVERHEAD_TOKENS = 16
"""Added to every row, counted ones too: the documentation calls the count an estimate that may
differ slightly from the bill."""


@dataclass(frozen=True, slots=True)
class CostCeiling:
    """Refuses a job whose worst case exceeds what was agreed, or asks a person."""

    usd: Decimal
    max_tokens_cap: int
    approvable_usd: Decimal | None = None
    """Up to here a person may approve; beyond it, or without it, the job is refused."""
    team_usd_per_day: Decimal | None = None
    """What all jobs of the team together may reserve or spend on one day (UTC)."""
    prices_days: int | None = None
    """So old a price table may be; None: however old."""

    @classmethod
    def of(cls, job_type: JobType) -> CostCeiling:
        """The ceiling that a job type states."""
        spend = job_type.spend
        return cls(
            spend.ceiling_usd,
            spend.max_tokens_cap,
            spend.approvable_usd,
            spend.team_usd_per_day,
            spend.prices_days,
        )

    def decide(self, moment: Moment, /) -> Decision:
        """Before sending: cap and worst case. After the canary: the projection. Before
        promoting: what was really spent."""
        match moment:
            case BeforeSubmit():
                return self._before_submit(moment)
            case AfterCanary(grades=grades, approvals=approvals) if grades.rows:
                projected = grades.cost_usd * (grades.rows + grades.remaining_rows) / grades.rows
                if projected > self.agreed(approvals):
                    return Halt(
                        f"{grades.rows} rows cost ${grades.cost_usd:.4f}; the whole job would cost "
                        f"${projected:.2f}, the ceiling is ${self.agreed(approvals):.2f}"
                    )
            case BeforePromote(spent_usd=spent, approvals=approvals):
                if spent > self.agreed(approvals):
                    return Halt(
                        f"${spent:.2f} were spent, the ceiling is ${self.agreed(approvals):.2f}"
                    )
            case _:
                pass
        return Proceed()

    def agreed(self, approvals: Iterable[Approval]) -> Decimal:
        """The ceiling, or what a person has approved above it."""
        amounts = (approval.up_to_usd for approval in approvals)
        approved = max((usd for usd in amounts if not usd.is_nan()), default=Decimal(0))
        return max(self.usd, min(approved, self.approvable_usd or Decimal(0)))

    def _before_submit(self, moment: BeforeSubmit) -> Decision:
        asked = moment.job_type.prompt.max_tokens
        if asked is None:
            return Halt(f"the requests set no max_tokens; the cap is {self.max_tokens_cap}")
        if asked > self.max_tokens_cap:
            return Halt(f"max_tokens is {asked:,}; the cap is {self.max_tokens_cap:,}")
        if self.prices_days is not None and moment.prices_age_days > self.prices_days:
            return Halt(
                f"the price table is {moment.prices_age_days:,} days old, {self.prices_days:,} are "
                "agreed: what a job costs is not known"
            )
        try:
            estimate = moment.estimate()
        except ControlError as error:
            return Halt(f"the cost cannot be known: {error.what}")
        worst = estimate.worst_case_usd + moment.committed_usd
        says = f"the worst case of {estimate.rows:,} rows is ${worst:.2f}"
        cannot_stop = in_flight_exposure(moment.committed_usd, self.agreed(moment.approvals)).says
        team_today = moment.team_today_usd + worst
        if self.team_usd_per_day is not None and team_today > self.team_usd_per_day:
            return Halt(
                f"{says}; with ${moment.team_today_usd:.2f} of other jobs the team "
                f"{moment.job_type.team!r} would be at ${team_today:.2f} today, its ceiling for a "
                f"day is ${self.team_usd_per_day:.2f}{cannot_stop}"
            )
        if worst <= self.agreed(moment.approvals):
            return Proceed()
        if self.approvable_usd is None or worst > self.approvable_usd:
            return Halt(f"{says}; the ceiling is ${self.usd:.2f}{cannot_stop}")
        return AskApproval(
            f"{says}, above the ceiling of ${self.usd:.2f}{cannot_stop}", usd=f"{worst:.2f}"
        )


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a job can still cost when it is stopped now."""

    at_most_usd: Decimal
    """Spent, or in flight: requests that were sent are billed as far as the service gets."""
    over_usd: Decimal
    """By how much that can exceed what was agreed."""

    @property
    def says(self) -> str:
        """A clause for the end of a reason; empty when nothing was sent."""
        if not self.at_most_usd:
            return ""
        over = f", ${self.over_usd:.2f} more than agreed" if self.over_usd else ""
        return f"; sent already, and billed even if stopped: at most ${self.at_most_usd:.2f}{over}"


def in_flight_exposure(committed_usd: Decimal, agreed_usd: Decimal) -> Exposure:
    """The most that stopping now leaves to pay: a canceled batch bills the rows it has finished.

    Args:
        committed_usd: what was spent, plus the worst case of whatever is in flight.
        agreed_usd: the ceiling, or what a person approved above it.
    """
    return Exposure(committed_usd, max(committed_usd - agreed_usd, Decimal(0)))


def sample_size(rows: int) -> int:
    """How many of so many rows are counted exactly."""
    return min(rows, SAMPLE_ROWS, max(FEW_SAMPLE_ROWS, rows // SAMPLE_EVERY))


def estimate_cost(
    requests: Iterable[DressedRow],
    job_type: JobType,
    prices: PriceTable,
    count_tokens: Callable[[DressedRow], int],
    sampled: frozenset[int],
) -> Estimate:
    """The worst case of these requests; asks `count_tokens` for the rows in `sampled`.

    Raises:
        ControlError: the model has no price, or the service cannot count.
    """
    price = prices.price(job_type.prompt.model)
    rows = size = counted = counted_tokens = largest = largest_counted = 0
    density = 0.0
    for request in requests:
        rows += 1
        bytes_here = len(request.params)
        if request.row.ordinal in sampled:
            tokens = count_tokens(request)
            counted += 1
            counted_tokens += tokens
            largest_counted = max(largest_counted, tokens)
            density = max(density, tokens / bytes_here)
        else:
            size += bytes_here
            largest = max(largest, bytes_here)
    bound = max(density, min(1.0, density * DENSITY_MARGIN)) if counted else 1.0
    input_tokens = counted_tokens + ceil(size * bound) + rows * OVERHEAD_TOKENS
    output_tokens = rows * (job_type.prompt.max_tokens or 0)
    worst = price.worst(
        input_tokens,
        output_tokens,
        largest_prompt=max(ceil(largest * bound), largest_counted) + OVERHEAD_TOKENS,
    )
    return Estimate(rows, input_tokens, output_tokens, worst, counted)
