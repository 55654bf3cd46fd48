"""The alert book: what was found, who was told when, and who has taken it on.

Protects from the alarm that nobody answers and from the one that everybody hears all night: an
alert is told once, told again after a stated time as long as nobody has acknowledged it, and then
no more. Everything is an entry of the ledger, so that a restart forgets nothing and the trail says
who knew what since when.

Weakness: whoever acknowledges promises to look; nothing here checks that they do. Neighbour:
`Watch` finds what goes in here; `Deduplicated` does the same for alerts of running jobs, in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from controls.core.errors import ControlError
from controls.core.ledger import Ledger, LedgerEntry
from controls.watchdog import Finding

RAISED, PAGED, FAILED = "alert", "alert paged", "alert page failed"
ACKNOWLEDGED, OVER = "alert acknowledged", "alert over"


@dataclass(frozen=True, slots=True)
class KnownAlert:
    """One alert as it stands."""

    id: int
    """The number of the entry that raised it."""
    at: datetime
    owner: str
    finding: Finding
    paged: int = 0
    """How often somebody was told."""
    paged_at: datetime | None = None
    """When the last time."""
    acknowledged_by: str = ""
    over: bool = False
    """What it was about is there no more."""

    @property
    def about(self) -> tuple[str, str]:
        """Two alerts about the same are one."""
        return self.finding.kind, self.finding.batch_id

    @property
    def waits(self) -> bool:
        """Whether somebody still has to answer."""
        return not (self.over or self.acknowledged_by)


class AlertBook:
    """The alerts of one store."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def alerts(self, *, over: bool = False) -> list[KnownAlert]:
        """Alerts, oldest first: those that last, or all."""
        known: dict[int, KnownAlert] = {}
        for entry in self._ledger.of_kinds((RAISED, PAGED, ACKNOWLEDGED, OVER)):
            if entry.kind == RAISED:
                known[entry.seq] = _raised(entry)
            else:
                number = entry.body["alert"]
                known[number] = _changed(known[number], entry)
        return [alert for alert in known.values() if over or not alert.over]

    def note(self, finding: Finding, owner: str) -> KnownAlert:
        """Write a new alert down."""
        entry = self._ledger.append(
            finding.job,
            RAISED,
            about=finding.kind,
            batch_id=finding.batch_id,
            what=finding.what,
            owner=owner,
        )
        return _raised(entry)

    def paged(self, alert: KnownAlert) -> None:
        """Write down that its owner was told."""
        self._ledger.append(alert.finding.job, PAGED, alert=alert.id, owner=alert.owner)

    def failed(self, alert: KnownAlert, error: str) -> None:
        """Write down that nobody could be told."""
        self._ledger.append(alert.finding.job, FAILED, alert=alert.id, error=error)

    def end(self, alert: KnownAlert) -> None:
        """Write down that what it was about is there no more."""
        self._ledger.append(alert.finding.job, OVER, alert=alert.id)

    def acknowledge(self, number: int, *, by: str, why: str = "") -> KnownAlert:
        """A person takes an alert on; it is told no more.

        Raises:
            ControlError: there is none of this number that lasts, somebody has it already, or
                nobody is named.
        """
        if not by.strip():
            raise ControlError("Nobody is named.", fix="Say who does this, with --by NAME.")
        lasting = {alert.id: alert for alert in self.alerts()}
        if number not in lasting:
            raise ControlError(
                f"There is no alert {number} that lasts.", fix="`gameday alerts list` shows them."
            )
        alert = lasting[number]
        if alert.acknowledged_by:
            raise ControlError(
                f"{alert.acknowledged_by} has acknowledged alert {number} already.",
                fix="Ask them.",
            )
        said = {"why": why} if why else {}
        self._ledger.append(alert.finding.job, ACKNOWLEDGED, alert=number, by=by, **said)
        return replace(alert, acknowledged_by=by)


def _raised(entry: LedgerEntry) -> KnownAlert:
    body = entry.body
    finding = Finding(body["about"], body["batch_id"], entry.job, body["what"])
    return KnownAlert(entry.seq, entry.at, body["owner"], finding)


def _changed(alert: KnownAlert, entry: LedgerEntry) -> KnownAlert:
    if entry.kind == PAGED:
        return replace(alert, paged=alert.paged + 1, paged_at=entry.at)
    if entry.kind == ACKNOWLEDGED:
        return replace(alert, acknowledged_by=entry.body["by"])
    return replace(alert, over=True)
