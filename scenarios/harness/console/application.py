"""The console over HTTP, put around the simulated service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from reports import render
from scenarios.harness.console.clients import key_of
from scenarios.harness.console.day import GameDay, Role, a_name
from scenarios.harness.console.doors import Doors, is_loopback
from scenarios.harness.console.refusal import (
    BUSY,
    FORBIDDEN,
    MISSING,
    NOBODY,
    TOO_LARGE,
    Refused,
)
from scenarios.harness.console.stream import EventStream
from scenarios.harness.output import FILES
from simulator.application import Application
from simulator.errors import authentication
from simulator.routes import ADMIN

CONSOLE: Final = f"{ADMIN}console/"
STATIC: Final = Path(__file__).parent / "static"
TYPES: Final[Mapping[str, str]] = {
    "console.html": "text/html; charset=utf-8",
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
SECURE: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
LONGEST_BODY: Final = 16 * 1024
MOST_STREAMS: Final = 100
FORMATS: Final = {name: form for form, name in FILES.items()}

Body = Mapping[str, Any]
Act = Callable[[GameDay, str, Role, Body], Mapping[str, Any]]

FACILITATOR: Final = frozenset({Role.FACILITATOR})
EVERYBODY: Final = frozenset(Role)

ACTS: Final[Mapping[str, tuple[Act, frozenset[Role]]]] = {
    "inject": (lambda day, who, _, body: day.inject(who, body.get("what")), FACILITATOR),
    "take-out": (lambda day, who, _, body: day.take_out(who, body.get("incident")), FACILITATOR),
    "advance": (lambda day, who, _, body: day.advance(who, body.get("seconds")), FACILITATOR),
    "next-end": (lambda day, who, _, __: day.advance_to_next_end(who), FACILITATOR),
    "speed": (lambda day, who, _, body: day.set_speed(who, body.get("speed")), FACILITATOR),
    "reset": (lambda day, who, _, __: day.reset(who), FACILITATOR),
    "withdraw": (lambda day, who, _, body: day.withdraw(who, body.get("word")), FACILITATOR),
    "close": (lambda day, who, _, __: day.close(who), FACILITATOR),
    "say": (
        lambda day, who, role, body: day.say(
            who, role, body.get("incident"), body.get("moment"), body.get("note")
        ),
        EVERYBODY,
    ),
    "note": (lambda day, who, role, body: day.note(who, role, body.get("note")), EVERYBODY),
}


class Console:
    """The pages, the acts and the stream of one game day."""

    def __init__(self, day: GameDay, doors: Doors) -> None:
        self._day = day
        self._doors = doors
        self._streams = 0
        self._watching: asyncio.Task[None] | None = None
        route = CONSOLE.removesuffix("/")
        self._site = Starlette(
            routes=[
                Route(route, self._to_the_page),
                Route(CONSOLE, self._static),
                Route(f"{CONSOLE}{{name:str}}.{{kind:str}}", self._static),
                Route(f"{CONSOLE}events", self._events),
                Route(f"{CONSOLE}offers", self._offers),
                Route(f"{CONSOLE}report/{{name:str}}", self._report),
                Route(f"{CONSOLE}acts/{{act:str}}", self._act, methods=["POST"]),
            ],
            exception_handlers={Refused: _refused},
        )

    def around(self, plain: Application) -> Application:
        """The simulated service with the console beside it."""

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await plain(scope, receive, send)
                return
            if self._watching is None or self._watching.done():
                self._watching = asyncio.create_task(self._day.watch.run())
            path = scope["path"]
            if path.startswith(CONSOLE) or path == CONSOLE.removesuffix("/"):
                await self._site(scope, receive, send)
            elif path.startswith(ADMIN):
                await self._admin(plain, scope, receive, send)
            else:
                await self._client(plain, scope, receive, send)

        return application

    async def _client(self, plain: Application, scope: Scope, receive: Receive, send: Send) -> None:
        """A call to the API: a token of the console is no key for it."""
        if self._doors.is_token(key_of(_headers(scope))):
            error = authentication("A token of the console is no API key.")
            body = msgspec.json.encode(error.envelope(None))
            reply = Response(body, error.status, media_type="application/json")
            await reply(scope, receive, send)
            return
        if scope["path"].endswith("/cancel"):
            await self._day.watch.look_soon()  # what has struck before it is known before it
        await plain(scope, receive, send)
        await self._day.watch.look_after_a_call()

    async def _admin(self, plain: Application, scope: Scope, receive: Receive, send: Send) -> None:
        """A call to the admin side, which the console does not open to other machines."""
        if not self._doors.from_elsewhere and not is_loopback(_peer(scope)):
            reply = _answer({"error": "This answers callers on this machine only."}, FORBIDDEN)
            await reply(scope, receive, send)
            return
        await plain(scope, receive, send)
        if scope["method"] != "GET":
            self._day.watch.heard_admin(f"{scope['method']} {scope['path']}")
            await self._day.watch.look_soon()

    def _role(self, request: Request) -> Role:
        self._check_way(request)
        return self._doors.role(request.headers)

    def _check_way(self, request: Request) -> None:
        self._doors.check_way(request.headers, _peer(request.scope), request.url.scheme)

    async def _to_the_page(self, request: Request) -> Response:
        self._check_way(request)
        return RedirectResponse(CONSOLE, headers=SECURE)

    async def _static(self, request: Request) -> Response:
        """Files without data: they need no token, and what they fetch does."""
        self._check_way(request)
        name = request.url.path.removeprefix(CONSOLE) or "console.html"
        if name not in TYPES:
            raise Refused("There is no such page.", status=MISSING)
        content = (STATIC / name).read_bytes()
        return Response(content, headers=SECURE | {"content-type": TYPES[name]})

    async def _offers(self, request: Request) -> Response:
        self._role(request)
        return _answer(await asyncio.to_thread(lambda: self._day.offers.document))

    async def _report(self, request: Request) -> Response:
        self._role(request)
        report, form = self._day.report, FORMATS.get(request.path_params["name"])
        if report is None or form is None:
            raise Refused("There is no report before the game day is closed.", status=MISSING)
        plain = Response(render(report, form), headers=SECURE, media_type="text/plain")
        plain.headers["content-disposition"] = f"attachment; filename={FILES[form]}"
        return plain

    async def _act(self, request: Request) -> Response:
        role = self._role(request)
        act, roles = ACTS.get(request.path_params["act"], (None, frozenset[Role]()))
        if act is None:
            raise Refused("There is no such act.", status=MISSING)
        if role not in roles:
            raise Refused(f"This is not for an {role.value}.", status=FORBIDDEN)
        body = await _body(request)
        who = a_name(body.get("by"))
        await self._day.watch.settle()
        done = act(self._day, who, role, body)
        await self._day.watch.look_soon()
        return _answer(done)

    @property
    def _events(self) -> ASGIApp:
        """An application of its own: Starlette's responses wait for readers without end."""

        async def events(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive)
            role = self._role(request)
            if self._streams >= MOST_STREAMS:
                raise Refused(f"{MOST_STREAMS} pages are open already.", status=BUSY)
            self._streams += 1
            try:
                last_id = request.headers.get("last-event-id", "")
                pieces = self._day.feed.follow(role.value, last_id)
                await EventStream(pieces)(scope, receive, send)
            finally:
                self._streams -= 1

        return _Endpoint(events)


class _Endpoint:
    """Makes Starlette take a function for an application and not for a handler of requests."""

    def __init__(self, application: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application(scope, receive, send)


async def _body(request: Request) -> Body:
    """The JSON object of an act.

    Raises:
        Refused: it is too large, or none.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refused("Send JSON, with `content-type: application/json`.")
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > LONGEST_BODY:
                raise Refused(f"Send {LONGEST_BODY:,} bytes at most.", status=TOO_LARGE)
        document = json.loads(body)
    except (ValueError, RecursionError, ClientDisconnect):
        raise Refused("This is not JSON.") from None
    if not isinstance(document, dict):
        raise Refused("Send a JSON object.")
    return document


def _answer(document: object, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(document), status, headers=SECURE, media_type="application/json"
    )


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    reply = _answer({"error": error.says, "fields": error.fields}, error.status)
    if error.status == NOBODY:
        reply.headers["www-authenticate"] = "Bearer"
    return reply


def _headers(scope: Scope) -> Mapping[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""
