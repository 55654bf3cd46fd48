"""The quarantine threshold: how much of a job may be kept back before somebody has to look.

Protects from promoting the good half of a job whose other half was kept back: what is left is no
fair sample of the rows any more, and systems downstream take it for the whole.

Weakness: it looks at the end, when everything is paid for. Neighbour: `Canary` looks at the first
slice, before the rest is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from controls.core.decision import Decision, Halt, Proceed, Warn
from controls.core.moment import BeforePromote, Moment
from controls.policy import QuarantinePolicy


@dataclass(frozen=True, slots=True)
class QuarantineThreshold:
    """Warns of, and stops for, too many rows in quarantine: by share, by number, or both."""

    policy: QuarantinePolicy = field(default_factory=QuarantinePolicy)

    def decide(self, moment: Moment, /) -> Decision:
        """Before promoting: a limit that is reached counts."""
        if not isinstance(moment, BeforePromote) or not moment.quarantined:
            return Proceed()
        policy = self.policy
        kept = f"{moment.quarantined:,} of {moment.rows:,} rows are in quarantine"
        if stop := _reached(moment, policy.stop_share, policy.stop_rows):
            return Halt(f"{kept}: {stop} stops the job")
        if warning := _reached(moment, policy.warn_share, policy.warn_rows):
            return Warn(f"{kept}: {warning} is reached")
        return Proceed()


def _reached(moment: BeforePromote, share: float | None, rows: int | None) -> str:
    """The limit that is reached, in words; empty if none is."""
    if share is not None and moment.quarantined >= share * moment.rows:
        return f"the limit of {share:.1%}"
    if rows is not None and moment.quarantined >= rows:
        return f"the limit of {rows:,} rows"
    return ""
