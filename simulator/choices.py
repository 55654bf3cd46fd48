"""What the documentation leaves open, and what we do: each point of contract 17 that can differ."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from simulator.errors import SimulatorError


class Order(Enum):
    """In which order the lines of a results file come."""

    SHUFFLED = "shuffled"
    """Without meaning, and the same for each download of a batch."""
    RESHUFFLED = "reshuffled"
    """Without meaning, and another one for each download."""
    SUBMITTED = "submitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The defaults are those of the wire contract; each may be what the real service does."""

    refuse_late_cancel: bool = False
    """A cancel of a batch that is canceling or has ended: 400, not 200 with the same object."""
    keep_archived_url: bool = False
    """An archived batch keeps its `results_url`, though nothing is behind it."""
    hint_while_canceling: bool = True
    """`retry-after: 10` on the retrieve of a batch in `canceling`."""
    drain_counts: bool = False
    """What is finished leaves `processing` while the batch still runs; until the end all of it
    counts as `succeeded`."""
    unknown_cursor_is_empty: bool = False
    """A cursor that names nothing: an empty page, not 400."""
    results_order: Order = Order.SHUFFLED
    escape_results: bool = False
    """Non-ASCII text in results as `\\uXXXX`, not as UTF-8."""
    leave_out_optional_keys: bool = False
    """No `container` and `diagnostics` in messages, as in recordings of August 2026."""
    overloaded_share: float = 0.0
    """So many rows end as `overloaded_error`: the worker's own retries did not help."""
    least_cached_tokens: int = 1_024
    """A shorter prefix is never cached."""

    def __post_init__(self) -> None:
        if not 0 <= self.overloaded_share <= 1:
            raise SimulatorError(
                f"overloaded_share={self.overloaded_share} is no share.", fix="Use 0 to 1."
            )
        if self.least_cached_tokens < 0:
            raise SimulatorError("least_cached_tokens is negative.", fix="Use 0 or more.")
