"""The seams: one base for each place at which a fault can take hold.

They stand apart from the catalogue, so that a service without faults loads none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from random import Random
from typing import Any, ClassVar

import msgspec

from simulator.books import RequestBook
from simulator.clock import START
from simulator.errors import ApiError, SimulatorError
from simulator.faults.fault import Family, Fault, times
from simulator.schedule import Pace
from simulator.wire import Cut, Endpoint, Request, Response

# A call.


class WireCall(msgspec.Struct, frozen=True):
    """One call, as a wire fault sees it."""

    endpoint: Endpoint
    request: Request
    batch_id: str
    response: Response | None = None
    """What the service answered; None for a fault that strikes before."""
    now: datetime = START
    struck_by: str = ""
    """The faults that have struck this call already."""

    @property
    def attempt(self) -> int:
        """1 for the first; the official client counts its retries (contract 3.1)."""
        retries = self.request.headers.get("x-stainless-retry-count", "")
        return int(retries) + 1 if retries.isdecimal() and len(retries) < 5 else 1  # noqa: PLR2004

    @property
    def reply(self) -> Response:
        """What the service answered, for a fault that comes after."""
        assert self.response is not None
        return self.response


@dataclass(frozen=True, slots=True)
class WireFault(Fault):
    """The base of all that happens to a call: on which endpoint (None: any), and which calls.

    `calls` are numbers, from 1, among the calls that it could strike; `attempts` are 1 for a
    first try, 2 for the client's first retry; `per_batch` bounds the strikes on one batch. A
    `late` fault strikes when the service has done its work, any other one before.
    """

    on: Endpoint | None = None
    _: KW_ONLY
    calls: tuple[int, ...] = ()
    attempts: tuple[int, ...] = ()
    per_batch: int | None = None

    family: ClassVar[Family] = Family.WIRE
    unit: ClassVar[str] = "calls"
    where: ClassVar[tuple[Endpoint, ...]] = ()
    """The endpoints it makes sense on; empty for all."""

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        per_batch = () if self.per_batch is None else (self.per_batch,)
        if any(number < 1 for number in (*self.calls, *self.attempts, *per_batch)):
            raise SimulatorError(
                f"{self.name}: calls, attempts and per_batch are counted from 1.",
                fix="Use 1 or more.",
            )
        if self.where and self.on is not None and self.on not in self.where:
            known = ", ".join(endpoint.value for endpoint in self.where)
            raise SimulatorError(
                f"{self.name}: {self.on.value} calls never show this.",
                fix=f"Use one of: {known}.",
            )

    @property
    def late(self) -> bool:
        """Whether the service does its work first."""
        return False

    def concerns(self, call: WireCall) -> bool:
        """Whether this is a call that it could strike."""
        if self.on not in {None, call.endpoint}:
            return False
        if self.where and call.endpoint not in self.where:
            return False
        if self.attempts and call.attempt not in self.attempts:
            return False
        return self.reaches(call)

    def reaches(self, call: WireCall) -> bool:
        """The same, for what is special to one fault. A call is struck once, unless it says so."""
        return not call.struck_by

    def strike(self, call: WireCall) -> ApiError | Response | None:
        """What the client gets; None where there is nothing to change after all."""
        raise NotImplementedError

    def planned(self) -> str:
        """What it would strike."""
        calls = "calls" if self.on is None else f"{self.on.value} calls"
        if self.calls:
            calls += f" (of those: {', '.join(map(str, self.calls))})"
        return Fault.planned(self).replace("calls", calls, 1)


# A batch.


class LifecycleFault(Fault):
    """The base of all that happens to a batch: `bend` gives it another pace."""

    __slots__ = ()

    family: ClassVar[Family] = Family.LIFECYCLE
    unit: ClassVar[str] = "batches"
    moment: ClassVar[str] = "creation"
    """When it strikes: `creation`, `cancel` (by the caller), `canceled` or `deleted`."""

    def bend(self, pace: Pace) -> Pace | None:
        """The pace with the fault in it, or None where the fault cannot strike."""
        raise NotImplementedError


# A request.

Reshape = Callable[[dict[str, Any]], None]
"""Edits, in place, the JSON object that is sent."""


class Fate(msgspec.Struct, frozen=True):
    """How a request ends."""

    outcome: str
    error_type: str = ""
    message: str = ""
    reshape: Reshape | None = None
    """What is unusual about the error envelope in its line."""


@dataclass(frozen=True, slots=True)
class RowFault(Fault):
    """The base of all that a request ends with. It is decided when the batch is created."""

    share: float
    custom_ids: tuple[str, ...] = field(default=(), kw_only=True)
    """These requests only; empty for all."""

    family: ClassVar[Family] = Family.ROWS
    unit: ClassVar[str] = "rows"

    @property
    def fate(self) -> Fate:
        """What a struck request ends with."""
        raise NotImplementedError

    def reaches(self, row: int) -> bool:
        """Whether it could strike the request at this position."""
        del row
        return True


# An answer.


class Answer(msgspec.Struct, frozen=True, gc=False):
    """One answer, as a fault of this family sees it."""

    text: str
    max_tokens: int
    stop_reason: str = "end_turn"
    tags: tuple[str, ...] = ()
    reshape: tuple[Reshape, ...] = ()
    """What is unusual about the message object around the text."""


@dataclass(frozen=True, slots=True)
class AnswerFault(Fault):
    """The base of all that a succeeded row may say instead."""

    share: float
    custom_ids: tuple[str, ...] = field(default=(), kw_only=True)
    """These requests only; empty for all."""

    family: ClassVar[Family] = Family.ANSWERS
    unit: ClassVar[str] = "rows"

    def bend(self, answer: Answer, strike: int, dice: Random) -> Answer | None:
        """The answer bent, or None where there is nothing to bend.

        `strike` counts the answers that this fault has bent before; `dice` are the row's.
        """
        raise NotImplementedError


# A results file.


class Line(msgspec.Struct, gc=False):
    """One line of a results file: whose name it bears, and whose result."""

    custom_id: str
    row: int
    """The position, in the batch, of the request whose result it shows."""
    spoil: Callable[[bytes], bytes] | None = None
    """What is done to the finished line, without its end."""
    end: bytes = b"\n"

    def change(self, change: Callable[[bytes], bytes]) -> None:
        """Spoil it, after whatever spoils it already."""
        before = self.spoil
        self.spoil = change if before is None else lambda line: change(before(line))


Rows = Sequence[RequestBook]


class ResultsFault(Fault):
    """The base of all that happens to the lines of a download.

    The dice are the same for each download of a batch, so a row that is lost stays lost,
    until `times` downloads were struck.
    """

    __slots__ = ()

    family: ClassVar[Family] = Family.RESULTS_FILE
    unit: ClassVar[str] = "rows"
    fresh: ClassVar[bool] = False
    """Whether each download throws dice of its own."""
    cut: ClassVar[Cut | None] = None
    """How the download ends, once its lines are sent."""

    def bend(self, lines: list[Line], rows: Rows, dice: Random) -> list[str]:
        """Change the lines in place; give back the custom_ids that are concerned."""
        raise NotImplementedError

    def planned(self) -> str:
        """What it would strike; here `times` counts downloads."""
        planned = Fault.planned(self)
        if self.times is None or self.unit == "downloads":
            return planned
        downloads = "the first download" if self.times == 1 else f"{self.times} downloads"
        return planned.replace(f", {times(self.times)} at most", f", in {downloads}")
