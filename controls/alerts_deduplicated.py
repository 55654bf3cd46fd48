"""Deduplicated alerts: the same thing is told once in a while, with how often it happened.

Protects from the pager that nobody reads any more: a watchdog that polls every minute would send
the same warning a thousand times a day. Two alerts are the same when owner, job and words are;
numbers that stand alone make no difference, batch ids do.

Weakness: it keeps its memory in this process; after a restart an alert is sent once more. How
often something happened after the last message is told only with the next. Neighbour: the ledger
holds every alert, sent or not.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock

from controls.core.alerts import Alert, Pager

REMEMBERED = 10_000
"""Different alerts kept in memory; texts may quote rows, so there is no end of them."""
_NUMBER = re.compile(r"(?<![\w-])\d[\d.,:]*(?![\w-])")

Key = tuple[str, str, str]


@dataclass(slots=True)
class _Told:
    at: datetime
    held_back: int = 0


class Deduplicated:
    """A pager that sends the same alert of a job at most once in an interval.

    Args:
        pager: who sends. If it raises, the alert counts as not sent.
        interval: so long after an alert the same one is held back. Measured between the times of
            the alerts, not by a clock.
    """

    def __init__(self, pager: Pager, interval: timedelta = timedelta(hours=1)) -> None:
        self._pager = pager
        self._interval = interval
        self._told: OrderedDict[Key, _Told] = OrderedDict()
        self._lock = Lock()

    def page(self, alert: Alert) -> None:
        """Send, or count."""
        with self._lock:
            key = (alert.owner, alert.job, _NUMBER.sub("#", alert.what))
            told = self._told.get(key)
            if told is not None and alert.at - told.at < self._interval:
                told.held_back += 1
                return
            self._pager.page(_with_count(alert, told))
            self._told[key] = _Told(alert.at)
            self._told.move_to_end(key)
            if len(self._told) > REMEMBERED:
                self._told.popitem(last=False)


def _with_count(alert: Alert, told: _Told | None) -> Alert:
    if told is None or not told.held_back:
        return alert
    times = "once" if told.held_back == 1 else f"{told.held_back:,} times"
    since = f"{told.at:%Y-%m-%d %H:%M}"
    return replace(alert, what=f"{alert.what} (and {times} more since {since} UTC)")
