"""Mutants of `Chunking`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from controls import Chunking
from scenarios.harness.mutants import Kind, mutant


@mutant(Chunking, Kind.REMOVED)
class OneBatchForAll(Chunking):
    """Puts all rows into one batch, however many there are."""

    def chunks(self, sizes: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
        yield [ordinal for ordinal, _ in sizes]


@mutant(Chunking, Kind.OFF_BY_ONE)
class LosesTheRowAtTheCut(Chunking):
    """Leaves out the last row of every batch but one."""

    def chunks(self, sizes: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
        for chunk in super().chunks(sizes):
            yield chunk[:-1] if len(chunk) > 1 else chunk


@mutant(Chunking, Kind.HALF)
class LeavesOutTheRest(Chunking):
    """Makes full batches only."""

    def chunks(self, sizes: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
        for place, chunk in enumerate(super().chunks(sizes)):
            if place == 0 or len(chunk) == self.max_requests:
                yield chunk
