"""Api.handle(Request) -> Response: the whole service as a function, without sockets.

Not safe for use by several threads at a time: whoever serves it calls `handle` from one thread
at a time (`asgi.py` runs it on its event loop).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from simulator import batches, errors, messages, routes
from simulator.access import Bucket, Caller, Gate, Keys, spend_refusal
from simulator.accounts import Overview, close_books, survey
from simulator.batch import Batch
from simulator.batches import Reply
from simulator.billing import Meter
from simulator.books import Books, Call
from simulator.choices import Choices
from simulator.clock import Clock, VirtualClock
from simulator.encoding import decode, named_encoding
from simulator.errors import ApiError
from simulator.faults.fault import Fault
from simulator.faults.plan import FaultPlan
from simulator.faults.seams import WireCall
from simulator.history import History
from simulator.limits import Limits
from simulator.randomness import Ids, Streams
from simulator.responder.base import Responder
from simulator.responder.echo import Echo
from simulator.store import Store
from simulator.unmatched import NOBODY, explain
from simulator.validation import Prepared, digest, prepare
from simulator.wire import Cut, Endpoint, Headers, Request, Response
from simulator.work import Worker

JSON = (("content-type", "application/json"),)

ACCEPTED: Final = 200
"""Contract 4.1: a create call is answered 200, not 201."""

_COUNT: Final = re.compile("[0-9]{1,4}")

Watcher = Callable[[Request, Call], None]
"""Looks on while a call is written down: at its head, and at what became of it."""


class Api:
    """The Message Batches API and its neighbours, from one seed."""

    def __init__(
        self,
        *,
        seed: int = 0,
        clock: Clock | None = None,
        responder: Responder | None = None,
        faults: Iterable[Fault] = (),
        limits: Limits | None = None,
        keys: Keys | None = None,
        choices: Choices | None = None,
    ) -> None:
        self.choices = Choices() if choices is None else choices
        self.seed = seed
        self.clock: Clock = VirtualClock() if clock is None else clock
        self.limits = Limits() if limits is None else limits
        self._responder = responder or Echo()
        self._faults = tuple(faults)
        self._keys = keys
        self.watcher: Watcher | None = None
        """Told of each call once it is answered; a reset does not send it away."""
        self.reset()

    def reset(self) -> None:
        """Forget every batch and every call, and throw the same dice again; time stays."""
        self.history = History(self.limits.kept_calls)
        self.started_at = self.clock.now()
        streams = Streams(self.seed)
        self._ids = Ids(streams)
        self._gate = Gate(self._keys, self._ids)
        self._plan = FaultPlan(self._faults, streams, self.started_at)
        self._meter = Meter()
        self._organization = self._ids.organization()
        self._buckets: dict[str, Bucket] = {}
        worker = Worker(self._responder, self._plan, self._meter, streams, self.choices)
        self._batches = batches.Batches(
            clock=self.clock,
            limits=self.limits,
            store=Store(),
            worker=worker,
            plan=self._plan,
            ids=self._ids,
            streams=streams,
            choices=self.choices,
        )
        self._messages = messages.Messages(
            worker, self._meter, self._ids, streams, self.limits, self.choices
        )
        self._connect()

    def __repr__(self) -> str:
        return f"Api(seed={self.seed}, {len(self._batches.store)} batches, {self.clock!r})"

    @property
    def plan(self) -> FaultPlan:
        """The faults, with all firings up to now."""
        self._batches.catch_up()
        return self._plan

    @property
    def meter(self) -> Meter:
        """What was billed up to now."""
        self._batches.catch_up()
        return self._meter

    def settle(self) -> Generator[None, None, datetime]:
        """Work what is due in steps; `plan`, `meter`, `books`, `overview` do it at a stretch."""
        return self._batches.ready(Endpoint.OTHER, "", "")

    def overview(self) -> Overview:
        """The books without their pages: cheap, whatever the number of requests."""
        now = self._batches.catch_up()
        return survey(now, self.history, self._batches.store, self._plan, self._meter)

    def next_end(self) -> datetime | None:
        """When the next batch ends or its day has passed, if nothing else happens; None if all
        have ended."""
        now = self._batches.catch_up()
        ends = (min(one.ends_at, one.expires_at) for one in self._batches.store.open())
        return min((end for end in ends if end > now), default=None)

    def books(self) -> Books:
        """A frozen record of all that was seen, done and billed up to now."""
        now = self._batches.catch_up()
        return close_books(now, self.history, self._batches.store, self._plan, self._meter)

    def prepare(self, request: Request) -> Request:
        """Read the body of a create call ahead of `handle`; may be done in another thread."""
        prepared = prepare(request.body, self.limits)
        return msgspec.structs.replace(request, prepared=prepared)

    def handle(self, request: Request) -> Response:
        """One call in, one reply out."""
        steps = self.steps(request)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                response: Response = done.value
                return response

    def steps(self, request: Request) -> Generator[None, None, Response]:
        """The same in steps of some milliseconds, between which others may be answered."""
        endpoint, name = routes.match(request.method, request.path)
        now = self.clock.now()
        call = WireCall(endpoint, request, name if endpoint.is_batch else "", now=now)
        before = self._batches.number(call.batch_id)
        request_id = self._ids.request()

        def finish(reply: Reply) -> Response:
            return self._finish(reply, request, request_id)

        struck = self._plan.before(call, now, before)
        if struck is None:
            request = self._unpack(endpoint, request)
            response = finish((yield from self._answer(endpoint, name, request)))
            if endpoint is Endpoint.CREATE and response.status == ACCEPTED:
                call = msgspec.structs.replace(call, batch_id=self._batches.newest_id)
            call = msgspec.structs.replace(call, request=request, response=response)
        else:
            by, reply = struck
            call = msgspec.structs.replace(call, response=finish(reply), struck_by=by)
        struck_by, response = self._plan.after(call, now, before, finish)
        return self._record(call, response, request_id, now, struck_by)

    def _unpack(self, endpoint: Endpoint, request: Request) -> Request:
        """The same call, its body decoded, and read if it is a create."""
        encoding = named_encoding(request.headers) if request.body else ""
        if encoding and not request.decoded:
            limits = self.limits
            create = endpoint is Endpoint.CREATE
            limit = limits.batch_body_bytes if create else limits.message_body_bytes
            body = decode(request.body, encoding, limit)
            if isinstance(body, ApiError):
                refused = Prepared([], body, digest(request.body), len(request.body))
                return msgspec.structs.replace(request, prepared=refused)
            request = msgspec.structs.replace(request, body=body, decoded=True)
        if endpoint is Endpoint.CREATE and request.prepared is None:
            return self.prepare(request)
        return request

    def _answer(
        self, endpoint: Endpoint, name: str, request: Request
    ) -> Generator[None, None, Reply]:
        caller = self._admit(endpoint, request)
        if isinstance(caller, ApiError):
            return caller
        if isinstance(request.prepared, Prepared) and request.prepared.refusal is not None:
            return request.prepared.refusal
        if endpoint is Endpoint.MODEL:
            return self._messages.model(name)
        now = yield from self._batches.ready(endpoint, name, caller.workspace)
        if endpoint in {Endpoint.CREATE, Endpoint.MESSAGES}:
            broke = spend_refusal(self.limits, self._meter.billed_usd)
            if broke is not None:
                return broke
        if endpoint not in self._on_one_batch:
            return self._on_all[endpoint](request, caller, now)
        batch = self._batches.store.find(name, caller.workspace)
        if batch is None:
            return errors.no_such_batch(name)
        return self._on_one_batch[endpoint](batch, request, now)

    def _admit(self, endpoint: Endpoint, request: Request) -> Caller | ApiError:
        if endpoint in NOBODY:
            why = explain(request.method, request.path)
            wrong_method = endpoint is Endpoint.WRONG_METHOD
            return errors.method_not_allowed(why) if wrong_method else errors.not_found(why)
        caller = self._gate.admit(request)
        if isinstance(caller, ApiError):
            return caller
        bucket = self._bucket(caller.account) if endpoint.is_batch else None
        limited = None if bucket is None else bucket.take()
        return limited or caller

    def _bucket(self, account: str) -> Bucket | None:
        per_minute = self.limits.requests_per_minute
        if per_minute is None:
            return None
        return self._buckets.setdefault(account, Bucket(per_minute, self.clock))

    def _connect(self) -> None:
        """Which endpoint is served by what."""
        self._on_all: Mapping[Endpoint, Callable[[Request, Caller, datetime], Reply]] = {
            Endpoint.CREATE: self._batches.create,
            Endpoint.LIST: self._batches.list,
            Endpoint.MESSAGES: self._messages.create,
            Endpoint.COUNT_TOKENS: self._messages.count_tokens,
            Endpoint.MODELS: self._messages.models,
        }
        self._on_one_batch: Mapping[Endpoint, Callable[[Batch, Request, datetime], Reply]] = {
            Endpoint.RETRIEVE: self._batches.retrieve,
            Endpoint.CANCEL: self._batches.cancel,
            Endpoint.DELETE: self._batches.delete,
            Endpoint.RESULTS: self._batches.results,
        }

    def _finish(self, reply: Reply, request: Request, request_id: str) -> Response:
        """A reply with the headers that every reply has (contract 3.2)."""
        own: Headers
        if isinstance(reply, ApiError):
            body: Any = msgspec.json.encode(reply.envelope(request_id))
            status, own, cut = reply.status, JSON + reply.headers, None
        else:
            status, own, body, cut = reply.status, reply.headers, reply.body, reply.cut
        headers = (("request-id", request_id), *self._account(request), *own)
        return Response(status, headers, body, cut)

    def _account(self, request: Request) -> Headers:
        workspace = self._gate.workspace(request)
        if workspace is None:
            return ()
        bucket = self._bucket(workspace if self._keys is None else "")
        limits = () if bucket is None else bucket.headers()
        return (
            ("anthropic-organization-id", self._organization),
            ("anthropic-workspace-id", workspace),
            *limits,
        )

    def _record(
        self, call: WireCall, response: Response, request_id: str, now: datetime, struck_by: str
    ) -> Response:
        request = call.request
        ready = request.prepared
        retries = request.headers.get("x-stainless-retry-count", "0")
        cut: Cut | None = response.cut
        written = Call(
            at=now,
            method=request.method,
            path=request.path,
            endpoint=call.endpoint,
            status=response.status,
            cut="" if cut is None else cut.kind,
            request_id=request_id,
            batch_id=call.batch_id,
            retry_count=int(retries) if _COUNT.fullmatch(retries) else 0,
            body_bytes=ready.size if isinstance(ready, Prepared) else len(request.body),
            body_digest=ready.digest if isinstance(ready, Prepared) else digest(request.body),
            struck_by=struck_by,
            no_route=explain(request.method, request.path) if call.endpoint in NOBODY else "",
        )
        self.history.append(written)
        if self.watcher is not None:
            self.watcher(request, written)
        return response
