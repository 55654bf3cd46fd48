"""The books: a frozen record of what the service saw, did and billed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from simulator.wire import Endpoint

PICODOLLARS: Final = 10**12
"""Money is counted in millionths of a millionth of a dollar, so that every price is whole."""


def dollars(picodollars: int) -> Decimal:
    """The same amount in dollars, exactly."""
    return Decimal(picodollars).scaleb(-12)


class RequestCounts(msgspec.Struct, frozen=True, gc=False):
    """How many requests of a batch are in which state; key order as on the wire."""

    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0


class Call(msgspec.Struct, frozen=True, gc=False):
    """One call as the service saw it. Credentials and bodies are not kept."""

    at: datetime
    method: str
    path: str
    endpoint: Endpoint
    status: int
    """What the service answered, also where the reply was lost on its way."""
    cut: str
    """How the connection broke (`lost`, `reset`), or empty."""
    request_id: str
    batch_id: str
    retry_count: int
    """`x-stainless-retry-count`: the reliable sign of a retry by the SDK."""
    body_bytes: int
    body_digest: str
    """The first 16 hexadecimal digits of the SHA-256 of the body."""
    struck_by: str = ""
    """The wire fault that struck this call, or empty."""
    no_route: str = ""
    """Which route is nearest, and why it did not match, if none did."""


class RequestBook(msgspec.Struct, frozen=True, gc=False):
    """One request of a batch: what came, what became of it, what it cost."""

    batch_id: str
    custom_id: str
    params: msgspec.Raw
    """The received JSON, byte for byte; `bytes(...)` copies it, msgspec decodes it as it is."""
    outcome: str = "processing"
    """`processing`, `succeeded`, `errored`, `canceled` or `expired`."""
    error_type: str = ""
    error_message: str = ""
    error_request_id: str | None = None
    text: str = ""
    """What the model said, before the faults of the answers family."""
    sent_text: str = ""
    """What the results file says."""
    subject: str | None = None
    """Which known thing the model recognised in the prompt."""
    tags: tuple[str, ...] = ()
    """How the model came to its answer, and the names of the faults that struck."""
    model: str = ""
    message_id: str = ""
    stop_reason: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cache_write_tokens: int = 0
    cache_read_tokens: int = 0
    inference_geo: str = "not_available"
    billed_picodollars: int = 0
    result: bytes = b""
    """The `result` of its line, where that has a shape of its own."""


class BatchBook(msgspec.Struct, frozen=True):
    """One batch; a deleted one stays in the books."""

    id: str
    created_at: datetime
    ended_at: datetime | None
    requests: int
    counts: RequestCounts
    billed_usd: Decimal
    processing_status: str
    """`in_progress`, `canceling`, `ended`, or `deleted`."""
    workspace: str
    cancel_initiated_at: datetime | None = None


class Firing(msgspec.Struct, frozen=True):
    """How often one fault struck, and where first."""

    fault: str
    """What it is: `Stall(after_share=0.5, lasting=25h)`."""
    family: str
    planned: str
    count: int
    places: tuple[str, ...]
    """The first 20: custom_ids, calls or batches."""


class Books(msgspec.Struct, frozen=True):
    """All that the service saw, did and billed, at one instant."""

    at: datetime
    calls: tuple[Call, ...]
    batches: tuple[BatchBook, ...]
    requests: Sequence[RequestBook]
    """In order of arrival, over all batches."""
    firings: Mapping[str, Firing]
    billed_usd: Decimal
    """Batches and live messages."""
    calls_dropped: int = 0
    """How many calls came before the first that is kept (`Limits.kept_calls`)."""
