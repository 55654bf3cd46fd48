"""The documented numbers, each with its source (sections of the wire contract)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from simulator.errors import SimulatorError

MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """What the service refuses, and how long it keeps things."""

    requests_per_batch: int = 100_000
    """Contract 4.1: `maxItems` of the official specification."""
    batch_body_bytes: int = 256 * MEBIBYTE
    """Contract 8.3: "256 MB", read as 256 * 2**20 bytes."""
    message_body_bytes: int = 32 * MEBIBYTE
    """Contract 8.3: /v1/messages and count_tokens."""
    processing_time: timedelta = timedelta(hours=24)
    """Contract 5.5: after this, rows that were not worked are `expired`."""
    results_kept: timedelta = timedelta(days=29)
    """Contract 9.4: counted from `created_at`."""
    requests_per_minute: int | None = None
    """Contract 9.1: 1,000 to 4,000 by tier, over all batch endpoints; None switches it off."""
    queued_requests: int | None = None
    """Contract 9.1: 200,000 to 500,000 by tier; None switches it off."""
    own_spend_usd: Decimal | None = None
    """Contract 9.2: a limit that the customer set; 400 once it is reached."""
    tier_spend_usd: Decimal | None = None
    """Contract 9.2: 500, 1,000 or 200,000 a month by tier; 429 without `retry-after`."""
    kept_calls: int = 100_000
    """Ours: so many of the last calls are remembered."""

    def __post_init__(self) -> None:
        for name in ("requests_per_batch", "batch_body_bytes", "message_body_bytes", "kept_calls"):
            if getattr(self, name) < 1:
                raise SimulatorError(f"{name} must be 1 or more.", fix=f"Raise {name}.")
        for name in ("requests_per_minute", "queued_requests"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SimulatorError(
                    f"{name}={value} lets nothing in.", fix="Use 1 or more, or None."
                )
        for name in ("own_spend_usd", "tier_spend_usd"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise SimulatorError(
                    f"{name}={value} lets nothing in.", fix="Use more than 0, or None."
                )
