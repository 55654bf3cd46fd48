"""One worker as a process of its own: `python -m tests.controls.crash.process`, killed for real.

Args on the command line: name of the plot, folder of the databases, URL of the service, and the
step and the mode in which the worker kills itself with SIGKILL; step 0 for never.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

import httpx2

from controls import open_store
from tests.controls.crash.plots import PLOTS
from tests.controls.crash.scene import Place, database
from tests.controls.crash.steps import Cut, Life, Mode


@dataclass
class MortalLife(Life):
    """Ends the process, not only the run."""

    def die(self) -> NoReturn:
        """`kill -9`: no `finally`, no rollback, no goodbye."""
        os.kill(os.getpid(), signal.SIGKILL)
        raise SystemExit


class ServiceClock:
    """The clock of the service, looked at and moved through its admin side."""

    def __init__(self, url: str) -> None:
        self._client = httpx2.Client(base_url=f"{url}/_gameday/")

    def now(self) -> datetime:
        """The present there."""
        return datetime.fromisoformat(self._client.get("clock").json()["now"])

    def sleep(self, duration: timedelta) -> None:
        """Move it on: nobody waits."""
        body = {"advance_seconds": duration.total_seconds()}
        self._client.post("clock", json=body).raise_for_status()


def main(name: str, folder: str, url: str, step: int, mode: Mode) -> None:
    """Live once, and say how the job ended."""
    (plot,) = (plot for plot in PLOTS if plot.name == name)
    place = Place(
        plot,
        open_store(database("store", Path(folder))),
        open_store(database("record", Path(folder))),
        ServiceClock(url),
        httpx2.HTTPTransport(),
        url,
    )
    ended = place.live(MortalLife(Cut(step, mode)))
    assert not place.unannounced, place.unannounced
    sys.stdout.write(f"{ended}\n")


if __name__ == "__main__":
    _, plot_name, databases, service, last_step, way = sys.argv
    main(plot_name, databases, service, int(last_step), Mode(way))
