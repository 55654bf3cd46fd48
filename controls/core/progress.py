"""How far a job is: computed from the store, so that it does not matter who worked on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from controls.core.book import COLLECTED, Batch, Book, JobRecord
from controls.core.grading import Measured
from controls.core.moment import Unfinished

UNFINISHED = ("errored:", "expired", "canceled")


@dataclass(frozen=True, slots=True)
class Progress:
    """Where every row of a job stands."""

    batches: tuple[Batch, ...]
    sent: bytearray
    """One byte per row: whether it belongs to a batch."""
    unfinished: dict[int, Unfinished]
    quarantined: set[int]
    lost: set[int]
    """Sent, collected, and no line came."""

    @property
    def round(self) -> int:
        """How often rows were sent again so far."""
        return max((batch.round for batch in self.batches), default=0)

    @property
    def all_collected(self) -> bool:
        """Whether nothing is planned or under way."""
        return all(batch.state == COLLECTED for batch in self.batches)

    @property
    def staged(self) -> int:
        """Rows with an accepted answer."""
        missing = {*self.unfinished, *self.lost, *self.quarantined}
        return sum(self.sent) - sum(self.sent[ordinal] for ordinal in missing)

    def pending(self, ordinals: Iterable[int]) -> list[int]:
        """Those that belong to no batch yet and are not kept back."""
        kept = self.quarantined
        return [ordinal for ordinal in ordinals if not self.sent[ordinal] and ordinal not in kept]

    def unsettled(self) -> list[int]:
        """Rows that are neither staged nor in quarantine."""
        open_ = {*self.unfinished, *self.lost}
        return [
            ordinal
            for ordinal, sent in enumerate(self.sent)
            if ordinal in open_ or (not sent and ordinal not in self.quarantined)
        ]

    def measured(self, up_to_stage: int) -> Measured:
        """What the first stages showed together."""
        mine = [batch for batch in self.batches if batch.round == 0 and batch.stage <= up_to_stage]
        parts = [(batch.tally, batch.requests, batch.cost_usd) for batch in mine]
        return Measured.together(parts, ended_only=up_to_stage > 0)


def take_stock(book: Book, job: JobRecord) -> Progress:
    """Read where everything stands."""
    batches = tuple(book.batches(job))
    sent = bytearray(job.rows)
    latest: dict[int, tuple[str, int]] = {}
    news: dict[int, list[tuple[int, str]]] = {}
    for number, ordinal, outcome in book.unaccepted(job):
        news.setdefault(number, []).append((ordinal, outcome))
    for batch in batches:
        for ordinal in batch.ordinals:
            sent[ordinal] = 1
            latest.pop(ordinal, None)
        for ordinal in batch.lost:
            latest[ordinal] = ("lost", batch.round)
        for ordinal, outcome in news.get(batch.number, ()):
            latest[ordinal] = (outcome, batch.round)
    unfinished: dict[int, Unfinished] = {}
    quarantined, lost = book.given_up(job), set[int]()
    for ordinal, (outcome, round_) in latest.items():
        if ordinal in quarantined:
            continue
        if outcome == "lost":
            lost.add(ordinal)
        elif outcome.startswith(UNFINISHED):
            kind, _, error_type = outcome.partition(":")
            unfinished[ordinal] = Unfinished(ordinal, kind, error_type, round_ + 1)
        else:
            quarantined.add(ordinal)
    return Progress(batches, sent, unfinished, quarantined, lost)


def stages(rows: int, first: Collection[int], ramp: Sequence[float]) -> list[list[int]]:
    """The rows in the order in which they may go: the slice, each step of the ramp, the rest.

    A step takes its rows evenly from what is left, so that each is as mixed as the whole.
    """
    in_slice = set(first)
    left = [ordinal for ordinal in range(rows) if ordinal not in in_slice]
    parts = [sorted(in_slice)] if in_slice else []
    gone = len(in_slice)
    for share in ramp:
        wanted = min(ceil(share * rows) - gone, len(left))
        if wanted <= 0 or wanted == len(left):
            continue
        chosen = [place * len(left) // wanted for place in range(wanted)]
        taken = [left[place] for place in chosen]
        parts.append(taken)
        gone += wanted
        dropped = set(chosen)
        left = [ordinal for place, ordinal in enumerate(left) if place not in dropped]
    return [*parts, left] if left or not parts else parts
