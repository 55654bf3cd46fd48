"""Progress on stderr: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from reports import DrillReport
from reports.untrusted import shown


class Steps(Protocol):
    """Hears of every drill that is done."""

    def __call__(self, report: DrillReport, /) -> None: ...


@contextmanager
def progress(total: int) -> Iterator[Steps]:
    """Show how far the game day is; `total` drills are expected."""
    if not sys.stderr.isatty():
        yield _lines(total)
        return
    from rich.console import Console  # noqa: PLC0415 - only for people
    from rich.markup import escape  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    console = Console(stderr=True)
    # Without a thread that refreshes it: workers are forked while it is shown.
    with Progress(console=console, transient=True, auto_refresh=False) as bar:
        task = bar.add_task("drills", total=total)

        def step(report: DrillReport) -> None:
            said = f"{report.verdict.name} {shown(report.name)}"[:60]
            bar.update(task, advance=1, description=escape(said), refresh=True)

        yield step


def _lines(total: int) -> Steps:
    done = 0

    def step(report: DrillReport) -> None:
        nonlocal done
        done += 1
        line = f"gameday: {done}/{total} {report.verdict.name} {shown(report.name)}"
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    return step
