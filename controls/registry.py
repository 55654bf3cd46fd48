"""The register of job types: who has approved exactly what, and until when.

Protects from jobs under a policy that nobody has read, or that was changed after somebody read
it: a job runs only if the digest of its job type is the one that was approved last and the
approval has not expired. The first run of a version stops after the canary, until a person has
looked at real answers.

Weakness: it proves that somebody approved, not that they read. Neighbour: `policy` says what a
job type may contain at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from controls.core import queries
from controls.core.book import document_of, type_digest_of
from controls.core.decision import AskApproval, Decision, Halt, Proceed
from controls.core.errors import ControlError
from controls.core.ledger import Ledger
from controls.core.moment import AfterCanary, AtOpening, Moment, Review
from controls.policy import JobType, check_job_type


class Register:
    """The reviews of one store."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def approve(self, job_type: JobType, *, by: str, expires_at: datetime | None = None) -> Review:
        """Write down that a person has approved this job type as it is now.

        Raises:
            ControlError: the policy cannot hold, nobody is named, or it expires in the past.
        """
        check_job_type(job_type)
        return self.note(job_type, by=by, expires_at=expires_at)

    def note(self, job_type: JobType, *, by: str, expires_at: datetime | None = None) -> Review:
        """Write an approval down, whether or not the policy can hold: what people do."""
        if not by.strip():
            raise ControlError("Nobody is named as the approver.", fix="Name the person.")
        if expires_at is not None and expires_at <= self._ledger.now():
            raise ControlError(
                f"The approval would expire on {expires_at.isoformat()}, before it begins.",
                fix="Name a later date.",
            )
        document = document_of(job_type)
        with self._ledger.transaction() as transaction:
            review = Review(type_digest_of(document), by, transaction.now, expires_at)
            number = transaction.connection.execute(
                queries.ADD_REVIEW,
                {
                    "name": job_type.name,
                    "digest": review.digest,
                    "document": document,
                    "by": by,
                    "at": transaction.now.isoformat(),
                    "expires_at": expires_at and expires_at.isoformat(),
                },
            ).scalar_one()
            transaction.append(
                "",
                "reviewed",
                review=number,
                job_type=job_type.name,
                policy_version=job_type.policy_version,
                type_digest=review.digest,
                by=by,
                expires_at=expires_at and expires_at.isoformat(),
            )
        return review

    def reviews(self, name: str) -> tuple[Review, ...]:
        """All reviews of a job type, oldest first."""
        with self._ledger.engine.connect() as connection:
            return tuple(
                Review(
                    row.digest,
                    row.by,
                    datetime.fromisoformat(row.at),
                    row.expires_at and datetime.fromisoformat(row.expires_at),
                )
                for row in connection.execute(queries.REVIEWS_OF, {"name": name})
            )


@dataclass(frozen=True, slots=True)
class ApprovedOnly:
    """Runs only job types that were approved as they are."""

    def decide(self, moment: Moment, /) -> Decision:
        """At opening: the last review must be of exactly this policy, and still hold."""
        if not isinstance(moment, AtOpening):
            return Proceed()
        name = moment.job_type.name
        if not moment.reviews:
            return Halt(f"nobody has approved the job type {name!r} (gameday approve)")
        last = moment.reviews[-1]
        if last.digest != moment.digest:
            before = any(review.digest == moment.digest for review in moment.reviews)
            what = "a later version was approved" if before else "it was changed since"
            return Halt(f"{last.by} approved the job type {name!r}, but {what}")
        if last.expires_at is not None and moment.now >= last.expires_at:
            return Halt(
                f"the approval of the job type {name!r} by {last.by} expired on "
                f"{last.expires_at.isoformat()}"
            )
        return Proceed()


@dataclass(frozen=True, slots=True)
class FirstRun:
    """The first run of a version stops after the canary and waits for a person."""

    def decide(self, moment: Moment, /) -> Decision:
        """After the canary: ask, unless this version ran before or somebody let it go."""
        match moment:
            case AfterCanary(first_run=True, released=False, job_type=job_type):
                return AskApproval(
                    f"this is the first run of {job_type.name!r} in version "
                    f"{job_type.policy_version}: look at the answers of its canary"
                )
            case _:
                return Proceed()
