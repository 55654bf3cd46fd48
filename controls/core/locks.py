"""Locks between workers that share a store, freed by the machine when a worker dies.

PostgreSQL: advisory locks of one connection that is kept while any is held; they end with it.
SQLite: locked bytes of a file beside the store; they end with the process. A store in memory has
one process, so its locks are that process's own.

Weakness: a worker whose connection to PostgreSQL breaks loses its locks at once and notices later.
So whoever is about to do what cannot be undone says `confirm` first; what is left is the moment
between that question and the act. Not through a pooler that shares connections between
transactions.
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
from sqlalchemy.exc import SQLAlchemyError

from controls.core.errors import ControlError

_MINE: set[tuple[str, str]] = set()
_GUARD = threading.Lock()


class LockLostError(ControlError):
    """A worker no longer holds what it believed to hold; another may have gone on with it."""


class _Lock(Protocol):
    def take(self, number: int) -> bool: ...

    def holds(self, number: int) -> bool: ...

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

    def confirm(self, name: str) -> None:
        """Make sure that a lock is still held, by a question to whoever keeps it.

        Raises:
            LockLostError: it is not.
        """
        with _GUARD:
            lock = self._lock
            if lock is not None and (self._store, name) in _MINE and lock.holds(number_of(name)):
                return
        raise LockLostError(
            f"This worker has lost the lock {name!r}: its connection to the store broke.",
            fix="Run the job again; another worker may have gone on with it.",
        )

    def _take(self, name: str) -> bool:
        mine = (self._store, name)
        with _GUARD:
            if mine in _MINE:
                return False
            self._lock = self._lock or _lock_of(self._engine)
            if not self._lock.take(number_of(name)):
                return False
            _MINE.add(mine)
            return True

    def _give_back(self, name: str) -> None:
        with _GUARD:
            _MINE.discard((self._store, name))
            assert self._lock is not None
            with suppress(Exception):
                self._lock.give_back(number_of(name))


def number_of(name: str) -> int:
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

    def holds(self, number: int) -> bool:  # noqa: ARG002 - nobody could have taken it away
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

    def holds(self, number: int) -> bool:  # noqa: ARG002 - it ends with this process
        return True

    def give_back(self, number: int) -> None:
        self._lockf(self._file, self._free, 1, number >> 1)


_HELD = """
SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND granted
AND pid = pg_backend_pid() AND classid::bigint << 32 | objid::bigint = :number
"""
"""Asked of the connection that took it: behind a pooler that is another one each time, so no."""


class _Advisory:
    """PostgreSQL's advisory locks, on a connection of their own while any is held."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._held: set[int] = set()

    def take(self, number: int) -> bool:
        taken = self._ask("SELECT pg_try_advisory_lock(:number)", number)
        if taken:
            self._held.add(number)
        self._let_go()
        return taken

    def holds(self, number: int) -> bool:
        try:
            return number in self._held and self._ask(_HELD, number)
        except SQLAlchemyError:
            return False

    def give_back(self, number: int) -> None:
        if number in self._held:
            self._held.discard(number)
            self._ask("SELECT pg_advisory_unlock(:number)", number)
        self._let_go()

    def _ask(self, query: str, number: int) -> bool:
        """One call; a connection that fails takes all its locks along."""
        if self._connection is None:
            self._connection = self._engine.connect().execution_options(
                isolation_level="AUTOCOMMIT"
            )
        try:
            return bool(self._connection.execute(text(query), {"number": number}).scalar())
        except BaseException:
            self._held.clear()
            self._connection.invalidate()
            self._let_go()
            raise

    def _let_go(self) -> None:
        """A worker that holds nothing needs no connection."""
        if self._connection is not None and not self._held:
            self._connection.close()
            self._connection = None
