"""Idempotent submit: one intention, at most one paid batch.

Protects from paying twice, and from a paid batch that nobody reads. The API has no idempotency key,
and a create whose reply is lost may have been accepted. This control looks before it sends again:
an orphan that was created after the intention, with the same number of requests, is adopted. One
that seems older than the intention may be ours all the same, as clocks differ: its results tell.
The client's own retries are off for create calls.

Weakness: the list does not show `custom_id`s. A single orphan of the right size is adopted at
once, and `Reconciliation` stops the job should it turn out to be somebody else's; of several, or
where another batch of this store is looked for too, the results tell once they have ended. A clock
that is ahead of the service's by more than an hour hides the orphan.
Neighbour: the ledger, which holds the intention before the call.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from controls.core.decision import Adopt, Decision, Halt, LookAgain, Proceed, SendAgain
from controls.core.moment import CreateFailed, Moment

NEAR = timedelta(minutes=2)
"""A batch that is so much older than the intention may be ours only if our clock is wrong."""


@dataclass(frozen=True, slots=True)
class IdempotentSubmit:
    """After an ambiguous create: look, then adopt or send again."""

    looks: int = 3
    """Lists before an orphan counts as absent; a fresh batch may be missing from the list."""
    look_seconds: float = 15.0
    """Between the first two lists; then twice as long, and so on. With three of them a batch has
    45 seconds to appear in the list."""
    max_attempts: int = 5
    looks_until_ended: int = 100
    """Lists, a quarter of an hour apart, while several orphans run: a batch ends within a day."""
    longest_wait: float = 3_600.0
    """Seconds that are waited when the service asks for it; what is longer is a person's matter."""

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
            if moment.wait_seconds > self.longest_wait:
                return Halt(
                    f"the create call was turned away: {moment.problem}; the service asks to wait "
                    f"{moment.wait_seconds:,.0f} s"
                )
            wait = max(wait, moment.wait_seconds)
            return SendAgain(f"the create call was turned away: {moment.problem}", wait)
        return self._look(moment)

    def _look(self, moment: CreateFailed) -> Decision:
        """The call may have taken effect: what the list of batches says about it."""
        lost = f"the reply was lost ({moment.problem})"
        if ours := [orphan.batch_id for orphan in moment.candidates if orphan.ours]:
            why = f"{lost}, but the results of {ours[0]} are those of this batch"
            return Adopt(ours[0], why, tuple(ours[1:]))
        match [orphan for orphan in moment.candidates if orphan.ours is None]:
            case [orphan] if not moment.rivals and orphan.created_at >= moment.intended_at - NEAR:
                return Adopt(
                    orphan.batch_id,
                    f"{lost}, but {orphan.batch_id} was created after the intention with the same "
                    f"{orphan.requests:,} requests",
                )
            case []:
                if moment.looks < self.looks:
                    return LookAgain(lost, self.look_seconds * moment.looks)
                if moment.attempt >= self.max_attempts:
                    return Halt(f"{moment.attempt} create calls failed: {moment.problem}")
                return SendAgain(f"no batch was made by the call that failed: {moment.problem}")
            case several if moment.looks < self.looks_until_ended:
                return LookAgain(
                    f"{lost}; {len(several)} batches could be the one, or those of others: the "
                    "results will tell",
                    10.0 if moment.looks < self.looks else 900.0,
                )
            case several:
                named = ", ".join(orphan.batch_id for orphan in several)
                return Halt(f"{lost} and {len(several)} batches could be the one: {named}")
