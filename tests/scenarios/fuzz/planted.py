"""Bugs to be planted: each strikes once three things have met in one job.

They are made as real ones are: what remembers, counts or looks something up goes wrong when it has
to do with a third thing at the same time. None knows the plan; each sees what guardrails see.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec
from msgspec.structs import astuple
from sqlalchemy import Engine, select
from sqlalchemy.engine import Connection

from controls import Stack
from controls.core.answer import Accepted, Answer, Gate, Verdict
from controls.core.book import INTENDED, RUNNING, JobRecord
from controls.core.columns import Staged
from controls.core.control import Control
from controls.core.decision import Decision, SendAgain
from controls.core.moment import CreateFailed, Moment, WhileWaiting
from controls.core.store import BATCHES, ENTRIES, JOBS, QUARANTINE, UNACCEPTED
from controls.ids import REFERENCE_FIELD
from controls.staging import Sink
from controls.submission import IdempotentSubmit
from scenarios.harness.fuzz.theatre import Mutation

Sign = Callable[[Connection], bool]
"""Whether something has happened in the job, as the store has it."""


def kept_back(reason: str) -> Sign:
    """An answer went into quarantine for this reason."""
    return lambda store: reason in store.scalars(select(QUARANTINE.c.reason))


def unanswered(outcome: str) -> Sign:
    """A row came back without an answer, in this way."""
    query = select(UNACCEPTED.c.outcome)
    return lambda store: any(one.startswith(outcome) for one in store.scalars(query))


def noted(kind: str, told: Callable[[Mapping[str, Any]], bool]) -> Sign:
    """The ledger has an entry of this kind that tells it."""
    query = select(ENTRIES.c.body).where(ENTRIES.c.kind == kind)
    return lambda store: any(told(msgspec.json.decode(body)) for body in store.scalars(query))


adopted = noted("created", lambda body: body["how"] == "adopted")
read_again = noted("decided", lambda body: body["decision"] == "Redownload")
repeated = noted("collected", lambda body: body["duplicated"] > 0)
repaired = noted("collected", lambda body: body["recovered"] > 0)


def took_over(store: Connection) -> bool:
    """A worker begins, and another has left the job as it died, with a batch under way."""
    under_way = select(BATCHES.c.number).where(BATCHES.c.state.in_((INTENDED, "created")))
    running = select(JOBS.c.number).where(JOBS.c.status == RUNNING)
    return bool(store.scalars(under_way).first()) and bool(store.scalars(running).first())


@dataclass(frozen=True)
class Faulty:
    """A sink with a bug that strikes when all signs are there."""

    sink: Sink
    store: Engine
    signs: tuple[Sign, ...]
    loses: bool
    """It loses an answer that it should stage; else one row that it should roll back."""

    def _strikes(self, connection: Connection) -> bool:
        return all(sign(connection) for sign in self.signs)

    def stage(
        self, connection: Connection, job: JobRecord, batch: int, part: int, answers: Staged
    ) -> bytes:
        """All answers, or all but the first."""
        lost = self.loses and self._strikes(connection)
        left = Staged(*(column[lost:] for column in astuple(answers)))
        return self.sink.stage(connection, job, batch, part, left)

    def forget(self, connection: Connection, job: JobRecord, batch: int) -> None:
        """As it should."""
        self.sink.forget(connection, job, batch)

    def promote(self, job: JobRecord, digests: Mapping[int, str]) -> int:
        """As it should."""
        return self.sink.promote(job, digests)

    def rollback(self, job: str, keys: Collection[str] | None = None) -> int:
        """All rows, or nothing."""
        with self.store.connect() as connection:
            skips = not self.loses and self._strikes(connection)
        return self.sink.rollback(job, () if skips else keys)


@dataclass(frozen=True)
class Planted:
    """A bug in the sink, which sees what the store has."""

    signs: tuple[Sign, ...]
    loses: bool = True
    only_heirs: bool = False
    """Only a worker that took over from a dead one has it."""

    def __call__(self, stack: Stack, store: Engine) -> Stack:
        """The guardrails with the bug in them."""
        with store.connect() as connection:
            if self.only_heirs and not took_over(connection):
                return stack
        return replace(stack, sink=Faulty(stack.sink, store, self.signs, self.loses))


@dataclass
class Trusting:
    """A gate that believes whatever is JSON once a refusal and an unfinished turn have come."""

    gate: Gate
    seen: set[str | None] = field(default_factory=set)

    def examine(self, answer: Answer) -> Verdict:
        """The verdict of the gate, or of nobody."""
        self.seen.add(answer.stop_reason)
        verdict = self.gate.examine(answer)
        if isinstance(verdict, Accepted) or not {"refusal", "pause_turn"} <= self.seen:
            return verdict
        try:
            value = msgspec.json.decode(answer.text, type=dict[str, Any])
        except msgspec.DecodeError:
            return verdict
        value.pop(REFERENCE_FIELD, None)
        return Accepted(value)


def trusting(stack: Stack, _store: Engine) -> Stack:
    """The guardrails with that gate; each worker has its own memory."""
    return replace(stack, gate=Trusting(stack.gate))


@dataclass
class Rash:
    """A submitter that no longer looks for what a lost call has made, once a create was turned
    away and a batch had a status that it did not know."""

    control: Control
    met: set[str] = field(default_factory=set)

    def decide(self, moment: Moment, /) -> Decision:
        """What the control says, or send it again."""
        decision = self.control.decide(moment)
        match moment:
            case WhileWaiting(status=status) if status not in {"in_progress", "canceling"}:
                self.met.add("unknown")
            case CreateFailed(ambiguous=False, refused=False):
                self.met.add("turned away")
            case CreateFailed(ambiguous=True, attempt=attempt) if len(self.met) > 1:
                return SendAgain("it looks like one that failed") if attempt < 4 else decision
            case _:
                pass
        return decision


def rash(stack: Stack, _store: Engine) -> Stack:
    """The guardrails with that submitter."""
    controls = tuple(
        Rash(one) if isinstance(one, IdempotentSubmit) else one for one in stack.controls
    )
    return replace(stack, controls=controls)


BUGS: Final[Mapping[str, Mutation]] = {
    "empty, tool_use, unreadable": Planted(
        (kept_back("empty"), kept_back("tool_use"), kept_back("unreadable"))
    ),
    "lost reply, expired, read again": Planted((adopted, unanswered("expired"), read_again)),
    "killed, errored, repeated": Planted((unanswered("errored"), repeated), only_heirs=True),
    "canceled, repaired, cut off": Planted(
        (unanswered("canceled"), repaired, kept_back("max_tokens")), loses=False
    ),
    "refused, unfinished, drifting": trusting,
    "turned away, unknown, lost reply": rash,
}
"""By what has to meet."""
