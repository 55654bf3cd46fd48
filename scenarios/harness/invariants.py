"""The eleven invariants: what holds after every plan, whatever was injected.

Each judges the evidence of one story (`fuzz/story.py`): the service's books, the tables as they
are, the alarms. None reads the ledger for the truth, but for the question whether the ledger
knew. Where a check of the drills says the same, it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta

from controls import Canary
from reports import Finding, Outcome
from scenarios.harness.checks import (
    Check,
    EndsWithin,
    NoForbiddenValueSent,
    NothingUnvalidated,
    SpendWithinApproval,
    found,
)
from scenarios.harness.checks.alarms import unheard
from scenarios.harness.fairness import unfit
from scenarios.harness.fuzz.story import Story
from scenarios.harness.record import Record

GOOD_ENDS = frozenset({"done", "halted", "waiting for approval"})

Judge = Callable[["Invariant", Story], Finding]


@dataclass(frozen=True, slots=True)
class Invariant:
    """One of the eleven."""

    name: str
    """For files and reports."""
    says: str
    """What always holds."""
    judged: Judge

    def judge(self, story: Story) -> Finding:
        """Held, broken with the first offenders, or not exercised."""
        return self.judged(self, story)


def _of(invariant: Invariant, finding: Finding) -> Finding:
    """A finding of a check, under the name of the invariant."""
    return Finding(
        invariant.name,
        finding.outcome,
        finding.says,
        finding.examined,
        finding.offenders,
        finding.evidence,
    )


def _found(
    invariant: Invariant, examined: int, offenders: Collection[str], broke: str, held: str = "held"
) -> Finding:
    return _of(invariant, found(invariant, examined, offenders, held, broke))


def _by(check: Check) -> Judge:
    return lambda invariant, story: _of(invariant, check.judge(story.record))


def _conserved(invariant: Invariant, story: Story) -> Finding:
    """Once something was promoted, or the job says that it is done, every row has its place. A
    job that stopped before holds back what is not in quarantine."""
    record, offenders = story.record, list[str]()
    settled = record.status == "done" or bool(story.written)
    for key in sorted(record.keys | story.written.keys() | story.kept.keys()):
        written, kept = story.written.get(key, 0), story.kept.get(key, 0)
        if key not in record.keys:
            offenders.append(f"{key} is none of the rows")
        elif written + kept > 1:
            offenders.append(f"{key}: written {written} times, {kept} times in quarantine")
        elif settled and not written + kept:
            offenders.append(f"{key} is nowhere; the job is {record.status}")
    return _found(invariant, len(record.rows), offenders, "rows are lost or twice")


def _own(invariant: Invariant, story: Story) -> Finding:
    """Also a wrong answer is a row's own, if the model gave it to that row of its own accord."""
    record = story.record
    theirs = _answers(record)
    offenders = [
        f"{key}: {record.shape.canonical(record.after[key])[:160]}"
        for key in sorted(record.promoted)
        if record.shape.canonical(record.after[key])
        not in theirs.get(record.subjects.get(key, ""), ())
    ]
    broke = "values are no answer to their row"
    return _found(invariant, len(record.promoted), offenders, broke)


def _answers(record: Record) -> dict[str, set[str]]:
    """By subject, all that the service has sent or meant to say about it."""
    answers = {subject: set(honest) for subject, honest in record.honest.items()}
    for request in record.books.requests:
        value = record.answered(request.sent_text)
        if value is None or request.subject is None or "obeyed" in request.tags:
            continue
        answers.setdefault(request.subject, set()).add(record.shape.canonical(value))
    return answers


def _canary(invariant: Invariant, story: Story) -> Finding:
    record = story.record
    if not record.unseen:
        return Finding(invariant.name, Outcome.NOT_EXERCISED, "no template was poisoned", 0)
    size = Canary(record.job_type.canary).size(len(record.rows))
    sent = list(dict.fromkeys(request.custom_id for request in record.books.requests))
    return _found(invariant, len(sent), sent[size:], f"rows beyond the canary of {size} were sent")


def _announced(invariant: Invariant, story: Story) -> Finding:
    broke = "custom_ids reached the service before the ledger"
    return _found(invariant, story.announced, story.unannounced, broke)


def _undone(invariant: Invariant, story: Story) -> Finding:
    offenders = (*story.not_put_back, *story.epilogue.not_undone)
    examined = story.epilogue.promoted
    return _found(invariant, examined, offenders, "rows are not as before the job")


def _purged(invariant: Invariant, story: Story) -> Finding:
    left = story.epilogue.left
    return _found(invariant, story.epilogue.payload, left, "kinds of payload are left")


def _heard(invariant: Invariant, story: Story) -> Finding:
    record = story.record
    alarms = [alarm.what for alarm in record.alarms]
    if story.was_calm:
        if alarms and (why := unfit(record)):
            return Finding(invariant.name, Outcome.NOT_EXERCISED, why, 0)
        bad = alarms or ([] if record.status == "done" else [f"{record.status}: {record.why}"])
        return _found(invariant, len(record.rows), bad, "false alarms on a calm day")
    damage = [] if alarms or story.stopped_by_hand else list(_damage(story))
    return _found(invariant, record.struck or 1, damage, unheard(damage))


def _damage(story: Story) -> Iterator[str]:
    """Harm that somebody should hear of. What a person had rolled back is missing for a reason;
    whether values are a row's own is asked above, and a wrong answer of the model is."""
    wanted = ["values are wrong"]
    wanted += ["rows are lost", "rows have no answer"] if story.put_back else []
    return (harm for harm in story.record.damage if not harm.endswith(tuple(wanted)))


def _ended(invariant: Invariant, story: Story) -> Finding:
    record = story.record
    if record.status not in GOOD_ENDS:
        bad = [f"{record.status}: {record.why}"]
        return _found(invariant, 1, bad, "bad end of the job")
    if record.status != "done" and not record.why:
        return _found(invariant, 1, [record.status], "end without a reason")
    return _of(invariant, EndsWithin(max(story.limit, timedelta(hours=1))).judge(record))


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "conservation",
        "every row ends exactly once as promoted, quarantined or held back",
        _conserved,
    ),
    Invariant(
        "nothing-unvalidated",
        "nothing unvalidated is in the system of record",
        _by(NothingUnvalidated()),
    ),
    Invariant("own-row", "every value in the system of record was produced from its own row", _own),
    Invariant(
        "spend",
        "billed spend never exceeds what was approved, resubmissions included",
        _by(SpendWithinApproval()),
    ),
    Invariant(
        "canary-only", "under a poisoned template no more rows than the canary were sent", _canary
    ),
    Invariant(
        "no-forbidden-field",
        "no disallowed field's value ever reached the service",
        _by(NoForbiddenValueSent()),
    ),
    Invariant(
        "ledger-first",
        "every custom_id that the service received had its ledger entry before",
        _announced,
    ),
    Invariant("rollback", "rollback restores the system of record exactly", _undone),
    Invariant("purge", "after the purge deadline no payload is left anywhere", _purged),
    Invariant("alarm", "damage raises an alarm; a calm day raises none", _heard),
    Invariant("bounded-time", "the job ends in bounded virtual time", _ended),
)
"""In the order of the design."""
NEEDS_THE_EPILOGUE = frozenset({"rollback", "purge"})
"""What is judged by undoing and purging everything; the others are not."""


def broken(story: Story) -> tuple[Finding, ...]:
    """What did not hold."""
    return tuple(finding for finding in judged(story) if finding.outcome is Outcome.BROKE)


def judged(story: Story) -> tuple[Finding, ...]:
    """All eleven findings."""
    return tuple(invariant.judge(story) for invariant in INVARIANTS)
