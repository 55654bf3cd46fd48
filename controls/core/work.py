"""What one run of a job holds in memory, and how it stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import anthropic

from controls.core.alerts import Alert, Pager
from controls.core.book import Book, JobRecord
from controls.core.clock import Clock
from controls.core.control import Control
from controls.core.decision import Decision, Halt, Proceed, Warn, Withhold, strictest
from controls.core.dressing import Dresser
from controls.core.ledger import Ledger
from controls.core.locks import Locks
from controls.core.moment import Approval, Moment
from controls.core.results import problem_of
from controls.core.rows import Row
from controls.ids import Namespace
from controls.policy import JobType
from controls.prices import Price, PriceTable
from controls.stack import Stack

REFUSED_FOR_GOOD = frozenset({400, 401, 402, 403})
ODD_REPLIES = (anthropic.AnthropicError, ValueError, TypeError, AttributeError)
"""What comes of a call that failed, or of a reply that is not what the API documents: the client
builds its objects without checking them."""


class Stopped(Exception):  # noqa: N818 - it names what happened
    """A decision that ends the run.

    Args:
        noted: the job was halted in the store and the owner told before this was raised.
    """

    def __init__(self, why: str, status: str = "halted", *, noted: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.status = status
        self.noted = noted


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a job type over some rows."""

    id: str
    type: JobType
    approvals: tuple[Approval, ...] = ()
    seed: int = 0
    """Draws the canary slice and the sample for the estimate."""
    requeued_from: str = ""
    """The job out of whose quarantine these rows come; kept in the ledger."""


@dataclass(slots=True)
class Work:
    """What a worker holds of a job while it runs; all that must survive it is in the store."""

    job: Job
    record: JobRecord
    rows: Sequence[Row]
    dresser: Dresser
    namespace: Namespace
    price: Price
    said: set[str] = field(default_factory=set)
    """What was decided or told while waiting, so that a poll does not repeat it."""

    @property
    def lead(self) -> str:
        """The lock under which decisions about the whole job are made."""
        return f"job {self.job.id}"

    def lock_of(self, batch: int) -> str:
        """The lock of one batch."""
        return f"job {self.job.id} batch {batch}"


@dataclass(frozen=True, slots=True)
class Desk:
    """The things every part of the runner works with."""

    client: anthropic.Anthropic
    ledger: Ledger
    clock: Clock
    stack: Stack
    prices: PriceTable
    pager: Pager
    book: Book
    locks: Locks

    def ask(self, job: Job, moment: Moment, said: set[str] | None = None) -> Decision:
        """The strictest decision of the controls; one that raises is taken for `Halt`.

        They are asked in their order, and none after a `Halt` or a `Withhold`: an estimate sends
        requests to be counted, which may not happen once something was found in them.
        A warning goes to the owner. What is in `said` was written down and told before.
        """
        decision = strictest(self._opinions(moment))
        why = decision.note if isinstance(decision, Proceed) else decision.why
        news = said is None or why not in said
        if why and news:
            self.ledger.append(
                job.id,
                "decided",
                at=type(moment).__name__,
                decision=type(decision).__name__,
                why=why,
            )
            if said is not None:
                said.add(why)
            if isinstance(decision, Warn):
                self.alarm(job, why)
        return decision

    def _opinions(self, moment: Moment) -> Iterator[Decision]:
        for control in self.stack.controls:
            decision = self._asked(control, moment)
            yield decision
            if isinstance(decision, Halt | Withhold):
                return

    def _asked(self, control: Control, moment: Moment) -> Decision:
        name = type(control).__name__
        try:
            decision: object = control.decide(moment)
        except Exception as error:  # noqa: BLE001 - a control that breaks must not open the gate
            return Halt(f"{name} could not decide: {type(error).__name__}: {str(error)[:200]}")
        if isinstance(decision, Decision):
            return decision
        return Halt(f"{name} could not decide: it returned {type(decision).__name__}")

    def alarm(self, job: Job, what: str) -> None:
        """Tell the owner, and the ledger that the owner was told."""
        self.ledger.append(job.id, "paged", owner=job.type.owner, what=what)
        try:
            self.pager.page(Alert(self.clock.now(), job.type.owner, job.id, what))
        except Exception as error:  # noqa: BLE001 - a broken pager may not stop a halt
            self.ledger.append(job.id, "page failed", error=type(error).__name__)

    def patiently(self, call: Callable[[], object], what: str, tries: int = 8) -> object:
        """Repeat a call that changes nothing, with growing waits, until it answers.

        Raises:
            Stopped: it kept failing, or the service refuses for good.
        """
        for attempt in range(1, tries + 1):
            try:
                return call()
            except anthropic.APIStatusError as error:
                problem = problem_of(error)
                if error.status_code in REFUSED_FOR_GOOD:
                    raise Stopped(f"{what}: {problem}") from error
            except ODD_REPLIES as error:
                problem = problem_of(error)
            self.clock.sleep(timedelta(seconds=min(2.0**attempt, 300.0)))
        raise Stopped(f"{what} failed {tries} times, last with {problem}")
