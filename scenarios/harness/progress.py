"""Progress on stderr: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from reports.untrusted import shown, told
from scenarios.harness.voice import voice


class Steps(Protocol):
    """Hears of everything that is done, in a few words."""

    def __call__(self, said: str, /) -> None: ...


@contextmanager
def progress(total: int, what: str = "drills") -> Iterator[Steps]:
    """Show how far it is; so many drills, or whatever it is, are expected."""
    if not voice().shows_bar:
        yield _nothing if voice().quiet else _lines(total)
        return
    from rich.markup import escape  # noqa: PLC0415 - only for people
    from rich.progress import Progress  # noqa: PLC0415

    console = voice().console()
    # Without a thread that refreshes it: workers are forked while it is shown.
    with Progress(console=console, transient=True, auto_refresh=False) as bar:
        task = bar.add_task(what, total=total)

        def step(said: str) -> None:
            bar.update(task, advance=1, description=escape(shown(said)[:60]), refresh=True)

        yield step


def _nothing(_said: str, /) -> None:
    """Nobody wants to hear."""


def _lines(total: int) -> Steps:
    done = 0

    def step(said: str) -> None:
        nonlocal done
        done += 1
        sys.stderr.write(told(f"gameday: {done}/{total} {shown(said)}") + "\n")
        sys.stderr.flush()

    return step
