"""Chunking: how many rows go into one batch.

Protects from batches that the API refuses (it takes 100,000 requests and 256 MB) and from batches
so large that a single failure hurts much. The same rows always become the same batches.

Weakness: more batches mean more calls to poll. Neighbour: `IdempotentSubmit` sends each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from controls.core.errors import ControlError

API_REQUESTS = 100_000
"""The most requests that the API takes in one batch (its documentation, "Batch limitations")."""
API_BYTES = 256 * 10**6
"""The largest batch that the API takes (the same source); more is answered with 413."""
ENVELOPE_BYTES = 100
"""What a request takes in the body beside its `params`: `custom_id` and braces, at most."""


@dataclass(frozen=True, slots=True)
class Chunking:
    """Batches of at most so many requests and bytes.

    Raises:
        ControlError: more than the API takes, or less than one request.
    """

    max_requests: int = 20_000
    """Smaller batches finish earlier and hurt less."""
    max_bytes: int = 64 * 2**20
    """A smaller body is cheaper to hold and to send again."""

    def __post_init__(self) -> None:
        if not (1 <= self.max_requests <= API_REQUESTS and 1 <= self.max_bytes <= API_BYTES):
            raise ControlError(
                f"Batches of {self.max_requests:,} requests and {self.max_bytes:,} bytes cannot be "
                "sent.",
                fix=f"The API takes 1 to {API_REQUESTS:,} requests and up to {API_BYTES:,} bytes.",
            )

    def chunks(self, sizes: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
        """Rows in their order, cut where a batch is full; `sizes` is ordinal and bytes of
        `params`. A request that is too large on its own stands alone."""
        chunk: list[int] = []
        total = 0
        for ordinal, size in sizes:
            total += size + ENVELOPE_BYTES
            if chunk and (total > self.max_bytes or len(chunk) == self.max_requests):
                yield chunk
                chunk, total = [], size + ENVELOPE_BYTES
            chunk.append(ordinal)
        if chunk:
            yield chunk
