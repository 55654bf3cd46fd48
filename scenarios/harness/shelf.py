"""Databases in memory, used again: to make one takes longer than a small drill.

An engine that is taken from the shelf is as it was when it was made: its tables, and nothing in
them. What it keeps are its compiled statements.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import Engine

T = TypeVar("T")

SMALL = 5_000
"""Rows of a job whose databases are used again. SQLite takes 1 GiB into a restored database."""


@dataclass(slots=True)
class Shelf(Generic[T]):
    """Things with a database of their own, by kind."""

    engine_of: Callable[[T], Engine]
    _free: dict[object, list[T]] = field(default_factory=dict)
    _images: dict[object, bytes] = field(default_factory=dict)

    def take(self, kind: object, make: Callable[[], T]) -> T:
        """One of this kind, as new."""
        free = self._free.setdefault(kind, [])
        if free:
            thing = free.pop()
            _connection(self.engine_of(thing)).deserialize(self._images[kind])
            return thing
        thing = make()
        connection = _connection(self.engine_of(thing))
        if kind not in self._images and hasattr(connection, "serialize"):
            self._images[kind] = connection.serialize()
        return thing

    def give_back(self, kind: object, thing: T) -> None:
        """Nobody looks at it any more. Where SQLite was built without `serialize`, it is not used
        again."""
        if kind in self._images:
            self._free.setdefault(kind, []).append(thing)


def _connection(engine: Engine) -> Any:
    """The one connection under an engine in memory."""
    with closing(engine.raw_connection()) as pooled:
        return pooled.driver_connection
