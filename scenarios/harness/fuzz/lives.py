"""Workers that die at a durable step: at a commit, or at a call to the service."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

import msgspec
from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection

from scenarios.harness.fuzz.plan import Kill, Mode
from simulator import Request, Response, VirtualClock
from simulator.clock import START
from simulator.delivery import Service

MOST_CALLS = 20_000
"""So many calls in one story are a loop: the longest that end well make a few hundred."""
CREATE = ("POST", "/v1/messages/batches")


class Killed(BaseException):
    """The worker is gone. Not an `Exception`: nothing catches a `kill -9`."""


class Endless(BaseException):
    """The job goes on for longer than any job may. Nothing on the way may swallow it either."""


@dataclass(slots=True)
class Life:
    """The durable steps of one worker until it ends, by itself or by its kill."""

    kill: Kill | None = None
    steps: int = 0
    doomed: bool = False
    """Its last step is through: it dies at whatever it touches next."""

    def touch(self) -> None:
        """Called before anything that leaves the worker's own memory."""
        if self.doomed:
            self.die()

    def at(self, mode: Mode) -> bool:
        """Whether this is the end, in the step that is the next to be counted."""
        return self.kill is not None and self.kill == Kill(self.steps + 1, mode)

    def done(self) -> None:
        """One more step is through."""
        self.doomed = self.doomed or self.at(Mode.AFTER)
        self.steps += 1

    def die(self) -> NoReturn:
        """The end; whatever is still tried on the way out ends in the same way."""
        self.doomed = True
        raise Killed


_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)


class Commits:
    """The transactions of one engine that write, as steps of whoever lives at present.

    Args:
        writes: tells at its begin whether a transaction is one that may write. A worker dies there
            and not in a statement: SQLAlchemy gives up a connection whose statement is broken off,
            and with it a database in memory.
    """

    def __init__(
        self, engine: Engine, life: Callable[[], Life], writes: Callable[[Connection], bool]
    ) -> None:
        self._life, self._writes, self._writing = life, writes, False
        self._engine = engine
        self._listeners: dict[str, Callable[..., Any]] = {
            "begin": self._begin,
            "before_cursor_execute": self._execute,
            "commit": self._commit,
            "rollback": self._rollback,
        }
        for name, listener in self._listeners.items():
            event.listen(engine, name, listener)
        commit = engine.dialect.do_commit

        def committed(connection: Any) -> None:
            commit(connection)
            if self._writing:
                self._writing = False
                self._life().done()

        engine.dialect.do_commit = committed  # type: ignore[method-assign,assignment] # the end of a step

    def close(self) -> None:
        """Count no more."""
        for name, listener in self._listeners.items():
            event.remove(self._engine, name, listener)
        del self._engine.dialect.do_commit

    def _begin(self, connection: Connection) -> None:
        life = self._life()
        life.touch()
        if self._writes(connection) and life.at(Mode.BEFORE):
            life.die()

    def _execute(
        self, _connection: Any, _cursor: Any, statement: str, _parameters: Any, *_rest: Any
    ) -> None:
        self._writing = self._writing or bool(_WRITES.match(statement))

    def _commit(self, _connection: Connection) -> None:
        life = self._life()
        if self._writing and life.at(Mode.TORN):
            life.die()

    def _rollback(self, _connection: Connection) -> None:
        self._writing = False


class MortalWire:
    """The calls of the workers, as steps. Looks that follow each other at once are one step:
    whichever of them is the last, what the next worker finds is the same.

    Args:
        service: where they go.
        life: the one that goes on at present.
        before: told the number of each call and its request before the service has it.
    """

    def __init__(
        self, service: Service, life: Callable[[], Life], before: Callable[[int, Request], None]
    ) -> None:
        self._service, self._life, self._before = service, life, before
        self._looked: tuple[Life, int, str] | None = None
        self.calls = 0

    def steps(self, request: Request) -> Generator[None, None, Response]:
        """One call."""
        life = self._life()
        life.touch()
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise Endless(f"{MOST_CALLS:,} calls")
        self._before(self.calls, request)
        look = (life, life.steps, request.path) if request.method == "GET" else None
        if look is not None and self._looked == look:
            return (yield from self._service.steps(request))
        if life.at(Mode.BEFORE):
            life.die()
        if life.at(Mode.TORN):
            if request.body:
                half = bytes(request.body[: len(request.body) // 2])
                yield from self._service.steps(msgspec.structs.replace(request, body=half))
            life.die()
        response = yield from self._service.steps(request)
        life.done()
        life.touch()
        self._looked = (life, life.steps, request.path) if look is not None else None
        return response


class BoundedClock(VirtualClock):
    """Virtual time that ends."""

    __slots__ = ("_end",)

    def __init__(self, lasting: timedelta) -> None:
        super().__init__()
        self._end = START + lasting

    def sleep(self, duration: timedelta) -> None:
        """Move time forward.

        Raises:
            Endless: beyond the end.
        """
        super().sleep(duration)
        if self.now() > self._end:
            raise Endless(f"at {self.now() - START}")

    def lift(self) -> None:
        """From now on there is no end."""
        self._end += timedelta(days=36_500)
