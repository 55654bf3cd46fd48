"""What the first rows of a job showed, put together for the canary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from controls.core.book import Tally
from controls.core.moment import Grades
from controls.core.rows import Row


@dataclass(frozen=True, slots=True)
class Measured:
    """The sum of some batches."""

    rows: int
    bad: Counter[str]
    """By a second opinion where there is one; lost rows included."""
    known: int
    correct: int
    labels: Counter[str]
    cost_usd: Decimal

    @classmethod
    def together(
        cls, parts: Iterable[tuple[Tally, int, Decimal]], *, ended_only: bool = False
    ) -> Measured:
        """Add up tallies with the number of requests and the cost of each batch.

        With `ended_only`, rows that expired or were canceled do not count: they say something of
        the service, nothing of the job, and will be sent again.
        """
        bad: Counter[str] = Counter()
        labels: Counter[str] = Counter()
        rows = known = correct = 0
        cost = Decimal(0)
        for tally, requests, cost_usd in parts:
            bad.update(tally.bad if tally.regraded is None else tally.regraded)
            bad.update({"lost": requests - tally.rows} if requests > tally.rows else {})
            labels.update(tally.labels)
            rows += requests
            if ended_only:
                rows -= bad.pop("expired", 0) + bad.pop("canceled", 0)
            known += tally.known
            correct += tally.correct
            cost += cost_usd
        return cls(rows, bad, known, correct, labels, cost)

    def grades(self, rows: Iterable[Row], total: int, label_column: str | None) -> Grades:
        """As the canary is shown them. The first stage has fewer rows than any later one."""
        return Grades(
            rows=self.rows,
            bad=self.bad.total(),
            bad_reasons=dict(self.bad),
            known=self.known,
            correct=self.correct,
            labels=dict(self.labels),
            expected=expected_shares(rows, label_column),
            cost_usd=self.cost_usd,
            remaining_rows=total - self.rows,
        )


def expected_shares(rows: Iterable[Row], label_column: str | None) -> dict[str, float]:
    """The share of each label among the known answers of the job; empty without any."""
    if label_column is None:
        return {}
    counts = Counter(label for row in rows if (label := row.fields.get(label_column, "")))
    total = counts.total()
    return {label: count / total for label, count in counts.items()}
