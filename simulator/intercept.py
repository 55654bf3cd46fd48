"""`https://api.anthropic.com` without the network and without touching the code under test.

    with intercepted(seed=7) as batches_api:
        my_pipeline.main()              # calls anthropic.Anthropic() as it does in production
    batches_api.assert_no_row_paid_twice()

Works for every `httpx` and `httpx2` client, made before or after, sync and async, and so for
the official SDK 0.x, 1.x and 2.x. `async with` does the same.

A patch of our own, after trying respx 0.23 and pytest-httpx2 1.0: they stream and raise faults,
but keep every call with its whole body in memory (a create may have 256 MB), need `httpx` where
only `httpx2` is installed, and let a client that they do not know go to the real service. Here
one public method of each library is replaced, and a lookup of the host's name by anything else
in this process (aiohttp, requests) is refused with a sentence.
"""

from __future__ import annotations

import importlib
import importlib.util
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Final, Literal

from simulator.api import Api
from simulator.delivery import Service
from simulator.environment import own_environment
from simulator.errors import SimulatorError
from simulator.testing import BatchesApi, opened

HOST: Final = "api.anthropic.com"
LIBRARIES: Final = (
    ("httpx2", "simulator.transport", "SimulatorTransport", "AsyncSimulatorTransport"),
    ("httpx", "simulator.transport_httpx", "HttpxTransport", "AsyncHttpxTransport"),
)
"""HTTP library, our module for it, and the two transports in it."""

OtherHosts = Literal["allow", "refuse"]


class intercepted:  # noqa: N801 - read as a verb, like contextlib.suppress
    """Until the end, calls to the host are answered by the simulator.

    `api`: what answers; else one is made from `settings` (those of `testing.opened`: seed,
    clock, faults, ...). `other_hosts="refuse"` keeps every other host but this machine
    unreachable as well. Of the `ANTHROPIC_*` variables only a test key exists meanwhile.
    """

    def __init__(
        self,
        api: BatchesApi | Api | None = None,
        *,
        host: str = HOST,
        other_hosts: OtherHosts = "allow",
        **settings: Any,
    ) -> None:
        if api is not None and settings:
            raise SimulatorError(
                f"{', '.join(settings)}: this api has its settings already.",
                fix="Pass either an api or settings for a new one.",
            )
        self._api = api
        self._settings = {"polls": 1, **settings}
        self._host = host
        self._other_hosts: OtherHosts = other_hosts
        self._context: AbstractContextManager[BatchesApi] | None = None

    def __enter__(self) -> BatchesApi:
        """From here on."""
        self._context = self._work()
        return self._context.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Everything is as it was."""
        assert self._context is not None
        self._context.__exit__(kind, error, trace)

    async def __aenter__(self) -> BatchesApi:
        """The same for `async with`."""
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """The same for `async with`."""
        self.__exit__(kind, error, trace)

    @contextmanager
    def _work(self) -> Iterator[BatchesApi]:
        if isinstance(self._api, BatchesApi):
            with self._rule(self._api):
                yield self._api
        elif self._api is not None:
            with opened(api=self._api) as handle, self._rule(handle):
                yield handle
        else:
            with opened(**self._settings) as handle, self._rule(handle):
                yield handle

    @contextmanager
    def _rule(self, handle: BatchesApi) -> Iterator[None]:
        rule = Rule(self._host, handle.service, self._other_hosts)
        with own_environment(ANTHROPIC_API_KEY=handle.api_key), in_force(rule):
            yield


class Rule:
    """Who answers for one host, and what becomes of the others."""

    def __init__(self, host: str, service: Service | None, other_hosts: OtherHosts) -> None:
        self.host = host
        self.service = service
        self.refuses_others = other_hosts == "refuse"

    def covers(self, host: str) -> bool:
        """Whether a call to this host is not for the network."""
        return host == self.host or (self.refuses_others and not is_this_machine(host))

    def refusal(self, host: str) -> SimulatorError:
        """What somebody reads who reaches for the network all the same."""
        if host != self.host:
            return SimulatorError(
                f"{host} was called while only {self.host} is answered.",
                fix='Pass other_hosts="allow" if this call may use the network.',
            )
        if self.service is None:
            return SimulatorError(
                f"{host} was called in a test that uses `batches_api` without interception.",
                fix="Take the fixture `intercepted_api`, or use `batches_api.client()`, or "
                "read `batches_api.url` before the code under test makes its client.",
            )
        return SimulatorError(
            f"Something other than httpx and httpx2 tried to reach {host}.",
            fix="Point it at `batches_api.url` instead; only these two are intercepted.",
        )


_RULES: list[Rule] = []
"""In force now, the innermost last."""
_CHANGE: Final = threading.Lock()
_undo: list[Callable[[], None]] = []


@contextmanager
def in_force(rule: Rule) -> Iterator[None]:
    """Until the end this rule comes before those that were in force before."""
    with _CHANGE:
        if not _RULES:
            _patch_all()
        _RULES.append(rule)
    try:
        yield
    finally:
        with _CHANGE:
            _RULES.remove(rule)
            if not _RULES:
                while _undo:
                    _undo.pop()()


def blocked(host: str = HOST) -> AbstractContextManager[None]:
    """Until the end the host is out of reach, and who calls it is told what to do."""
    return in_force(Rule(host, None, "allow"))


def is_this_machine(host: str) -> bool:
    """A loopback name or address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _rule_for(host: str) -> Rule | None:
    return next((rule for rule in reversed(_RULES) if rule.covers(host)), None)


def _patch_all() -> None:
    for name, module, sync, asynchronous in LIBRARIES:
        if importlib.util.find_spec(name) is None:
            continue
        library, ours = importlib.import_module(name), importlib.import_module(module)
        if library.__name__ != name:  # `httpx2.alias_httpx()`: the other line has it
            continue
        original = library.HTTPTransport.handle_request
        _replace(library.HTTPTransport, "handle_request", _sync(original, getattr(ours, sync)))
        original = library.AsyncHTTPTransport.handle_async_request
        patched = _async(original, getattr(ours, asynchronous))
        _replace(library.AsyncHTTPTransport, "handle_async_request", patched)
    _replace(socket, "getaddrinfo", _lookup(socket.getaddrinfo))


def _replace(owner: Any, name: str, ours: Any) -> None:
    """Put ours in its place; at the end take it out, unless somebody else has put theirs."""
    original = getattr(owner, name)
    setattr(owner, name, ours)

    def restore() -> None:
        if getattr(owner, name) is ours:
            setattr(owner, name, original)

    _undo.append(restore)


def _sync(original: Any, transport: Any) -> Any:
    def handle_request(self: Any, request: Any) -> Any:
        rule = _rule_for(request.url.host)
        if rule is None:
            return original(self, request)
        if rule.service is None or request.url.host != rule.host:
            raise rule.refusal(request.url.host)
        return transport(rule.service).handle_request(request)

    return handle_request


def _async(original: Any, transport: Any) -> Any:
    async def handle_async_request(self: Any, request: Any) -> Any:
        rule = _rule_for(request.url.host)
        if rule is None:
            return await original(self, request)
        if rule.service is None or request.url.host != rule.host:
            raise rule.refusal(request.url.host)
        return await transport(rule.service).handle_async_request(request)

    return handle_async_request


def _lookup(original: Any) -> Any:
    def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
        rule = _rule_for(name) if name else None
        if rule is not None:
            raise rule.refusal(name)
        return original(host, *arguments, **named)

    return getaddrinfo
