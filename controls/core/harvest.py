"""What the downloads of one batch have brought: everything, and what is not written down yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import astuple

from controls.core.answer import KINDS, BilledUsage, Gate, Usage
from controls.core.book import Tally
from controls.core.columns import Answered, Staged
from controls.core.ledger import Kept

ACCEPTED = "accepted"
"""The outcome of a row whose answer every gate let through."""


class BrokenLine(NamedTuple):
    """What is kept of a line that could not be read: a line may be as long as memory."""

    problem: str
    head: bytes
    """As much of it as the quarantine keeps."""
    digest: bytes
    """Of all of it."""


@dataclass(slots=True)
class Columns:
    """Answers that have come and are not written down yet."""

    answered: Answered = field(default_factory=lambda: Answered([], [], [], [], [], [], []))
    staged: Staged = field(default_factory=lambda: Staged([], [], []))
    refused: dict[int, str] = field(default_factory=dict)
    """Ordinal to outcome of those in `answered` that were not accepted."""
    priced_alone: list[BilledUsage] = field(default_factory=list)
    """Usages of which more than the sum of tokens counts: cached, computed in the US, or long."""
    kept: list[Kept] = field(default_factory=list)

    def add(self, ordinal: int, outcome: str, usage: Usage, digest: bytes) -> None:
        """One more row of which a line came."""
        if outcome != ACCEPTED:
            self.refused[ordinal] = outcome
        answered = self.answered
        answered.ordinals.append(ordinal)
        answered.outcomes.append(outcome)
        answered.input_tokens.append(usage.input_tokens)
        answered.output_tokens.append(usage.output_tokens)
        answered.cache_written.append(usage.cache_creation_input_tokens or 0)
        answered.cache_read.append(usage.cache_read_input_tokens or 0)
        answered.digests.append(digest)

    def clear(self) -> None:
        """Written down. The lists stay the same objects: the loops that fill them hold them."""
        columns = (*astuple(self.answered), *astuple(self.staged))
        for column in (*columns, self.refused, self.priced_alone, self.kept):
            column.clear()


@dataclass(slots=True)
class Harvest:
    """What the downloads of one batch have brought so far."""

    ordinals: frozenset[int]
    """The rows of the batch."""
    second: tuple[Gate, ...] = ()
    """Gates for a second opinion, for the canary."""
    lines: dict[int, bytes] = field(default_factory=dict)
    """Ordinal to the digest of its line."""
    broken: dict[int, BrokenLine] = field(default_factory=dict)
    """Rows of which only a broken line has come. A cut connection breaks a line; another
    download may bring it whole."""
    outcomes: dict[int, str] = field(default_factory=dict)
    """Of rows without an accepted answer."""
    conflicting: set[int] = field(default_factory=set)
    unexpected: dict[str, None] = field(default_factory=dict)
    unreadable: dict[bytes, None] = field(default_factory=dict)
    """Digests of unreadable lines."""
    kinds: dict[str, int] = field(default_factory=lambda: dict.fromkeys(sorted(KINDS), 0))
    duplicated: int = 0
    recovered: int = 0
    tally: Tally = field(default_factory=Tally)
    regraded: dict[int, str] = field(default_factory=dict)
    """`outcomes` by the second opinion."""
    cost_usd: Decimal = Decimal(0)
    tokens: tuple[int, int] = (0, 0)
    """Input and output, of all answers."""
    news: Columns = field(default_factory=Columns)
    parts: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Digests of the parts that were written down: of their results, and of what they staged."""
    kept: set[int | None] = field(default_factory=set)
    """Ordinals of what was put into quarantine."""

    def missing(self) -> list[int]:
        """The rows of which no line has come at all."""
        if len(self.lines) == len(self.ordinals):
            return []
        return sorted(self.ordinals - self.lines.keys() - self.broken.keys())
