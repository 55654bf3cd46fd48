"""The handle that a test holds: one service of its own, with doors, clock, faults and books.

    with opened(faults=[LostReply()]) as batches_api:
        pipeline.run(batches_api.client())
        batches_api.assert_no_row_paid_twice()

The pytest fixture `batches_api` is this, with a marker for the settings.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from simulator import assertions
from simulator.api import Api
from simulator.assertions import RowOf, custom_id
from simulator.books import Books
from simulator.clock import Clock, PollClock, RealClock, VirtualClock
from simulator.delivery import Serial, Service
from simulator.errors import SimulatorError
from simulator.faults.fault import Fault
from simulator.faults.plan import FaultPlan
from simulator.faults.presets import preset as make_preset
from simulator.faults.settings import from_dict
from simulator.faults.toml import load_plan
from simulator.history import History
from simulator.sharing import SharedApi, SharedServer, served

if TYPE_CHECKING:
    import anthropic

API_KEY: Final = "sk-ant-test"
BASE_URL: Final = "http://batches-api.invalid"
"""What an in-process client believes to talk to; reserved, so nothing can be there."""


class BatchesApi:
    """One service, as a test holds it."""

    def __init__(
        self, api: Api, *, api_key: str = API_KEY, server: SharedServer | None = None
    ) -> None:
        self.api = api
        self.api_key = api_key
        self.service: Service = api if isinstance(api, SharedApi) else Serial(api)
        self.exports_url = False
        """Whether reading `url` also sets `ANTHROPIC_BASE_URL`, as the fixture wants it."""
        self._server = server
        self._url = ""
        self._running = ExitStack()

    def __repr__(self) -> str:
        return f"BatchesApi({self.api!r})"

    @property
    def url(self) -> str:
        """A real server on this machine with the same service; it starts on first use."""
        if not self._url:
            if self._server is None:
                self._url = self._running.enter_context(served(self.api))
            else:
                self._url = self._server.open(self.api_key, self.api)
                self._running.callback(self._server.close, self.api_key)
        if self.exports_url:
            os.environ["ANTHROPIC_BASE_URL"] = self._url
        return self._url

    def client(self, **settings: Any) -> anthropic.Anthropic:
        """The official client, in process. It does not retry: retries sleep in real time."""
        import anthropic  # noqa: PLC0415 - only who asks for a client needs the SDK

        transport, _ = transports(anthropic.DefaultHttpxClient)
        own = anthropic.DefaultHttpxClient(transport=transport(self.service))
        return anthropic.Anthropic(**(self._defaults() | {"http_client": own} | settings))

    def async_client(self, **settings: Any) -> anthropic.AsyncAnthropic:
        """The same for asyncio and trio."""
        import anthropic  # noqa: PLC0415 - only who asks for a client needs the SDK

        _, transport = transports(anthropic.DefaultAsyncHttpxClient)
        own = anthropic.DefaultAsyncHttpxClient(transport=transport(self.service))
        return anthropic.AsyncAnthropic(**(self._defaults() | {"http_client": own} | settings))

    def _defaults(self) -> dict[str, Any]:
        return {"api_key": self.api_key, "base_url": BASE_URL, "max_retries": 0}

    @property
    def clock(self) -> Clock:
        """The service's time: `clock.sleep(hours(24))` moves it, and nobody waits."""
        return self.api.clock

    def advance(self, **duration: float) -> datetime:
        """`advance(hours=24)`: move time on; the new present."""
        self.clock.sleep(timedelta(**duration))
        return self.clock.now()

    @property
    def faults(self) -> FaultPlan:
        """What goes wrong: `.firings()` and `.silent()`."""
        return self.api.plan

    @property
    def history(self) -> History:
        """Every call that the service saw."""
        return self.api.history

    @property
    def billed_usd(self) -> Decimal:
        """What a real account would have been charged up to now."""
        return self.api.meter.billed_usd

    @property
    def unmatched(self) -> tuple[str, ...]:
        """The calls that met no route."""
        calls = self.history.calls()
        return tuple(f"{call.method} {call.path}" for call in calls if call.no_route)

    def books(self) -> Books:
        """A frozen record of all that was seen, done and billed."""
        return self.api.books()

    def assert_sent(self, requests: int) -> None:
        """So many requests were accepted, over all batches."""
        __tracebackhide__ = True
        assertions.sent(self.books(), requests)

    def assert_no_row_sent_twice(self, row_of: RowOf = custom_id) -> None:
        """No row is in two requests. `row_of` tells the row, if the `custom_id` does not."""
        __tracebackhide__ = True
        assertions.no_row_sent_twice(self.books(), row_of)

    def assert_no_row_paid_twice(self, row_of: RowOf = custom_id) -> None:
        """No row was billed for in two requests."""
        __tracebackhide__ = True
        assertions.no_row_paid_twice(self.books(), row_of)

    def assert_every_fault_fired(self) -> None:
        """Each planned fault struck at least once."""
        __tracebackhide__ = True
        assertions.every_fault_fired(self.books())

    def assert_every_batch_ended(self) -> None:
        """No batch was left running."""
        __tracebackhide__ = True
        assertions.every_batch_ended(self.books())

    def assert_every_result_read(self) -> None:
        """The results of each batch were downloaded whole."""
        __tracebackhide__ = True
        assertions.every_result_read(self.books())

    def assert_billed_at_most(self, usd: Decimal | float | str) -> None:
        """The run cost no more than this."""
        __tracebackhide__ = True
        assertions.billed_at_most(self.books(), usd)

    def assert_no_unmatched_call(self) -> None:
        """Every call was for a route that exists."""
        __tracebackhide__ = True
        assertions.no_unmatched_call(self.unmatched)

    def summary(self, calls: int = 20) -> str:
        """What the service saw, for the report of a failed test."""
        return assertions.summary(self.books(), calls)

    def close(self) -> None:
        """Stop the server, if one runs."""
        self._running.close()


@contextmanager
def opened(
    *,
    api: Api | None = None,
    api_key: str = API_KEY,
    server: SharedServer | None = None,
    clock: Clock | str = "poll",
    polls: int = 3,
    speed: float = 1.0,
    faults: str | Iterable[Fault | str | Mapping[str, Any]] = (),
    preset: str = "",
    **settings: Any,
) -> Iterator[BatchesApi]:
    """A service with its handle. `settings` are those of `Api`: seed, responder, limits, ...

    `faults` are values, names, tables as in a TOML plan, or the path of such a plan.
    """
    if api is None:
        planned = (*make_faults(faults), *(make_preset(preset) if preset else ()))
        time = make_clock(clock, polls=polls, speed=speed)
        api = SharedApi(clock=time, faults=planned, **settings)
    handle = BatchesApi(api, api_key=api_key, server=server)
    try:
        yield handle
    finally:
        handle.close()


def make_clock(clock: Clock | str, *, polls: int = 3, speed: float = 1.0) -> Clock:
    """A clock by its name; one that is made already stays as it is."""
    kinds: Mapping[str, Callable[[], Clock]] = {
        "virtual": VirtualClock,
        "poll": lambda: PollClock(polls=polls),
        "real": lambda: RealClock(speed=speed),
    }
    if not isinstance(clock, str):
        return clock
    if clock not in kinds:
        raise SimulatorError(f"There is no clock {clock!r}.", fix=f"Use {', '.join(kinds)}.")
    return kinds[clock]()


def make_faults(faults: str | Iterable[Fault | str | Mapping[str, Any]]) -> tuple[Fault, ...]:
    """Faults from each of the ways to write them."""
    if isinstance(faults, str):
        return load_plan(faults)
    named = ({"name": fault} if isinstance(fault, str) else fault for fault in faults)
    return tuple(fault if isinstance(fault, Fault) else from_dict(fault) for fault in named)


def transports(client: type[Any]) -> tuple[Any, Any]:
    """Our sync and async transport for the library that this SDK is built on."""
    names = {base.__module__.partition(".")[0] for base in client.__mro__}
    if "httpx2" in names:
        from simulator.transport import (  # noqa: PLC0415 - needs httpx2
            AsyncSimulatorTransport,
            SimulatorTransport,
        )

        return SimulatorTransport, AsyncSimulatorTransport
    from simulator.transport_httpx import (  # noqa: PLC0415 - needs httpx
        AsyncHttpxTransport,
        HttpxTransport,
    )

    return HttpxTransport, AsyncHttpxTransport
