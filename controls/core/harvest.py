"""What the downloads of one batch have brought: everything, and what is not written down yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from controls.core.answer import KINDS, BilledUsage, Gate, UnreadableLine, Usage
from controls.core.book import Tally
from controls.core.ledger import Kept


@dataclass(slots=True)
class Columns:
    """Answers that have come and are not written down yet. Columns, not rows: a list of numbers
    costs the garbage collector nothing, a tuple per row costs a quarter of the whole time."""

    ordinals: list[int] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    usages: tuple[list[int], list[int], list[int], list[int]] = field(
        default_factory=lambda: ([], [], [], [])
    )
    """Tokens: input, output, cache written, cache read."""
    digests: list[bytes] = field(default_factory=list)
    staged: tuple[list[int], list[str], list[str]] = field(default_factory=lambda: ([], [], []))
    """Ordinals, keys and values as JSON of the accepted answers."""
    priced_alone: list[BilledUsage] = field(default_factory=list)
    """Usages of which more than the sum of tokens counts: cached, computed in the US, or long."""
    kept: list[Kept] = field(default_factory=list)

    def add(self, ordinal: int, outcome: str, usage: Usage, digest: bytes) -> None:
        """One more row of which a line came."""
        self.ordinals.append(ordinal)
        self.outcomes.append(outcome)
        read, said, cache_written, cache_read = self.usages
        read.append(usage.input_tokens)
        said.append(usage.output_tokens)
        cache_written.append(usage.cache_creation_input_tokens or 0)
        cache_read.append(usage.cache_read_input_tokens or 0)
        self.digests.append(digest)

    def lines(self) -> bytes:
        """As `ANSWERED` keeps them."""
        return msgspec.msgpack.encode((self.ordinals, self.outcomes, *self.usages, self.digests))

    def clear(self) -> None:
        """Written down. The lists stay the same objects: the loops that fill them hold them."""
        for column in (
            *(self.ordinals, self.outcomes, self.digests, self.priced_alone, self.kept),
            *(*self.usages, *self.staged),
        ):
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
    broken: dict[int, UnreadableLine] = field(default_factory=dict)
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
    parts: list[bytes] = field(default_factory=list)
    """Digests of the parts that were written down."""
    kept: set[int | None] = field(default_factory=set)
    """Ordinals of what was put into quarantine."""

    def missing(self) -> list[int]:
        """The rows of which no line has come at all."""
        if len(self.lines) == len(self.ordinals):
            return []
        return sorted(self.ordinals - self.lines.keys() - self.broken.keys())
