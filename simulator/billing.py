"""Meter: what a real account would have been charged, to the picodollar."""

from __future__ import annotations

from decimal import Decimal

from simulator.books import dollars


class Meter:
    """Adds up what was billed: each batch when it has ended, live messages at once."""

    __slots__ = ("_batches", "_live")

    def __init__(self) -> None:
        self._batches: dict[str, int] = {}
        self._live = 0

    def __repr__(self) -> str:
        return f"Meter(${self.billed_usd})"

    @property
    def billed_picodollars(self) -> int:
        """All of it, in picodollars."""
        return sum(self._batches.values()) + self._live

    @property
    def billed_usd(self) -> Decimal:
        """All of it, in dollars."""
        return dollars(self.billed_picodollars)

    @property
    def live_usd(self) -> Decimal:
        """The live messages alone."""
        return dollars(self._live)

    def batch_usd(self, batch_id: str) -> Decimal:
        """One batch; nothing before it has ended."""
        return dollars(self._batches.get(batch_id, 0))

    def bill_batch(self, batch_id: str, picodollars: int) -> None:
        """A batch has ended."""
        self._batches[batch_id] = picodollars

    def bill_live(self, picodollars: int) -> None:
        """A live message was answered."""
        self._live += picodollars
