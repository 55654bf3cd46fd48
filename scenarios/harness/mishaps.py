"""What befalls the pipeline itself while it works: it dies, its store fails, its clock is wrong.

A mishap is a sabotage that leaves the task alone and changes what the pipeline works with. It
notes where it struck, as it strikes.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Protocol, TypeVar

import anthropic
import msgspec
from sqlalchemy import Engine, event, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from controls import Approval, JobType, Register, Stack
from controls.core.answer import Answer, Verdict
from controls.core.control import Control
from controls.core.decision import Decision, Proceed
from controls.core.moment import Moment
from controls.core.store import ENTRIES
from controls.prices import Price, PriceTable, default_prices
from scenarios.harness.naive import TrustingParser
from scenarios.harness.task import Spoiled, Task
from simulator import Limits, Request, Response

T = TypeVar("T")
OK = 200
ERROR = 400
NOTEBOOK_MODEL = "claude-haiku-4-5"


class WorkerClock(Protocol):
    """The clock of the machine that the pipeline runs on."""

    def now(self) -> datetime: ...

    def sleep(self, duration: timedelta) -> None: ...


class Killed(BaseException):
    """The worker is gone. No `Exception`: nothing catches a `kill -9`."""


def approve_as_it_is(register: Register, job_type: JobType) -> None:
    """A person has approved what is going to run."""
    register.note(job_type, by=job_type.approved_by)


@dataclass(slots=True)
class Gear:
    """What a pipeline works with, before it is put together."""

    clock: WorkerClock
    store: Engine
    approvals: tuple[Approval, ...]
    limits: Limits = field(default_factory=Limits)
    """Of the service."""
    prices: PriceTable = field(default_factory=default_prices)
    """What the pipeline believes of them."""
    approve: Callable[[Register, JobType], None] = approve_as_it_is
    fits: list[Callable[[Stack], Stack]] = field(default_factory=list)
    client: Callable[[], anthropic.Anthropic] = anthropic.Anthropic
    """Makes a client with the key of the account, for whoever else has it."""
    bent: list[Callable[[Request, Response], Response]] = field(default_factory=list)
    """What becomes of a reply between the service and the pipeline."""
    at_work: bool = False
    """Whether a worker runs; what people do to a job is not befallen."""
    copies: int = 0
    """How often each job is started beside itself."""
    later: list[tuple[timedelta, Callable[[], None]]] = field(default_factory=list)
    """What happens so long after the beginning."""
    restarts: int = 0
    """How often the pipeline is started again when it was killed or has crashed."""


@dataclass(frozen=True, slots=True)
class Mishap:
    """The base: fits any task, and leaves it alone."""

    def applies_to(self, task: Task) -> str:  # noqa: ARG002 - a pipeline has no preference
        return ""

    def planned(self) -> str:
        return "once"

    def spoil(self, task: Task, dice: Random) -> Spoiled:  # noqa: ARG002 - see `befall`
        return Spoiled(task, 0, ())

    def befall(self, gear: Gear, hits: list[str], dice: Random) -> None:
        """Change what the pipeline works with; `hits` is told where it struck."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class WorkerDies(Mishap):
    """The worker is killed when a create call was answered, before it could write that down."""

    at_create: int = 2
    """The first is that of the canary."""

    def befall(self, gear: Gear, hits: list[str], dice: Random) -> None:  # noqa: ARG002
        gear.restarts = 1
        created: list[str] = []

        def bend(request: Request, response: Response) -> Response:
            if _is_create(request) and response.status == OK:
                created.append(request.path)
                if len(created) == self.at_create:
                    hits.append(f"after create call {len(created)}")
                    raise Killed
            return response

        gear.bent.append(bend)


@dataclass(frozen=True, slots=True)
class WorkerKeepsDying(Mishap):
    """The worker is killed again and again: after a call, or with a transaction open."""

    deaths: int = 12
    longest_life: int = 30
    """Steps; a step is a call or a transaction of the store."""

    def planned(self) -> str:
        return f"{self.deaths} times"

    def befall(self, gear: Gear, hits: list[str], dice: Random) -> None:
        gear.restarts = self.deaths
        steps = [0, dice.randrange(1, self.longest_life)]

        def step(what: str) -> None:
            if not gear.at_work:
                return
            steps[0] += 1
            if steps[0] >= steps[1] and len(hits) < self.deaths:
                hits.append(what)
                steps[:] = 0, dice.randrange(5, self.longest_life)
                raise Killed

        def bend(request: Request, response: Response) -> Response:
            creates = _is_create(request) and response.status == OK
            if creates and not any("create" in hit for hit in hits):
                steps[0] = self.longest_life  # the worst of all moments is not left to chance
            step(f"{'create: ' if creates else ''}{request.method} {request.path}")
            return response

        def commit(_connection: Connection) -> None:
            step("a transaction of the store")

        gear.bent.append(bend)
        event.listen(gear.store, "commit", commit)


@dataclass(frozen=True, slots=True)
class WorkerVanishes(Mishap):
    """The worker is killed while it waits for the rows behind the canary, and nobody starts it
    again."""

    def befall(self, gear: Gear, hits: list[str], dice: Random) -> None:  # noqa: ARG002
        created: list[str] = []

        def bend(request: Request, response: Response) -> Response:
            created.extend([request.path] if _is_create(request) else [])
            if len(created) > 1 and not hits and not _is_create(request):
                hits.append(f"{request.method} {request.path}")
                raise Killed
            return response

        gear.bent.append(bend)


@dataclass(frozen=True, slots=True)
class StrangerBatch(Mishap):
    """A colleague sends a batch with the same key, from a notebook, and forgets about it."""

    after: timedelta = timedelta(minutes=10)
    requests: int = 5

    def befall(self, gear: Gear, hits: list[str], dice: Random) -> None:  # noqa: ARG002
        def send() -> None:
            message = {"role": "user", "content": "How does this customer feel?"}
            params = {"model": NOTEBOOK_MODEL, "max_tokens": 8, "messages": [message]}
            rows: Any = [
                {"custom_id": f"notebook-{number}", "params": params}
                for number in range(self.requests)
            ]
            hits.append(gear.client().messages.batches.create(requests=rows).id)

        gear.later.append((self.after, send))


@dataclass(frozen=True, slots=True)
class TrailEdited(Mishap):
    """Somebody who may write the store makes a batch cheaper than it was."""

    after: timedelta

    def befall(self, gear: Gear, hits: list[str], dice: Random) -> None:
        def edit() -> None:
            collected = select(ENTRIES.c.seq, ENTRIES.c.body).where(ENTRIES.c.kind == "collected")
            with gear.store.begin() as connection:
                seq, body = dice.choice(connection.execute(collected).all())
                cheaper = re.sub(r'"cost_usd":"[^"]*"', '"cost_usd":"0.000001"', body)
                change = update(ENTRIES).where(ENTRIES.c.seq == seq).values(body=cheaper)
                connection.execute(change)
            hits.append(f"entry {seq}")

        gear.later.append((self.after, edit))


@dataclass(frozen=True, slots=True)
class StoreFails(Mishap):
    """The store refuses to write one entry: its disk is full, or somebody else has locked it."""

    entry: str = "created"
    number: int = 2
    says: str = "database or disk is full"

    def befall(self, gear: Gear, hits: list[str], dice: Random) -> None:  # noqa: ARG002
        gear.restarts = 1
        seen: list[str] = []

        def execute(
            _connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any
        ) -> None:
            if not statement.startswith("INSERT INTO ledger_entries") or hits:
                return
            if self.entry in parameters:
                seen.append(self.entry)
            if len(seen) == self.number:
                hits.append(f"{self.says}, entry {self.entry!r}")
                raise OperationalError(statement, None, sqlite3.OperationalError(self.says))

        event.listen(gear.store, "before_cursor_execute", execute)


@dataclass(frozen=True, slots=True)
class ClockIsOff(Mishap):
    """The clock of the worker's machine is ahead of the service's, or behind it."""

    by: timedelta

    def planned(self) -> str:
        return f"by {self.by}"

    def befall(self, gear: Gear, hits: list[str], dice: Random) -> None:  # noqa: ARG002
        hits.append(f"the worker's clock is off by {self.by}")
        gear.clock = _Off(gear.clock, self.by)


@dataclass(frozen=True, slots=True)
class _Off:
    clock: WorkerClock
    by: timedelta

    def now(self) -> datetime:
        return self.clock.now() + self.by

    def sleep(self, duration: timedelta) -> None:
        self.clock.sleep(duration)


@dataclass(frozen=True, slots=True)
class NeverApproved(Mishap):
    """Nobody has approved the job type: it was written this morning, and it is urgent."""

    def befall(self, gear: Gear, hits: list[str], dice: Random) -> None:  # noqa: ARG002
        def approve(_register: Register, job_type: JobType) -> None:
            hits.append(f"{job_type.name} {job_type.policy_version}")

        gear.approve = approve


@dataclass(frozen=True, slots=True)
class ChangedSinceApproval(Mishap):
    """Somebody has changed the job type after it was approved, under the same version."""

    def befall(self, gear: Gear, hits: list[str], dice: Random) -> None:  # noqa: ARG002
        def approve(register: Register, job_type: JobType) -> None:
            spend = msgspec.structs.replace(job_type.spend, ceiling_usd=Decimal(1))
            approve_as_it_is(register, msgspec.structs.replace(job_type, spend=spend))
            hits.append(f"spend.ceiling_usd was approved as 1, it is {job_type.spend.ceiling_usd}")

        gear.approve = approve


@dataclass(frozen=True, slots=True)
class ApprovalExpired(Mishap):
    """The approval of the job type has ended, to the second."""

    def befall(self, gear: Gear, hits: list[str], dice: Random) -> None:  # noqa: ARG002
        def approve(register: Register, job_type: JobType) -> None:
            ends = gear.clock.now() + timedelta(days=90)
            register.note(job_type, by=job_type.approved_by, expires_at=ends)
            gear.clock.sleep(timedelta(days=90))
            hits.append(f"approved until {ends:%Y-%m-%d %H:%M}, which is now")

        gear.approve = approve


@dataclass(frozen=True, slots=True)
class StartedAgain(Mishap):
    """The scheduler starts the same job again, under another id and at the same instant."""

    times: int = 1

    def planned(self) -> str:
        return f"{self.times} times more"

    def befall(self, gear: Gear, hits: list[str], dice: Random) -> None:  # noqa: ARG002
        gear.copies = self.times
        hits.append(f"{1 + self.times} jobs over the same rows")

        def bend(request: Request, response: Response) -> Response:
            if request.path.endswith("/count_tokens"):
                gear.clock.sleep(timedelta(seconds=1))  # meanwhile the others act
            return response

        gear.bent.append(bend)


@dataclass(frozen=True, slots=True)
class FirstOfItsKind(Mishap):
    """The job type has never run before, and nobody has seen an answer of it."""

    def befall(self, gear: Gear, hits: list[str], dice: Random) -> None:  # noqa: ARG002
        gear.approvals = ()
        hits.append("no job of this version was ever promoted")


@dataclass(frozen=True, slots=True)
class ReviewerMistypes(Mishap):
    """A person approves a sum with two zeros too many."""

    usd: Decimal = Decimal(1_000)

    def befall(self, gear: Gear, hits: list[str], dice: Random) -> None:  # noqa: ARG002
        gear.approvals = (*gear.approvals, Approval("A. Reviewer", self.usd))
        hits.append(f"${self.usd:,} approved")


@dataclass(frozen=True, slots=True)
class SmallAccount(Mishap):
    """The account has smaller limits than anybody remembers; the service refuses what exceeds."""

    requests_per_batch: int = 100_000
    batch_body_bytes: int = 256 * 2**20
    queued_requests: int | None = None

    def planned(self) -> str:
        return "whatever exceeds them"

    def befall(self, gear: Gear, hits: list[str], dice: Random) -> None:  # noqa: ARG002
        gear.limits = replace(
            gear.limits,
            requests_per_batch=self.requests_per_batch,
            batch_body_bytes=self.batch_body_bytes,
            queued_requests=self.queued_requests,
        )

        def bend(request: Request, response: Response) -> Response:
            if _is_create(request) and response.status >= ERROR:
                hits.append(f"HTTP {response.status}")
            return response

        gear.bent.append(bend)


@dataclass(frozen=True, slots=True)
class PricesRose(Mishap):
    """The service has become dearer, and nobody has brought the price table up to date."""

    by: int = 3
    table_of: timedelta = timedelta(days=400)
    """How old the table is."""

    def planned(self) -> str:
        return f"{self.by} times as dear"

    def befall(self, gear: Gear, hits: list[str], dice: Random) -> None:  # noqa: ARG002
        models = {name: _cheaper(price, self.by) for name, price in gear.prices.models.items()}
        as_of = (gear.clock.now() - self.table_of).date()
        gear.prices = PriceTable(as_of, models)
        hits.append(f"the table of {as_of}")


def _cheaper(price: Price, by: int) -> Price:
    names = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")
    return msgspec.structs.replace(price, **{name: getattr(price, name) / by for name in names})


@dataclass(frozen=True, slots=True)
class ControlBreaks(Mishap):
    """A control has a bug of its own, and raises whenever it is asked. Where it is missing, what
    stands there catches its errors, logs them and goes on."""

    control: type

    def planned(self) -> str:
        return "whenever it is asked"

    def befall(self, gear: Gear, hits: list[str], dice: Random) -> None:  # noqa: ARG002
        def fit(stack: Stack) -> Stack:
            controls: list[Control] = [
                _with(part, decide=_raises(hits)) if isinstance(part, self.control) else part
                for part in stack.controls
            ]
            if controls == list(stack.controls):
                controls.append(_Logs(hits))
            return replace(stack, controls=tuple(controls))

        gear.fits.append(fit)


def _with(part: T, **methods: Callable[..., Any]) -> T:
    """The same part with other methods, under the same name."""
    changed = copy(part)
    kind: type = type(part)
    same = {"__slots__": (), "__module__": kind.__module__, "__qualname__": kind.__qualname__}
    body: dict[str, Any] = same | methods
    object.__setattr__(changed, "__class__", type(kind)(kind.__name__, (kind,), body))
    return changed


def _raises(hits: list[str]) -> Callable[..., Any]:
    def decide(_control: object, moment: Moment, /) -> Decision:
        hits.append(type(moment).__name__)
        raise ZeroDivisionError("division by zero")

    return decide


@dataclass(frozen=True, slots=True)
class _Logs:
    """`except Exception: log.warning(...)`."""

    hits: list[str]

    def decide(self, moment: Moment, /) -> Decision:
        self.hits.append(type(moment).__name__)
        return Proceed()


@dataclass(frozen=True, slots=True)
class GateBreaks(Mishap):
    """The gate was written for good answers: it raises where an answer is no JSON object. Where it
    is missing, what stands there catches its errors and takes the answer as it is."""

    def planned(self) -> str:
        return "at every answer that is no JSON object"

    def befall(self, gear: Gear, hits: list[str], dice: Random) -> None:  # noqa: ARG002
        def fit(stack: Stack) -> Stack:
            gate = stack.gate

            def examine(_gate: object, answer: Answer) -> Verdict:
                if not _is_object(answer.text):
                    hits.append(answer.reference)
                    if not isinstance(gate, TrustingParser):
                        raise TypeError("'NoneType' object is not subscriptable")
                return gate.examine(answer)

            return replace(stack, gate=_with(gate, examine=examine))

        gear.fits.append(fit)


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except msgspec.DecodeError:
        return False


def _is_create(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith("/messages/batches")


def befall_all(spoiled: Sequence[tuple[object, Spoiled]], gear: Gear, seed: int) -> None:
    """Have every mishap of an arm change what its pipeline works with."""
    for number, (act, changes) in enumerate(spoiled):
        if isinstance(act, Mishap):
            act.befall(gear, changes.hits, Random(f"{seed}/mishap/{number}"))
