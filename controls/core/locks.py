"""Locks between workers that share a store, freed by the machine when a worker dies.

PostgreSQL: advisory locks of one connection that is kept open; they end with the connection.
SQLite: locked bytes of a file beside the store; they end with the process. A store in memory has
one process, so its locks are that process's own.

Weakness: a worker that is cut off from PostgreSQL, but goes on, loses its locks without noticing
before its next write. Not through a pooler that shares connections between transactions.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from sqlalchemy import Engine, text
from sqlalchemy.engine import Connection

_MINE: set[tuple[str, str]] = set()
_GUARD = threading.Lock()


class _Lock(Protocol):
    def take(self, number: int) -> bool: ...

    def give_back(self, number: int) -> None: ...


class Locks:
    """Named locks of one worker. A name is free, or held by exactly one worker of the store."""

    def __init__(self, engine: Engine) -> None:
        self._store = engine.url.render_as_string(hide_password=True)
        if engine.url.database in {None, "", ":memory:"}:
            self._store = f"memory {id(engine.pool)}"
        self._lock: _Lock | None = None
        self._engine = engine

    @contextmanager
    def attempt(self, name: str) -> Iterator[bool]:
        """Hold a lock if it is free; the body is told whether it is held."""
        held = self._take(name)
        try:
            yield held
        finally:
            if held:
                self._give_back(name)

    @contextmanager
    def hold(self, name: str, pause: Callable[[], None]) -> Iterator[None]:
        """Hold a lock; `pause` is called between attempts while another has it."""
        while not self._take(name):
            pause()
        try:
            yield
        finally:
            self._give_back(name)

    def _take(self, name: str) -> bool:
        mine = (self._store, name)
        with _GUARD:
            if mine in _MINE:
                return False
            self._lock = self._lock or _lock_of(self._engine)
            if not self._lock.take(_number(name)):
                return False
            _MINE.add(mine)
            return True

    def _give_back(self, name: str) -> None:
        with _GUARD:
            _MINE.discard((self._store, name))
            assert self._lock is not None
            with suppress(Exception):
                self._lock.give_back(_number(name))


def _number(name: str) -> int:
    """A name as the 63 bits that all kinds of locks can take."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> 1


def _lock_of(engine: Engine) -> _Lock:
    if engine.dialect.name == "postgresql":
        return _Advisory(engine)
    database = engine.url.database
    if database in {None, "", ":memory:"}:
        return _Nothing()
    return _LockedBytes(os.path.realpath(f"{database}-locks"))


class _Nothing:
    """One process, one memory: what this process holds is all there is."""

    def take(self, number: int) -> bool:  # noqa: ARG002 - nobody else is there
        return True

    def give_back(self, number: int) -> None:
        """Nobody waits."""


_FILES: dict[str, int] = {}
"""Lock files of this process, never closed: closing one would free all its locks."""


class _LockedBytes:
    """One byte of a file per lock. The file stays empty."""

    def __init__(self, path: str) -> None:
        import fcntl  # noqa: PLC0415 - not on every system; needed for SQLite files only

        self._lockf, self._flags = fcntl.lockf, fcntl.LOCK_EX | fcntl.LOCK_NB
        self._free = fcntl.LOCK_UN
        if path not in _FILES:
            _FILES[path] = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._file = _FILES[path]

    def take(self, number: int) -> bool:
        try:
            self._lockf(self._file, self._flags, 1, number >> 1)
        except OSError:
            return False
        return True

    def give_back(self, number: int) -> None:
        self._lockf(self._file, self._free, 1, number >> 1)


class _Advisory:
    """PostgreSQL's advisory locks, on a connection of their own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def take(self, number: int) -> bool:
        if self._connection is None or self._connection.closed:
            self._connection = self._engine.connect().execution_options(
                isolation_level="AUTOCOMMIT"
            )
        query = text("SELECT pg_try_advisory_lock(:number)")
        return bool(self._connection.execute(query, {"number": number}).scalar())

    def give_back(self, number: int) -> None:
        assert self._connection is not None
        query = text("SELECT pg_advisory_unlock(:number)")
        self._connection.execute(query, {"number": number})
