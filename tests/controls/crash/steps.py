"""Where a worker can be killed: at each durable step, before it, in its middle, or after it.

A step is a commit of the store, a commit of the system of record, or a call to the service. Calls
that only read are one step as long as nothing else happens between them: whichever of them is the
last, what the next worker finds is the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, NoReturn
from unittest.mock import patch

import httpx2
from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.pool import PoolProxiedConnection

from controls.core import store


class Killed(BaseException):
    """The worker is gone. Not an `Exception`: nothing catches a `kill -9`."""


class Mode(StrEnum):
    """When a worker dies, as seen from the step."""

    BEFORE = "before"
    TORN = "torn"
    """Everything of a transaction but its commit; half a body sent, or half a reply read."""
    AFTER = "after"
    """The effect stands, and the worker does not learn of it."""


class Cut(NamedTuple):
    """The end of a life: at which step, from 1, and how."""

    step: int
    mode: Mode


@dataclass
class Life:
    """The steps of one worker until it ends."""

    cut: Cut | None = None
    kinds: list[str] = field(default_factory=list)
    doomed: bool = False
    """The last step is through: the worker dies at whatever it touches next."""

    def touch(self) -> None:
        """Called before anything that leaves the worker's own memory."""
        if self.doomed:
            self.die()

    def at(self, mode: Mode) -> bool:
        """Whether this is the end, in the step that is the next to be counted."""
        return self.cut == Cut(len(self.kinds) + 1, mode)

    def done(self, kind: str) -> None:
        """One more step is through."""
        self.doomed = self.doomed or self.at(Mode.AFTER)
        self.kinds.append(kind)

    def die(self) -> NoReturn:
        """The end; whatever is still tried on the way out ends in the same way."""
        self.doomed = True
        raise Killed


_WRITES = re.compile(r"\s*(INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", re.IGNORECASE)


class Database:
    """The transactions of one engine, as steps.

    Args:
        life: the one that goes on at present.
        name: tells what a transaction was, by the statements in it.
        writes: tells at its begin whether a transaction is one that writes.
    """

    def __init__(
        self,
        engine: Engine,
        life: Callable[[], Life],
        name: Callable[[Sequence[str]], str],
        writes: Callable[[Connection], bool],
    ) -> None:
        self._life, self._name, self._writes = life, name, writes
        self._written: list[str] = []
        event.listen(engine, "begin", self._begin)
        event.listen(engine, "before_cursor_execute", self._execute)
        event.listen(engine, "commit", self._commit)
        event.listen(engine, "rollback", self._rollback)
        commit = engine.dialect.do_commit

        def committed(connection: PoolProxiedConnection) -> None:
            commit(connection)
            if self._written:
                self._life().done(self._name(self._written))
                self._written = []

        engine.dialect.do_commit = committed  # type: ignore[method-assign,assignment] # the end of a step
        engine.dialect.copied = self.copied  # type: ignore[attr-defined] # COPY is not told otherwise

    def _begin(self, connection: Connection) -> None:
        life = self._life()
        life.touch()
        if self._writes(connection) and life.at(Mode.BEFORE):
            life.die()

    def _execute(
        self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any
    ) -> None:
        if _WRITES.match(statement):
            entry = statement.startswith("INSERT INTO ledger_entries")
            self._written.append(f"entry: {_kind(statement, parameters)}" if entry else statement)

    def copied(self, table: str) -> None:
        """PostgreSQL's way to write many rows."""
        self._written.append(f"INSERT INTO {table}")

    def _commit(self, _connection: Connection) -> None:
        life = self._life()
        if self._written and life.at(Mode.TORN):
            life.die()

    def _rollback(self, _connection: Connection) -> None:
        self._written = []


def _kind(statement: str, parameters: Any) -> str:
    """The kind of an entry, by the names of its values or by their places."""
    if isinstance(parameters, Mapping):
        return str(parameters["kind"])
    columns = statement[statement.index("(") + 1 : statement.index(")")].split(", ")
    return str(parameters[columns.index("kind")])


@contextmanager
def copies_told() -> Iterator[None]:
    """COPY is told to the `Database` of its engine."""
    copy_into = store._copy_into

    def told(connection: Connection, table: str, *rest: Any) -> None:
        copy_into(connection, table, *rest)
        connection.dialect.copied(table)  # type: ignore[attr-defined] # set by `Database`

    with patch.object(store, "_copy_into", told):
        yield


WITHOUT_ENTRY = (
    ("INSERT INTO ledger_answered", "answers"),
    ("INSERT INTO unaccepted", "contradicted"),
    ("SET asked_at", "asked"),
    ("SET ended_at", "ended"),
)
"""What marks a transaction of the store that adds nothing to the chain."""


def store_step(statements: Sequence[str]) -> str:
    """`store: opened`, `store: answers`, …"""
    text = "\n".join(statements)
    entries = [line.removeprefix("entry: ") for line in statements if line.startswith("entry: ")]
    if entries:
        return f"store: {' and '.join(entries)}"
    for mark, kind in WITHOUT_ENTRY:
        if mark in text:
            return f"store: {kind}"
    raise AssertionError(f"a step that this harness does not know: {text}")


def record_step(statements: Sequence[str]) -> str:
    """`record: promoted` or `record: rolled back`."""
    promoted = any("__promotions" in statement for statement in statements)
    return "record: promoted" if promoted else "record: rolled back"


class Wire(httpx2.BaseTransport):
    """The calls to the service, as steps.

    Args:
        service: where they go.
        sent: told the body of each create call before the service has it.
        bend: changes the lines of a results file, as a service with a fault would.
    """

    def __init__(
        self,
        service: httpx2.BaseTransport,
        life: Life,
        sent: Callable[[bytes], None],
        bend: Callable[[bytes], bytes],
    ) -> None:
        self._service, self._life, self._sent, self._bend = service, life, sent, bend

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One call."""
        life = self._life
        life.touch()
        kind = api_step(request)
        reads = kind not in {"api: create", "api: cancel"}
        if reads and life.kinds and life.kinds[-1] == kind:
            return self._answer(request, kind)
        if life.at(Mode.BEFORE):
            life.die()
        if kind == "api: create":
            self._sent(request.read())
        if life.at(Mode.TORN):
            return self._torn(request, kind)
        response = self._answer(request, kind)
        life.done(kind)
        life.touch()
        return response

    def _answer(self, request: httpx2.Request, kind: str) -> httpx2.Response:
        response = self._service.handle_request(request)
        if kind != "api: results" or response.status_code != 200:
            return response
        body = self._bend(response.read())
        return httpx2.Response(200, content=body, request=request)

    def _torn(self, request: httpx2.Request, kind: str) -> httpx2.Response:
        """Half of the body goes out, or half of the reply comes in."""
        body = request.read()
        if body:
            headers = {
                name: value for name, value in request.headers.items() if name != "content-length"
            }
            half = body[: len(body) // 2]
            self._service.handle_request(
                httpx2.Request(request.method, request.url, headers=headers, content=half)
            ).read()
            self._life.die()
        reply = self._answer(request, kind)
        return httpx2.Response(
            reply.status_code, stream=Half(reply.read(), self._life), request=request
        )


class Half(httpx2.SyncByteStream):
    """A body of which the worker sees the first half."""

    def __init__(self, body: bytes, life: Life) -> None:
        self._body, self._life = body, life

    def __iter__(self) -> Iterator[bytes]:
        yield self._body[: len(self._body) // 2]
        self._life.die()


def api_step(request: httpx2.Request) -> str:
    """`api: create`, `api: results`, …"""
    path = request.url.path.removeprefix("/v1/messages")
    match request.method, path.strip("/").split("/"):
        case "POST", ["count_tokens"]:
            return "api: count tokens"
        case "POST", ["batches"]:
            return "api: create"
        case "POST", ["batches", _, "cancel"]:
            return "api: cancel"
        case "GET", ["batches"]:
            return "api: list"
        case "GET", ["batches", _]:
            return "api: retrieve"
        case "GET", ["batches", _, "results"]:
            return "api: results"
    raise AssertionError(f"a call that this harness does not know: {request.method} {path}")
