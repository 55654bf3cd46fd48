"""The canary: 1-2 % of the rows go first, and are graded before the rest may follow in steps.

Protects from poisoned templates, schema drift and cost surprises: whatever is wrong with every
row is wrong with the slice. The slice is representative (one row from each stretch of the file,
drawn by seed) and graded by exact (Clopper-Pearson) binomial bounds. What the slice cannot decide
is *inconclusive* and stops the job, it is never taken for passed. After it the ramp: what was sent
is graded again at 10 % and at 50 % of the rows, with ever narrower bounds.

Weakness: damage rarer than the bounds can see passes; `exclusions` says what a slice of this
size could not rule out. Neighbour: `Quarantine` judges every single answer, canary or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from math import ceil, log
from random import Random

from controls.core.decision import Decision, Halt, Proceed, Split
from controls.core.moment import AfterCanary, BeforeSubmit, Grades, Moment
from controls.policy import CanaryPolicy


class Grade(Enum):
    """What one measure of the slice says."""

    GOOD = "good"
    BAD = "bad"
    INCONCLUSIVE = "inconclusive"


def bounds(hits: int, trials: int, confidence: float) -> tuple[float, float]:
    """Exact one-sided Clopper-Pearson bounds of a share, each at `confidence`."""
    from scipy.special import betaincinv  # noqa: PLC0415 - 0.1 s that only a graded canary needs

    alpha = 1.0 - confidence
    low = 0.0 if hits == 0 else float(betaincinv(hits, trials - hits + 1, alpha))
    high = 1.0 if hits == trials else float(betaincinv(hits + 1, trials - hits, 1.0 - alpha))
    return low, high


def rows_to_decide(max_share: float, confidence: float) -> int:
    """The smallest slice that can pass: so many rows without a bad one prove `max_share`."""
    return ceil(log(1.0 - confidence) / log(1.0 - max_share))


def _interval(hits: int, trials: int, confidence: float, rest: int) -> tuple[float, float]:
    """Between what the share of all rows lies. Where the slice is everything, it is known."""
    if not trials:
        return 0.0, 1.0
    if not rest:
        return hits / trials, hits / trials
    return bounds(hits, trials, confidence)


@dataclass(frozen=True, slots=True)
class Canary:
    """Sends a slice first and halts unless it proves good."""

    policy: CanaryPolicy = field(default_factory=CanaryPolicy)

    def size(self, rows: int) -> int:
        """How many of so many rows go first."""
        least = self.policy.min_rows
        if least is None:
            least = rows_to_decide(self.policy.max_bad_share, self.policy.confidence)
        return min(rows, max(ceil(self.policy.share * rows), least, 1))

    def slice(self, rows: int, seed: int) -> tuple[int, ...]:
        """Positions of the slice: one from each of `size` equal stretches, drawn by seed."""
        size = self.size(rows)
        dice = Random(f"{seed}/canary")
        edges = [stretch * rows // size for stretch in range(size + 1)]
        return tuple(dice.randrange(start, end) for start, end in pairwise(edges))

    def decide(self, moment: Moment, /) -> Decision:
        """Before sending: split off the slice. After it: halt unless every measure is good."""
        match moment:
            case BeforeSubmit(rows=rows, round=0):
                positions = self.slice(len(rows), moment.seed)
                return Split(
                    tuple(rows[position].ordinal for position in positions),
                    f"{len(positions):,} of {len(rows):,} rows go first",
                    self.policy.ramp,
                )
            case AfterCanary(grades=grades):
                return self._judge(grades)
            case _:
                return Proceed()

    def _judge(self, grades: Grades) -> Decision:
        measures = list(self.measures(grades))
        bad = [says for grade, says in measures if grade is Grade.BAD]
        if bad:
            return Halt(f"the {grades.stage} of {grades.rows:,} rows is bad: {'; '.join(bad)}")
        open_questions = [says for grade, says in measures if grade is Grade.INCONCLUSIVE]
        if open_questions:
            return Halt(
                f"the {grades.stage} of {grades.rows:,} rows is inconclusive: "
                f"{'; '.join(open_questions)}"
            )
        seen = "; ".join(says for _, says in measures)
        left_open = ", ".join(self.exclusions(grades))
        return Proceed(f"the {grades.stage} is good: {seen}; not ruled out: {left_open}")

    def measures(self, grades: Grades) -> Iterator[tuple[Grade, str]]:
        """Every measure with its grade and the sentence for the report."""
        yield self._bad_share(grades)
        if grades.known:
            yield self._accuracy(grades)
        yield from self._shifts(grades)

    def _bad_share(self, grades: Grades) -> tuple[Grade, str]:
        limit, confidence = self.policy.max_bad_share, self.policy.confidence
        low, high = _interval(grades.bad, grades.rows, confidence, grades.remaining_rows)
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(grades.bad_reasons.items()))
        seen = f"{grades.bad} of {grades.rows} rows are bad" + (f" ({why})" if why else "")
        if low > limit:
            return Grade.BAD, f"{seen}; at most {limit:.0%} are agreed"
        if high <= limit:
            return Grade.GOOD, seen
        need = rows_to_decide(limit, confidence)
        hint = f"; it takes {need} rows without a bad one" if grades.rows < need else ""
        return Grade.INCONCLUSIVE, f"{seen}, which may still mean {high:.1%}{hint}"

    def _accuracy(self, grades: Grades) -> tuple[Grade, str]:
        floor = self.policy.min_accuracy
        confidence, rest = self.policy.confidence, grades.remaining_rows
        low, high = _interval(grades.correct, grades.known, confidence, rest)
        seen = f"{grades.correct} of {grades.known} known answers are right"
        if high < floor:
            return Grade.BAD, f"{seen}; at least {floor:.0%} are agreed"
        if low >= floor:
            return Grade.GOOD, seen
        return Grade.INCONCLUSIVE, f"{seen}, which may still mean {low:.1%}"

    def _shifts(self, grades: Grades) -> Iterator[tuple[Grade, str]]:
        """Proven shifts of a label's share; every label tested at a level divided by their number.

        A slice can prove a shift, it cannot prove that there is none: never inconclusive.
        """
        trials = sum(grades.labels.values())
        names = sorted(grades.expected.keys() | grades.labels.keys())
        if not trials or not grades.expected:
            return
        confidence = 1.0 - (1.0 - self.policy.confidence) / (2 * len(names))
        for name in names:
            hits, expected = grades.labels.get(name, 0), grades.expected.get(name, 0.0)
            low, high = bounds(hits, trials, confidence)
            if low > expected + self.policy.max_label_shift or (
                high < expected - self.policy.max_label_shift
            ):
                yield (
                    Grade.BAD,
                    f"{name!r} is {hits} of {trials} answers, {expected:.0%} were expected",
                )

    def exclusions(self, grades: Grades) -> tuple[str, ...]:
        """What this slice could not rule out, for the report."""
        if not grades.remaining_rows:
            return ("nothing: every row was graded",)
        _, high = bounds(grades.bad, grades.rows, self.policy.confidence)
        says = [f"up to {high:.1%} bad rows could have gone unseen"]
        if grades.known:
            low, _ = bounds(grades.correct, grades.known, self.policy.confidence)
            says.append(f"accuracy could be as low as {low:.1%}")
        else:
            says.append("correctness was not graded: no known answers")
        return tuple(says)
