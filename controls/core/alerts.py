"""Alerts: what a person has to hear of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Alert:
    """One message to the owner of a job."""

    at: datetime
    owner: str
    job: str
    what: str
    """Untrusted: may quote a row or an answer."""


class Pager(Protocol):
    """Brings alerts to people."""

    def page(self, alert: Alert) -> None:
        """Deliver one alert. If it raises, the caller writes down that nobody was reached, and
        goes on: a broken pager may not stop a halt."""
        ...


class Alerts(list[Alert]):
    """A pager that remembers."""

    def page(self, alert: Alert) -> None:
        """Keep the alert."""
        self.append(alert)
