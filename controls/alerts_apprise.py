"""Alerts by Slack, mail, PagerDuty and a hundred others, through Apprise.

Protects from alarms that nobody sees. One URL per receiver, in the form of Apprise, for example
`slack://…` or `mailto://…`; keep them with your other secrets.

Weakness: text that a row brought along is shown to people; control characters are taken out and
mentions are broken up, but a link stays a link. Neighbour: `Deduplicated` stands before it.
Needs the extra `batch-gameday[alerts]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from controls.core.alerts import Alert
from controls.core.errors import ControlError

LONGEST_TEXT = 2_000
"""Characters; receivers cut elsewhere or refuse more."""
_MENTION = re.compile(r"([@<])(?=\S)")
_ZERO_WIDTH_SPACE = "\u200b"


class AppriseAlerts:
    """A pager that sends each alert to every receiver.

    Args:
        urls: of the receivers.

    Raises:
        ControlError: Apprise is not installed, or a URL is not one of its own.
    """

    def __init__(self, urls: Iterable[str]) -> None:
        try:
            import apprise  # noqa: PLC0415 - an extra that only some install
        except ImportError:
            raise ControlError(
                "Alerts by Apprise need the package apprise, which is not installed.",
                fix="Run: pip install 'batch-gameday[alerts]'",
            ) from None
        self._receivers = apprise.Apprise()
        self._kind = apprise.NotifyType.FAILURE
        self._format = apprise.NotifyFormat.TEXT
        for number, url in enumerate(urls, start=1):
            if not self._receivers.add(url):
                raise ControlError(
                    f"Alert receiver {number} is not a URL of Apprise: {_scheme(url)}.",
                    fix="Compare it with Apprise's list of services; mind the part before ://.",
                )
        if not len(self._receivers):
            raise ControlError("There is no alert receiver.", fix="Give at least one URL.")

    def page(self, alert: Alert) -> None:
        """Send one alert, and wait until it is sent.

        Raises:
            ControlError: a receiver did not take it.
        """
        sent = self._receivers.notify(
            title=_plain(f"{alert.job}: batch job needs {alert.owner}")[:200],
            body=f"{_plain(alert.what)}\n{alert.at:%Y-%m-%d %H:%M} UTC",
            notify_type=self._kind,
            body_format=self._format,
        )
        if not sent:
            raise ControlError(
                f"An alert of job {alert.job!r} did not reach every receiver.",
                fix="Check the receivers' URLs, and the network.",
            )


def _plain(text: str) -> str:
    """One line that changes no terminal, wakes no channel and is not too long."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[:LONGEST_TEXT])
    return _MENTION.sub(rf"\1{_ZERO_WIDTH_SPACE}", shown)


def _scheme(url: str) -> str:
    """The part of a URL that holds no secret."""
    scheme, found, _ = url.partition("://")
    return f"{scheme[:20]!r} is not a service" if found else "it has no ://"
