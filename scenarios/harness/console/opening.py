"""`gameday serve --console`: tokens, a folder, a journal, and the console around the service."""

from __future__ import annotations

import secrets
import shlex
import sys
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reports import Journal
from scenarios.harness.console.application import CONSOLE, Console
from scenarios.harness.console.day import GameDay
from scenarios.harness.console.doors import open_doors
from scenarios.harness.console.offers import Offers
from scenarios.harness.console.wall import SystemWall
from scenarios.harness.errors import UsageError
from scenarios.harness.output import JOURNAL, open_folder
from simulator.api import Api
from simulator.server import Wrap

if TYPE_CHECKING:
    from scenarios.harness.drill import Drill

SALT_BYTES: Final = 32
FOLDER: Final = "gameday-live"
SECRETS: Final = frozenset({"--facilitator-token", "--observer-token", "--token", "--api-key"})


def serve_console(
    api: Api,
    arguments: Sequence[str],
    *,
    facilitator: str | None,
    observer: str | None,
    names: Sequence[str],
    out: Path | None,
    serve: Callable[[Wrap, str, str], None],
) -> None:
    """Serve with a console. `serve` takes what goes around the service, the token of its admin
    side, and what to say of the console once its URL is known, with `{url}` in its place.

    Raises:
        UsageError: the tokens or the folder will not do.
    """
    doors = open_doors(facilitator, observer, tuple(names))
    folder = a_folder(out)
    wall = SystemWall()
    command = shlex.join(["gameday", "serve", *without_secrets(arguments)])
    opening = wall.now()
    with Journal(folder / JOURNAL, command=command, seed=api.seed, opened=opening) as journal:
        day = GameDay(
            api,
            wall=wall,
            journal=journal,
            folder=folder,
            offers=Offers(shipped_drills),
            epoch=f"{opening.timestamp():.6f}",
            salt=secrets.token_bytes(SALT_BYTES),
            command=command,
        )
        says = (
            f"gameday: console: facilitator {{url}}{CONSOLE}#{doors.facilitator} "
            f"observers {{url}}{CONSOLE}#{doors.observer}\n"
        )
        serve(Console(day, doors).around, doors.facilitator, says)
        page = day.stop()
    if page is not None:
        sys.stdout.write(f"gameday: the report of this game day: {page}\n")


def shipped_drills() -> list[Drill]:
    """All drills that ship."""
    from scenarios.harness.discovery import all_drills  # noqa: PLC0415 - it needs everything

    return list(all_drills())


def a_folder(out: Path | None) -> Path:
    """Where the records of this game day go; those of an earlier one are never touched.

    Raises:
        UsageError: there are some in the folder that was asked for, or it cannot be written.
    """
    if out is None:
        names = (f"{FOLDER}-{number}" if number > 1 else FOLDER for number in count(1))
        out = next(path for name in names if not (path := Path(name)).exists())
    elif (out / JOURNAL).exists():
        raise UsageError(
            f"serve: {out} holds the records of an earlier game day.",
            fix="Choose another --out DIR, or leave it out.",
        )
    return open_folder(out)


def without_secrets(arguments: Sequence[str]) -> list[str]:
    """The options as they were given, secrets left out."""
    kept: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, joined, _ = argument.partition("=")
        if name not in SECRETS:
            kept.append(argument)
        elif not joined:
            next(rest, None)
    return kept
