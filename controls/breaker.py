"""The circuit breaker: when the service keeps failing, new spending stops by itself.

Protects from sending batch after batch into a service that refuses or errors everything. After
some bad outcomes in a row the breaker opens and everybody waits; when the cool-down is over one
small batch goes as a probe, and what becomes of it decides. The state is not stored: it follows
from the outcomes, so that all jobs of a store share one breaker and a restart forgets nothing.

Weakness: where every batch is large the probe is as large as the smallest that waits; and it
looks at the account as a whole: one job with bad rows can open it for all. Neighbours:
`KillSwitch` is the same in a person's hand, `IdempotentSubmit` deals with the single failed call.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from controls.core.decision import Decision, Halt, Proceed, Wait
from controls.core.moment import BeforeCreate, Moment

CREATED, COLLECTED = "created", "collected"


@dataclass(frozen=True, slots=True)
class State:
    """What the outcomes say."""

    bad: int = 0
    """In a row, while the breaker is closed."""
    openings: int = 0
    """Without a good outcome since; 0 while it is closed."""
    opened_at: datetime | None = None
    """The last time; None while it is closed."""
    first_at: datetime | None = None
    """When the first of these openings was."""
    what: str = ""
    """The outcome that opened it. Untrusted."""


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """Open after `failures` bad outcomes in a row, closed by a good one."""

    failures: int = 5
    cooldown_seconds: float = 600.0
    probe_requests: int = 1_000
    """A batch of at most so many requests may go as a probe."""
    openings: int = 3
    """So many failed attempts in a row, the first included, stop the jobs that ask."""
    memory: timedelta = timedelta(hours=24)
    """Older outcomes are forgotten: after a halt, so long until new jobs are let through. An
    outcome that a person adds lets them through at once."""
    poll_seconds: float = 60.0

    def decide(self, moment: Moment, /) -> Decision:
        """Proceed while closed, or as the probe; else wait; halt after too many openings."""
        if not isinstance(moment, BeforeCreate):
            return Proceed()
        state = self.state(moment)
        if state.opened_at is None:
            return Proceed()
        if state.openings >= self.openings:
            return Halt(
                f"the service keeps failing: {state.openings} times in a row nothing went well, "
                f"last {_plain(state.what)}"
            )
        left = self.cooldown_seconds - (moment.now - state.opened_at).total_seconds()
        if left > 0:
            return Wait(
                f"{self.failures} outcomes in a row were bad, last {_plain(state.what)}",
                min(left, self.poll_seconds),
            )
        if hindrance := self._not_the_probe(moment, state.first_at or state.opened_at):
            return Wait(hindrance, self.poll_seconds)
        return Proceed("goes alone, to see whether the service has recovered")

    def state(self, moment: BeforeCreate) -> State:
        """Closed or open, from the outcomes. What ends during the cool-down says nothing: it was
        sent before. That a batch was created says nothing either while batches end badly: a
        service that takes everything and answers nothing would never open the breaker."""
        state, cooldown = State(), timedelta(seconds=self.cooldown_seconds)
        ends_badly = False
        for outcome in moment.outcomes:
            if moment.now - outcome.at >= self.memory:
                continue
            if ends_badly and outcome.good and outcome.what == CREATED:
                continue
            ends_badly = not outcome.good and outcome.what == COLLECTED
            if state.opened_at is not None and outcome.at - state.opened_at < cooldown:
                continue
            if outcome.good:
                state = State()
            elif state.opened_at is not None or state.bad + 1 >= self.failures:
                first_at = state.first_at or outcome.at
                state = State(0, state.openings + 1, outcome.at, first_at, outcome.what)
            else:
                state = State(state.bad + 1)
        return state

    def _not_the_probe(self, moment: BeforeCreate, opened_at: datetime) -> str:
        """Why another batch has to go first; empty if this one may. Only a small batch that was
        sent since can be the probe; others were sent before, and nobody may be looking at them."""
        sizes = [demand.requests for demand in moment.waiting]
        if moment.requests <= self.probe_requests:
            if any(
                batch.requests <= self.probe_requests and batch.intended_at > opened_at
                for batch in moment.in_flight
            ):
                return "a small batch is out, to see whether the service has recovered"
            return ""
        if moment.in_flight:
            return "the service has failed; what is in flight has to end before a large batch goes"
        if min(sizes, default=moment.requests) < moment.requests:
            return "the service has failed; a smaller batch has to go first"
        return ""


def _plain(what: str) -> str:
    """A short quotation."""
    return repr(what[:80])
