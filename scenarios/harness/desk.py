"""What the commands for real stores share: opening one, names, text that is safe to print."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import anthropic
import msgspec
import typer
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from controls import (
    Alert,
    AppriseAlerts,
    Ledger,
    LedgerEntry,
    Pager,
    SystemClock,
    SystemOfRecord,
    open_database,
    open_store,
)
from controls.core.clock import Clock
from reports.untrusted import shown
from scenarios.harness.errors import UsageError
from scenarios.harness.output import write_whole

StoreUrl = Annotated[
    str, typer.Option("--store", envvar="GAMEDAY_STORE", help="SQLAlchemy URL of the store.")
]
By = Annotated[str, typer.Option("--by", help="Who does this; kept in the ledger.")]
Why = Annotated[str, typer.Option("--why", help="The reason; kept in the ledger.")]
RecordUrl = Annotated[str, typer.Option("--record", help="URL of the system of record.")]
RecordTable = Annotated[str, typer.Option("--table", help="Its table.")]
AlertUrls = Annotated[
    list[str] | None,
    typer.Option("--alert", envvar="GAMEDAY_ALERTS", help="Apprise URL of who is paged."),
]
RecordKey = Annotated[str, typer.Option("--key", help="The column that holds the rows' keys.")]
FAILED = 1


@contextmanager
def opened(
    url: str, *, new: bool = False, listen: Callable[[LedgerEntry], None] = lambda _: None
) -> Iterator[Ledger]:
    """The ledger of a store that is there; with `new` it may be made. `listen` hears of entries.

    Raises:
        UsageError: none is named, none is there, or it fails meanwhile.
    """
    if not url:
        raise UsageError("No store is named.", fix="Give --store URL, or set GAMEDAY_STORE.")
    if not new:
        _must_exist(url)
    engine = open_store(url)
    try:
        yield Ledger(engine, SystemClock().now, listen)
    except SQLAlchemyError as error:
        raise UsageError(
            f"The store does not answer: {type(error).__name__}.",
            fix="Check that it is a store of gameday, and the rights to it.",
        ) from error
    finally:
        engine.dispose()


def _must_exist(url: str) -> None:
    """A mistyped path must not become a new, empty store."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return  # open_store says it better
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        raise UsageError(f"There is no store at {parsed.database!r}.", fix="Check the path.")


def the_record(url: str, table: str, key: str) -> SystemOfRecord:
    """The system of record that the options name.

    Raises:
        UsageError: an option is missing, or nothing is there.
    """
    if not (url and table and key):
        raise UsageError(
            "The system of record is not named.", fix="Give --record URL, --table and --key."
        )
    _must_exist(url)
    return SystemOfRecord(open_database(url), table, key)


def service() -> anthropic.Anthropic:
    """A client of the API, with key and address from the environment.

    Raises:
        UsageError: there is no key, or an empty one.
    """
    if not any(map(os.environ.get, ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"))):
        raise UsageError("There is no key for the API.", fix="Set ANTHROPIC_API_KEY.")
    return anthropic.Anthropic()


class Screen:
    """A pager for who has none: one line on stderr."""

    def page(self, alert: Alert) -> None:
        """Show it to whoever looks."""
        warn(f"ALERT for {alert.owner}: {alert.job}: {alert.what}")


def the_pager(urls: Iterable[str] | None) -> Pager:
    """Who hears of alerts: the receivers of these Apprise URLs, else whoever sees stderr."""
    return AppriseAlerts(urls) if urls else Screen()


def named(by: str) -> str:
    """The name of who does this.

    Raises:
        UsageError: there is none.
    """
    if not by.strip():
        raise UsageError("Nobody is named.", fix="Say who does this, with --by NAME.")
    return by


def the_clock() -> Clock:
    """The time that jobs wait by."""
    return SystemClock()


def say(line: str) -> None:
    """One line on stdout that no terminal obeys."""
    typer.echo(shown(line))


def warn(line: str) -> None:
    """One line on stderr that no terminal obeys."""
    typer.echo(shown(line), err=True)


def json_lines(objects: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One object per line, in ASCII, so that nothing in it can hide."""
    for item in objects:
        text = msgspec.json.encode(item).decode()
        yield "".join(c if c.isascii() else _escaped(c) for c in text) + "\n"


def put_out(lines: Iterable[str], out: Path | None) -> None:
    """Into a file, whole or not at all; else to stdout."""
    if out is None:
        for line in lines:
            typer.echo(line, nl=False)
    else:
        write_whole(out, "".join(lines))


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
