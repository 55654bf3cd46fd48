"""Idempotent submit: one intention, at most one paid batch.

The API has no idempotency key, and a create whose reply is lost may have been accepted. This
control looks before it sends again: an orphan that was created after the intention, with the same
number of requests, is adopted. The client's own retries are off for create calls.

Weakness: the list does not show `custom_id`s, so two jobs of the same size that lose their
replies at the same moment in the same workspace cannot be told apart; then it stops and asks
for a person. Neighbour: the ledger, which holds the intention before the call.
"""

from __future__ import annotations

from dataclasses import dataclass

from controls.core.decision import Adopt, Decision, Halt, LookAgain, Proceed, SendAgain
from controls.core.moment import CreateFailed, Moment


@dataclass(frozen=True, slots=True)
class IdempotentSubmit:
    """After an ambiguous create: look, then adopt or send again."""

    looks: int = 3
    """Lists before an orphan counts as absent; a fresh batch may be missing from the list."""
    max_attempts: int = 5

    def decide(self, moment: Moment, /) -> Decision:
        """What to do about a create call that brought no batch id back."""
        if not isinstance(moment, CreateFailed):
            return Proceed()
        if moment.refused:
            return Halt(f"the service refused the batch: {moment.problem}")
        wait = min(2.0 ** min(moment.attempt, 6), 60.0)
        if not moment.ambiguous:
            if moment.attempt >= self.max_attempts:
                return Halt(f"{moment.attempt} create calls failed: {moment.problem}")
            return SendAgain(f"the create call was turned away: {moment.problem}", wait)
        match moment.candidates:
            case [orphan]:
                return Adopt(
                    orphan.batch_id,
                    f"the reply was lost ({moment.problem}), but {orphan.batch_id} was created "
                    f"after the intention with the same {orphan.requests:,} requests",
                )
            case []:
                if moment.looks < self.looks:
                    return LookAgain(f"the reply was lost ({moment.problem})", 10.0)
                if moment.attempt >= self.max_attempts:
                    return Halt(f"{moment.attempt} create calls failed: {moment.problem}")
                return SendAgain(f"no batch was made by the call that failed: {moment.problem}")
            case several:
                return Halt(
                    f"the reply was lost and {len(several)} batches could be the one: "
                    + ", ".join(orphan.batch_id for orphan in several)
                )
