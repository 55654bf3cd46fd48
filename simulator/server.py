"""A server that starts and stops within milliseconds, and can break its connections.

uvicorn's own loop polls ten times a second and waits 200 ms when it stops; this one waits for
an event. The listening socket names its protocol, without which TCP_NODELAY is never set and
each call on a kept connection costs 43 ms (measured).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

import uvicorn
from uvicorn.server import ServerState

from simulator.api import Api
from simulator.application import Application, app
from simulator.errors import SimulatorError
from simulator.protocol import Protocol

GRACE_SECONDS: Final = 1.0
"""So long may replies under way go on when the server stops."""
KEEP_ALIVE_SECONDS: Final = 75
BACKLOG: Final = 2048

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

Wrap = Callable[[Application], Application]
"""What is put around the application: another one, that hears everything first."""


class Server:
    """The simulator on a port of this machine, in a thread of its own.

    with Server(api) as server:
        client = anthropic.Anthropic(base_url=server.url, api_key="test")

    Between calls the thread that holds the server may use `api`; during a call it must not.
    """

    def __init__(
        self,
        api: Api,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        wrap: Wrap | None = None,
    ) -> None:
        self._api = api
        self._application = wrapped(api, token, wrap)
        self._host = host
        self._wanted = port
        self._socket: socket.socket | None = None
        self._loop: AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._failed: BaseException | None = None

    @property
    def url(self) -> str:
        """What a client needs as its base URL."""
        if self._socket is None:
            raise SimulatorError("The server is not running.", fix="Enter it as a context manager.")
        return url_of(self._socket)

    def __enter__(self) -> Self:
        """Listen, and wait until connections are accepted."""
        self._socket = listen(self._host, self._wanted)
        self._thread = threading.Thread(target=self._work, name="simulator", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failed is not None:
            self._thread.join()
            raise self._failed
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, and wait until it has stopped."""
        if self._loop is not None and self._thread is not None:
            with contextlib.suppress(RuntimeError):  # it has stopped by itself
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def _work(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        assert self._socket is not None
        try:
            await run(self._application, self._socket, self._stop, self._ready.set)
        except Exception as failed:
            if self._ready.is_set():
                raise
            self._failed = failed
        finally:
            self._ready.set()


def serve(
    api: Api,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    token: str | None = None,
    ready: Callable[[str], None] = lambda _: None,
    wrap: Wrap | None = None,
) -> None:
    """Serve until interrupted. `ready` gets the URL once connections are accepted."""
    application = wrapped(api, token, wrap)
    listening = listen(host, port)

    async def forever() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, stop.set)
        await run(application, listening, stop, lambda: ready(url_of(listening)))

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(forever())


def wrapped(api: Api, token: str | None, wrap: Wrap | None) -> Application:
    """The application of a service, with what is put around it."""
    plain = app(api, token=token)
    return plain if wrap is None else wrap(plain)


async def run(
    application: Application,
    listening: socket.socket,
    stop: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    """Serve on a listening socket until the event is set."""
    config = uvicorn.Config(
        application,
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    config.load()
    state = ServerState()

    def connection() -> Protocol:
        return Protocol(config=config, server_state=state, app_state={})

    loop = asyncio.get_running_loop()
    server = await loop.create_server(connection, sock=listening, backlog=BACKLOG)
    ready()
    await stop.wait()
    server.close()
    await drain(state)


async def drain(state: ServerState) -> None:
    """Let replies under way finish, for a moment; then close every connection."""
    for connection in list(state.connections):
        connection.shutdown()
    if state.tasks:
        await asyncio.wait(state.tasks, timeout=GRACE_SECONDS)
    for task in list(state.tasks):
        task.cancel()
    for connection in list(state.connections):
        transport: Any = connection.transport
        transport.abort()
    await asyncio.sleep(0)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, or one clear sentence about why not."""
    try:
        return _listen(host, port)
    except OSError as failed:
        if failed.errno == errno.EADDRINUSE:
            raise SimulatorError(
                f"Port {port} on {host} is in use.",
                fix="Choose another one, or 0 for any that is free.",
            ) from None
        raise SimulatorError(
            f"Cannot listen on {host}, port {port}: {failed.strerror}.",
            fix="Choose an address of this machine and a port that you may use.",
        ) from failed


def _listen(host: str, port: int) -> socket.socket:
    family, kind, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with contextlib.ExitStack() as undo:
        listening = socket.socket(family, kind, socket.IPPROTO_TCP)
        undo.callback(listening.close)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
        listening.setblocking(False)
        undo.pop_all()
    return listening


def url_of(listening: socket.socket) -> str:
    """The address of a listening socket as a URL that a client on this machine can use."""
    host, port = listening.getsockname()[:2]
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
