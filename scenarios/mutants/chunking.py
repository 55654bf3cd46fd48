"""Mutants of `Chunking`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from controls import Chunking
from controls.chunking import API_BYTES, API_REQUESTS
from scenarios.harness.mutants import Kind, mutant


@mutant(Chunking, Kind.REMOVED)
class OneBatchForAll(Chunking):
    """Puts all rows into one batch, however many there are."""

    def chunks(self, sizes: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
        yield [ordinal for ordinal, _ in sizes]


@mutant(Chunking, Kind.HALF)
def counts_requests_only(control: Chunking) -> Chunking:
    """Fills a batch with rows, however large they are."""
    return replace(control, max_bytes=API_BYTES)


@mutant(Chunking, Kind.WRONG_FIELD)
def weighs_only(control: Chunking) -> Chunking:
    """Fills a batch with bytes, however many rows they are."""
    return replace(control, max_requests=API_REQUESTS)


@mutant(Chunking, Kind.OFF_BY_ONE)
def one_row_too_many(control: Chunking) -> Chunking:
    """Cuts after the row that does not fit any more."""
    return replace(control, max_requests=min(control.max_requests + 1, API_REQUESTS))


@mutant(Chunking, Kind.WRONG_UNIT)
def weighs_in_kilobytes(control: Chunking) -> Chunking:
    """Takes the limit of a body for kilobytes."""
    return replace(control, max_bytes=min(control.max_bytes * 1000, API_BYTES))
