"""A plan: everything that goes wrong in one job, as a value.

The same plan on the same rows makes the same bytes, on any machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from scenarios.harness.sabotage import Sabotage
from simulator.faults import Fault


class Mode(StrEnum):
    """When a worker dies, as seen from one of its durable steps."""

    BEFORE = "before"
    TORN = "torn"
    """Everything of a transaction but its commit; half the body of a call."""
    AFTER = "after"
    """The effect stands, and the worker does not learn of it."""


@dataclass(frozen=True, slots=True)
class Kill:
    """The end of one worker. The first kill of a plan ends the first worker, the next one the
    worker that takes over, and so on."""

    step: int
    """Its durable step, from 1: a commit, or a call to the service."""
    mode: Mode = Mode.AFTER


class Deed(StrEnum):
    """What a person does."""

    HALT = "halt"
    HALT_TEAM = "halt the team"
    CANCEL = "halt and cancel"
    RESUME = "resume"
    APPROVE = "approve"
    APPROVE_SPEND = "approve the spend"
    ROLLBACK = "roll back"
    ROLLBACK_SOME = "roll back some"
    RUN_AGAIN = "run again"


MEANWHILE = (Deed.HALT, Deed.HALT_TEAM, Deed.CANCEL, Deed.APPROVE)
"""What a person can do to a job that runs."""


@dataclass(frozen=True, slots=True)
class Act:
    """One act of a person."""

    deed: Deed
    before_call: int = 0
    """Just before this call of the job to the service, from 1; 0: once the job stands still."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a job is, and how it is cut. The defaults are the simplest."""

    rows: int = 40
    first: int = 0
    """The place of its first row among the user's."""
    requests: int = 20_000
    """The most in one batch."""
    canary: int = 0
    """Rows of a canary that lets most things pass; 0: the canary of the job type, as strict."""
    ramp: tuple[float, ...] = ()
    rounds: int = 2
    """How often rows are sent again at most."""
    budget: float = 0.0
    """The ceiling, as a multiple of what the rows cost at worst; 0: that of the job type."""
    keeps_all: bool = False
    """No share of rows in quarantine stops the job."""
    released: bool = True
    """Somebody has agreed to the first run beforehand."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One job and all that happens to it."""

    seed: int = 0
    """Of the service, the job and the accidents."""
    size: Size = field(default_factory=Size)
    faults: tuple[Fault, ...] = ()
    sabotage: tuple[Sabotage, ...] = ()
    kills: tuple[Kill, ...] = ()
    acts: tuple[Act, ...] = ()

    @property
    def parts(self) -> int:
        """How many things happen in it."""
        return len(self.faults) + len(self.sabotage) + len(self.kills) + len(self.acts)

    @property
    def is_calm(self) -> bool:
        """Nothing happens in it, and nobody has to decide anything."""
        return not self.parts and self.size.released and not self.size.budget
