"""Reconciliation: what was sent against what came back, per `custom_id`.

Protects from the silent partial drop. The API promises one line per request; this control counts.
Lost rows are looked for in a second download (a cut connection loses rows, the service does not);
what is still missing, unexpected or contradictory is an incident, and nothing is promoted.

Weakness: it can prove that an answer is missing, not that an answer is right. Neighbour:
`Requeue` deals with rows that came back, but without an answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from controls.core.decision import Decision, Halt, Proceed, Redownload
from controls.core.moment import AfterDownload, Balance, BeforePromote, Moment


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Every row of every batch exactly once, or nothing is promoted."""

    max_downloads: int = 3
    """How often the results of one batch are read before missing rows count as lost."""

    def decide(self, moment: Moment, /) -> Decision:
        """After a download: read again or stop. Before promoting: balance or stop."""
        match moment:
            case AfterDownload(balance=balance):
                return self._after_download(balance)
            case BeforePromote(lost=lost) if lost:
                return Halt(
                    f"{len(lost):,} of {moment.rows:,} rows are neither staged nor quarantined, "
                    f"first {lost[0]}"
                )
            case BeforePromote() if moment.staged + moment.quarantined != moment.rows:
                return Halt(
                    f"{moment.staged:,} staged and {moment.quarantined:,} quarantined rows do not "
                    f"add up to {moment.rows:,}"
                )
            case _:
                return Proceed()

    def _after_download(self, balance: Balance) -> Decision:
        if balance.unexpected:
            return Halt(
                f"batch {balance.batch_id} returned {len(balance.unexpected):,} custom_ids that "
                f"were never sent in it, first {balance.unexpected[0]!r}"
            )
        wrong = _miscounted(balance)
        broken = balance.problem or (
            f"{len(balance.lost):,} of {balance.sent:,} rows are missing from the results of "
            f"batch {balance.batch_id}"
            if balance.lost
            else wrong
        )
        if not broken:
            return Proceed()
        if balance.downloads < self.max_downloads:
            return Redownload(broken, after_seconds=10.0 * balance.downloads)
        return Halt(f"{broken}, after {balance.downloads} downloads")


def _miscounted(balance: Balance) -> str:
    """What the service counts otherwise than its own results do; empty if nothing."""
    if balance.unreadable or balance.conflicting:
        return ""
    off = [
        f"{counted:,} {kind} by the counts, {balance.kinds.get(kind, 0):,} in the results"
        for kind, counted in sorted(balance.counted.items())
        if counted != balance.kinds.get(kind, 0)
    ]
    return f"the counts of batch {balance.batch_id} do not agree: {'; '.join(off)}" if off else ""
