"""The kill switch: a person stops a job, a team or everything, at once.

Protects from what no control foresaw. Whoever sees that something goes wrong writes one halt into
the store; every job that it concerns stops before its next batch, and while it waits for one.

Weakness: a batch that was created before goes on at the service and costs what it costs, unless
it is canceled. Neighbour: `CircuitBreaker` needs no person, and sees only failures.
"""

from __future__ import annotations

from dataclasses import dataclass

from controls.core.decision import Decision, Halt, Proceed
from controls.core.moment import BeforeCreate, Moment, WhileWaiting


@dataclass(frozen=True, slots=True)
class KillSwitch:
    """Halts whatever a person has halted, with the person's reason."""

    def decide(self, moment: Moment, /) -> Decision:
        """Halt when there is any halt; the reasons are told as they were given."""
        if isinstance(moment, BeforeCreate | WhileWaiting) and moment.halts:
            return Halt(f"a person stopped it: {'; '.join(moment.halts)}")
        return Proceed()
