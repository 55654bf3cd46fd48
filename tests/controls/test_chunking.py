"""How many rows go into one batch."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls import ControlError
from controls.chunking import API_BYTES, API_REQUESTS, ENVELOPE_BYTES, Chunking

SIZES = st.lists(st.integers(0, 3_000), max_size=40)


@given(SIZES, st.integers(1, 8), st.integers(1, 5_000))
def test_rows_are_cut_in_their_order_and_within_the_limits(
    sizes: list[int], max_requests: int, max_bytes: int
) -> None:
    """Put together the chunks are the rows; none is empty, none too large but a single row."""
    chunking = Chunking(max_requests, max_bytes)

    chunks = list(chunking.chunks(enumerate(sizes)))

    assert list(range(len(sizes))) == [ordinal for chunk in chunks for ordinal in chunk]
    for chunk in chunks:
        size = sum(sizes[ordinal] + ENVELOPE_BYTES for ordinal in chunk)
        assert 1 <= len(chunk) <= max_requests
        assert size <= max_bytes or len(chunk) == 1


@given(SIZES, st.integers(1, 8), st.integers(1, 5_000))
def test_no_two_neighbours_could_be_one(
    sizes: list[int], max_requests: int, max_bytes: int
) -> None:
    """A batch is cut only where it is full: its neighbour's first row would not fit in."""
    chunks = list(Chunking(max_requests, max_bytes).chunks(enumerate(sizes)))

    for chunk, after in pairwise(chunks):
        size = sum(sizes[ordinal] + ENVELOPE_BYTES for ordinal in [*chunk, after[0]])
        assert len(chunk) == max_requests or size > max_bytes


@pytest.mark.parametrize(
    ("requests", "size"), [(0, 1), (1, 0), (API_REQUESTS + 1, 1), (1, API_BYTES + 1), (-1, 1)]
)
def test_what_the_api_would_refuse_is_refused_before(requests: int, size: int) -> None:
    """With the limits of the API."""
    with pytest.raises(ControlError, match="cannot be sent"):
        Chunking(requests, size)
