"""Two databases in memory that are used for story after story.

SQLAlchemy keeps what it has compiled with the engine. A new engine for every story would compile
a hundred statements again, which takes longer than to run them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from threading import get_ident
from typing import Any

from sqlalchemy import Engine

from controls import open_store


def blank_stores() -> Iterator[Engine]:
    """The same engines in the same order each time, as empty as new ones."""
    for place in range(2):
        engine = _engine(place, get_ident())
        _wipe(engine)
        yield engine


@cache
def _engine(place: int, thread: int) -> Engine:
    """Two for each thread: a worker of a cluster may have several."""
    del place, thread
    return open_store("sqlite://")


@cache
def _empty() -> bytes:
    """The bytes of a database in which nothing happened but that its tables were made."""
    engine = open_store("sqlite://")
    connection = engine.raw_connection()
    try:
        driver: Any = connection.driver_connection
        image: bytes = driver.serialize()
    finally:
        connection.close()
        engine.dispose()
    return image


def _wipe(engine: Engine) -> None:
    connection = engine.raw_connection()
    try:
        driver: Any = connection.driver_connection
        driver.deserialize(_empty())
    finally:
        connection.close()
