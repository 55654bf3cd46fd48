"""How much a command says, and in which colours: one place for run, verify, prove and fuzz.

What it found goes to stdout; how far it is goes to stderr, as a bar on a terminal and as plain
lines elsewhere. `--quiet` leaves the last line of what was found, and nothing of how far it is.
"""

from __future__ import annotations

import os
import sys
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Annotated, Any

import typer

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress; only the last line.")]
NoColor = Annotated[
    bool, typer.Option("--no-color", help="No colours, on a terminal either; like NO_COLOR=1.")
]


@dataclass(frozen=True, slots=True)
class Voice:
    """What the user asked for."""

    quiet: bool = False
    colour: bool = True

    def say(self, text: str) -> None:
        """Print what was found, or its last line."""
        typer.echo(text.rstrip("\n").rpartition("\n")[2] if self.quiet else text.rstrip("\n"))

    def console(self) -> Any:
        """Where a bar is drawn, if stderr is a terminal."""
        from rich.console import Console  # noqa: PLC0415 - only for people

        return Console(stderr=True, no_color=not self.colour)

    @property
    def shows_bar(self) -> bool:
        """Whether somebody watches a terminal."""
        return not self.quiet and sys.stderr.isatty()


_VOICE: ContextVar[Voice] = ContextVar("voice", default=Voice())  # noqa: B039 - it is frozen


def voice() -> Voice:
    """That of the command that runs."""
    return _VOICE.get()


def set_voice(*, quiet: bool, no_color: bool) -> Voice:
    """For the command that begins. Colours need a terminal that knows them and no `NO_COLOR`, of
    which an empty one counts as unset (no-color.org)."""
    plain = no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    _VOICE.set(Voice(quiet, colour=not plain and sys.stdout.isatty()))
    return voice()
