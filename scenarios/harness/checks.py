"""Checks: each judges the record of one arm, from the service's books and the tables themselves.

A check is a frozen value with `judge(record) -> Finding`. It counts what it looked at: a check
that saw nothing proves nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Protocol

from controls import Canary
from reports import ArmName, Finding, Outcome
from scenarios.harness.fairness import unfit
from scenarios.harness.record import Record, in_json

EVIDENCE = 5
"""How many offenders a finding names."""


class Check(Protocol):
    """Says what one arm's record shows about one invariant."""

    def judge(self, record: Record) -> Finding:
        """The finding, with counts and the first offenders."""
        ...


def found(
    check: object, examined: int, offenders: Collection[str], held: str, broke: str
) -> Finding:
    """A finding from its offenders. `held` and `broke` are clauses; nothing examined, nothing
    proved."""
    name = type(check).__name__
    if offenders:
        first = list(offenders)[:EVIDENCE]
        return Finding(
            name,
            Outcome.BROKE,
            f"{len(offenders):,} {broke}",
            examined,
            len(offenders),
            tuple(first),
        )
    if not examined:
        return Finding(name, Outcome.NOT_EXERCISED, "there was nothing to look at", 0)
    return Finding(name, Outcome.HELD, held, examined)


@dataclass(frozen=True, slots=True)
class Ended:
    """The pipeline came to an end of its own: on a calm day to a good one, never by crashing.

    Part of every drill; without it a pipeline that dies at once would look harmless.
    """

    arm: ArmName

    def judge(self, record: Record) -> Finding:
        good = (
            {"done"}
            if self.arm is ArmName.CALM
            else {"done", "halted", "waiting for approval", "rolled back"}
        )
        bad = [] if record.status in good else [f"{record.status}: {record.why}"]
        return found(
            self, 1, bad, f"the pipeline ended: {record.status}", "bad end of the pipeline"
        )


@dataclass(frozen=True, slots=True)
class ServiceWasReached:
    """The pipeline spoke with the simulated service, or stopped before it could.

    Part of every drill; without it a pipeline that calls another address would go through every
    drill unharmed, and harmless.
    """

    def judge(self, record: Record) -> Finding:
        calls = len(record.books.calls)
        if record.status == "done":
            return found(self, calls, (), f"the service heard {calls:,} calls", "")
        return found(self, 1, (), f"the service heard {calls:,} calls until the pipeline ended", "")


@dataclass(frozen=True, slots=True)
class RecordIsRight:
    """No new value in the system of record is wrong, whatever else a drill is about.

    Part of every drill; without it a drill could pass whose controls wrote nonsense.
    """

    def judge(self, record: Record) -> Finding:
        return found(
            self,
            len(record.rows),
            _wrong_values(record),
            f"{len(record.promoted):,} new values in the record, none of them wrong",
            f"of {len(record.promoted):,} new values in the record are wrong",
        )


def _wrong_values(record: Record) -> list[str]:
    """Every wrong value in the system of record, with its key."""
    return [f"{key}: {record.shape.canonical(record.after[key])[:160]}" for key in record.wrong]


@dataclass(frozen=True, slots=True)
class FairDay:
    """The job and the rows suffice for a good day, by the service's own books.

    Part of every calm arm. A calm day that does not hold is the fault of the controls, unless
    this check has found another: then the drill has proved nothing.
    """

    def judge(self, record: Record) -> Finding:
        name, why = type(self).__name__, unfit(record)
        if why:
            return Finding(name, Outcome.NOT_EXERCISED, why, 0)
        return Finding(name, Outcome.HELD, "nothing stood in the way of a good day", 1)


@dataclass(frozen=True, slots=True)
class EveryRowAccountedFor:
    """Conservation: each row ends as promoted, quarantined, or visibly held back."""

    def judge(self, record: Record) -> Finding:
        total = len(record.rows)
        return found(
            self,
            total,
            record.lost,
            f"{len(record.promoted & record.keys):,} promoted, {len(record.quarantined):,} "
            f"quarantined, {len(record.waiting):,} held back",
            f"of {total:,} rows are nowhere, and nobody was told",
        )


@dataclass(frozen=True, slots=True)
class EveryRowAnswered:
    """Every row has its answer in the system of record at the end."""

    def judge(self, record: Record) -> Finding:
        total = len(record.rows)
        missing = sorted(record.keys - record.promoted)
        return found(
            self,
            total,
            missing,
            f"all {total:,} rows were answered and promoted",
            f"of {total:,} rows have no answer",
        )


@dataclass(frozen=True, slots=True)
class RowsAnswered:
    """At least such a share of the rows has its answer in the system of record at the end."""

    at_least: float

    def judge(self, record: Record) -> Finding:
        total = len(record.rows)
        missing = sorted(record.keys - record.promoted)
        enough = total - len(missing) >= self.at_least * total
        return found(
            self,
            total,
            () if enough else missing,
            f"{total - len(missing):,} of {total:,} rows were answered and promoted",
            f"of {total:,} rows have no answer; {1 - self.at_least:.1%} would do no harm",
        )


@dataclass(frozen=True, slots=True)
class NothingUnvalidated:
    """Every new value in the system of record has the agreed shape, to the type."""

    def judge(self, record: Record) -> Finding:
        shape = record.shape
        offenders = [
            f"{key}: {shape.canonical(record.after[key])[:160]}"
            for key in sorted(record.promoted)
            if not shape.fits(record.after[key])
        ]
        return found(
            self,
            len(record.promoted),
            offenders,
            f"{len(record.promoted):,} new values have the agreed shape",
            f"of {len(record.promoted):,} new values break the schema",
        )


@dataclass(frozen=True, slots=True)
class NothingCoerced:
    """Every new value is a whole answer of the service, as it was delivered: none was dug out of
    other text, unpacked or mended."""

    def judge(self, record: Record) -> Finding:
        delivered: dict[str, set[str]] = {}
        for request in record.books.requests:
            value = record.answered(request.sent_text)
            if value is not None and request.subject is not None:
                delivered.setdefault(request.subject, set()).add(record.shape.canonical(value))
        offenders = []
        for key in sorted(record.promoted):
            stands = record.shape.canonical(record.after[key])
            if stands not in delivered.get(record.subjects.get(key, ""), ()):
                offenders.append(f"{key}: {stands[:160]}")
        total = len(record.promoted)
        return found(
            self,
            total,
            offenders,
            f"{total:,} new values were delivered as they stand",
            f"of {total:,} new values were delivered otherwise",
        )


@dataclass(frozen=True, slots=True)
class EveryValueFromItsOwnRow:
    """Every new value is what the service's model honestly answered for that very row."""

    def judge(self, record: Record) -> Finding:
        offenders = _wrong_values(record)
        total = len(record.promoted)
        return found(
            self,
            total,
            offenders,
            f"{total:,} new values are answers to their own row",
            f"of {total:,} new values are not an answer to their row",
        )


@dataclass(frozen=True, slots=True)
class SpendWithinApproval:
    """What the service billed never exceeds what was approved, resubmissions included."""

    def judge(self, record: Record) -> Finding:
        billed, approved = record.books.billed_usd, record.approved_usd
        over = [f"${billed:.2f} against ${approved:.2f}"] if billed > approved else []
        return found(
            self,
            len(record.books.calls),
            over,
            f"${billed:.2f} billed of ${approved:.2f} approved",
            f"overrun: ${billed:.2f} billed, ${approved:.2f} approved",
        )


@dataclass(frozen=True, slots=True)
class NoRowPaidTwice:
    """No row's request succeeded, and was billed, more than once."""

    def judge(self, record: Record) -> Finding:
        bills = record.bills
        twice = [f"{name}: {count} times" for name, count in bills.items() if count > 1]
        return found(
            self,
            len(bills),
            twice,
            f"{len(bills):,} rows were billed, each once",
            f"of {len(bills):,} billed rows were paid more than once",
        )


@dataclass(frozen=True, slots=True)
class NoRowSentTooOften:
    """No row was sent more often than the job type allows: once, and once per requeue round."""

    def judge(self, record: Record) -> Finding:
        limit = 1 + record.job_type.requeue.max_rounds
        sent = Counter(request.custom_id for request in record.books.requests)
        often = [
            f"{custom_id}: {count} times" for custom_id, count in sent.items() if count > limit
        ]
        return found(
            self,
            len(sent),
            often,
            f"{len(sent):,} rows were sent at most {limit} times",
            f"of {len(sent):,} rows were sent more than {limit} times",
        )


@dataclass(frozen=True, slots=True)
class NothingWasSent:
    """Nothing of a job that was spoiled before its start reached the service in a batch."""

    def judge(self, record: Record) -> Finding:
        sent = [request.custom_id for request in record.books.requests]
        return found(
            self,
            len(record.rows),
            sent if record.sabotaged else (),
            f"none of {len(record.rows):,} rows was sent"
            if record.sabotaged
            else f"nothing was wrong with the {len(sent):,} requests before they were sent",
            "requests of a spoiled job were sent",
        )


@dataclass(frozen=True, slots=True)
class OnlyTheCanaryWasSent:
    """Under a poisoned template, no more requests than the canary reached the service."""

    def judge(self, record: Record) -> Finding:
        size = Canary(record.job_type.canary).size(len(record.rows))
        beyond = [request.custom_id for request in record.books.requests[size:]]
        poisoned = record.unseen > 0
        return found(
            self,
            record.sent,
            beyond if poisoned else (),
            f"{record.sent:,} requests were sent, the canary is {size:,}"
            if poisoned
            else f"{record.sent:,} requests showed the model its row's text",
            f"requests beyond the canary of {size:,} were sent",
        )


@dataclass(frozen=True, slots=True)
class NothingBeyondTheRows:
    """No request reached the service that the user has no row for."""

    def judge(self, record: Record) -> Finding:
        total = len(record.rows)
        beyond = [request.custom_id for request in record.books.requests[total:]]
        return found(
            self,
            max(record.sent, len(record.books.calls)),
            beyond,
            f"{record.sent:,} requests for {total:,} rows",
            f"requests more than there are rows ({total:,})",
        )


@dataclass(frozen=True, slots=True)
class NoForbiddenValueSent:
    """No request carried a value of a column that the job type does not allow."""

    def judge(self, record: Record) -> Finding:
        examined = record.sent or (len(record.books.calls) if record.forbidden_columns else 0)
        return found(
            self,
            examined,
            [f"{key}: {column}" for key, column in record.leaks],
            f"{record.sent:,} requests carried none of {', '.join(record.forbidden_columns)}",
            "values of forbidden columns reached the service",
        )


@dataclass(frozen=True, slots=True)
class NoInjectionPromoted:
    """No answer of a misled model is in the system of record."""

    def judge(self, record: Record) -> Finding:
        if len(record.job_type.labels) == 1:
            says = "there is one label only: no injected answer could differ from an honest one"
            return Finding(type(self).__name__, Outcome.NOT_EXERCISED, says, 0)
        wrong = set(record.wrong)
        offenders = [
            f"{key}: {record.planted[key][:120]}" for key in sorted(record.planted) if key in wrong
        ]
        obeyed = sum("obeyed" in request.tags for request in record.books.requests)
        return found(
            self,
            len(record.planted) or record.sent,
            offenders,
            f"{len(record.planted):,} instructions were planted, the model obeyed {obeyed:,}, "
            "none reached the record",
            f"of {len(record.planted):,} planted instructions decided what the record says",
        )


@dataclass(frozen=True, slots=True)
class NoCleanRowBlamed:
    """No row without an injected instruction was quarantined for one."""

    def judge(self, record: Record) -> Finding:
        clean = record.keys - record.planted.keys()
        blamed = [
            f"{key}: {reason}"
            for key, reason in sorted(record.quarantined.items())
            if key in clean and reason in ("off_task", "wrong_row")
        ]
        return found(
            self,
            len(clean),
            blamed,
            f"none of {len(clean):,} clean rows was suspected",
            f"of {len(clean):,} clean rows were suspected",
        )


@dataclass(frozen=True, slots=True)
class RecordCleanOrRestored:
    """Whatever was promoted is right; or the system of record is as before, byte for byte."""

    def judge(self, record: Record) -> Finding:
        restored = dump(record.after) == dump(record.before)
        damaged = sorted(
            key
            for key in record.before.keys() | record.after.keys()
            if record.before.get(key) != record.after.get(key)
        )
        spoiled = bool(record.wrong) or bool(record.before.keys() - record.after.keys())
        return found(
            self,
            len(record.rows),
            damaged if spoiled and not restored else (),
            "the record is as it was before, byte for byte"
            if restored
            else f"{len(record.promoted):,} new values, all right",
            "rows of the record are neither right nor as before",
        )


def dump(table: object) -> str:
    """A table as text: every key, column, type and value, in order of keys."""
    assert isinstance(table, dict)
    return "\n".join(f"{key!r}\t{table[key]!r}" for key in sorted(table))


@dataclass(frozen=True, slots=True)
class DamageIsHeard:
    """Damage raises an alarm; a day on which no fault struck raises none."""

    def judge(self, record: Record) -> Finding:
        alarms = [alarm.what for alarm in record.alarms]
        if not record.struck:
            return found(self, len(record.rows), alarms, "no alarm on a good day", "false alarms")
        damage = [] if alarms else list(record.damage)
        says = f"heard of: {alarms[0][:160]}" if alarms else "no damage"
        return found(self, record.struck, damage, says, "sorts of damage, and nobody heard of it")


@dataclass(frozen=True, slots=True)
class NoAlarm:
    """Nobody is woken up."""

    def judge(self, record: Record) -> Finding:
        alarms: Sequence[str] = [alarm.what for alarm in record.alarms]
        return found(self, len(record.rows), alarms, "nobody was woken up", "alarms")


@dataclass(frozen=True, slots=True)
class EndsWithin:
    """The job ends in bounded virtual time."""

    limit: timedelta

    def judge(self, record: Record) -> Finding:
        late = [str(record.lasted)] if record.lasted > self.limit else []
        return found(
            self,
            max(1, len(record.books.calls)),
            late,
            f"ended after {record.lasted}, the limit is {self.limit}",
            f"end after {record.lasted}, the limit is {self.limit}",
        )


@dataclass(frozen=True, slots=True)
class MostRowsAnswered:
    """All but a few rows have their answer: what was wrong with some cost the others nothing."""

    share: float = 0.9

    def judge(self, record: Record) -> Finding:
        total = len(record.rows)
        missing = sorted(record.keys - record.promoted)
        few = len(missing) <= (1 - self.share) * total
        return found(
            self,
            total,
            () if few else missing,
            f"{total - len(missing):,} of {total:,} rows were answered and promoted",
            f"of {total:,} rows have no answer",
        )


@dataclass(frozen=True, slots=True)
class KeyStaysHome:
    """The API key was sent to nobody but the service."""

    def judge(self, record: Record) -> Finding:
        return found(
            self,
            len(record.books.calls),
            [f"sent to {host}" for host in record.strangers],
            f"{len(record.books.calls):,} calls, all of them to the service",
            "calls took the API key to another host",
        )


@dataclass(frozen=True, slots=True)
class RetryAfterIsObeyed:
    """No call was repeated before the time that the service had asked for."""

    def judge(self, record: Record) -> Finding:
        return found(
            self,
            record.told_to_wait,
            record.hurried,
            f"{record.told_to_wait:,} times the service said when to come back, and was obeyed",
            "calls came earlier than the service had asked for",
        )


@dataclass(frozen=True, slots=True)
class NoTornJobPromoted:
    """What reached the record is nearly all of a job, or nothing of it."""

    share: float = 0.75

    def judge(self, record: Record) -> Finding:
        total, done = len(record.rows), len(record.promoted & record.keys)
        torn = 0 < done < self.share * total
        return found(
            self,
            total,
            [f"{done:,} of {total:,}"] if torn else (),
            f"{done:,} of {total:,} rows were promoted",
            "job was promoted in part",
        )


@dataclass(frozen=True, slots=True)
class NothingSentAfterTheStop:
    """Once a person has said stop, not one batch more reaches the service."""

    def judge(self, record: Record) -> Finding:
        stops = [act.at for act in record.acts if act.kind == "stopped"]
        late = [
            f"{batch.id}: {batch.requests:,} requests, {batch.created_at - stops[0]} later"
            for batch in record.books.batches
            if stops and batch.created_at >= stops[0]
        ]
        return found(
            self,
            len(record.books.calls) or len(stops),
            late,
            "no batch was created after somebody had said stop" if stops else "nobody said stop",
            "batches were created after somebody had said stop",
        )


@dataclass(frozen=True, slots=True)
class StopsWithin:
    """Once a person has said stop, the job ends soon, whatever it was waiting for."""

    limit: timedelta

    def judge(self, record: Record) -> Finding:
        stops = [act.at for act in record.acts if act.kind == "stopped"]
        late = [
            f"{job.job}: {job.ended_at - stops[0]} later"
            for job in record.jobs
            if stops and job.ended_at - stops[0] > self.limit
        ]
        return found(
            self,
            len(record.jobs),
            late,
            f"all jobs ended within {self.limit} of the stop" if stops else "nobody said stop",
            f"jobs went on for more than {self.limit} after the stop",
        )


@dataclass(frozen=True, slots=True)
class SentAtMost:
    """When something goes wrong, no more than so many requests reach the service in all."""

    requests: int

    def judge(self, record: Record) -> Finding:
        beyond = [request.custom_id for request in record.books.requests[self.requests :]]
        return found(
            self,
            len(record.rows),
            beyond if record.struck else (),
            f"{record.sent:,} requests were sent; {self.requests:,} do no harm"
            if record.struck
            else f"nothing was wrong with {record.sent:,} requests",
            f"requests beyond {self.requests:,} were sent",
        )


@dataclass(frozen=True, slots=True)
class OnlyTheCanaryBeforeAPerson:
    """Until a person has looked at the first answers, only the canary is sent."""

    def judge(self, record: Record) -> Finding:
        looked = [act.at for act in record.acts if act.kind == "approved"]
        size = Canary(record.job_type.canary).size(len(record.rows))
        sent, late = 0, list[str]()
        for batch in record.books.batches:
            if looked and batch.created_at < looked[0]:
                sent += batch.requests
                late += [batch.id] if sent > size else []
        return found(
            self,
            record.sent,
            late,
            f"{sent:,} requests were sent before a person had looked, the canary is {size:,}"
            if looked
            else "a person had looked before",
            f"batches beyond the canary of {size:,} were sent before a person had looked",
        )


@dataclass(frozen=True, slots=True)
class AnsweredWithin:
    """One of several jobs has all of its answers in the system of record soon after it began."""

    limit: timedelta
    job: str = "game_1"

    def judge(self, record: Record) -> Finding:
        (mine,) = (job for job in record.jobs if job.job == self.job)
        took = mine.ended_at - mine.began_at
        missing = sorted(mine.keys - record.promoted)
        late = [f"{self.job}: {took}"] if took > self.limit else []
        return found(
            self,
            len(mine.keys),
            [*late, *missing],
            f"all {len(mine.keys):,} rows of {self.job} were answered within {took}",
            f"of {len(mine.keys):,} rows of {self.job} were not answered within {self.limit}",
        )


@dataclass(frozen=True, slots=True)
class BilledAtMost:
    """All jobs together are billed no more than so much."""

    usd: Decimal

    def judge(self, record: Record) -> Finding:
        billed = record.books.billed_usd
        over = [f"${billed:.4f} against ${self.usd:.4f}"] if billed > self.usd else []
        return found(
            self,
            len(record.books.calls),
            over if record.struck else (),
            f"${billed:.4f} billed; ${self.usd:.4f} were agreed",
            f"overrun: ${billed:.4f} billed, ${self.usd:.4f} were agreed",
        )


@dataclass(frozen=True, slots=True)
class NothingPromotedBeyond:
    """Where such a share of the answers or more is bad, by the books, nothing is promoted."""

    bad_share: float

    def judge(self, record: Record) -> Finding:
        bad = sum(
            (value := record.answered(request.sent_text)) is None or not record.shape.fits(value)
            for request in record.books.requests
        )
        share = bad / max(1, record.sent)
        half = sorted(record.promoted) if share >= self.bad_share else []
        return found(
            self,
            record.sent,
            half,
            f"{share:.0%} of {record.sent:,} answers were bad, {len(record.promoted):,} promoted",
            f"rows were promoted though {share:.0%} of {record.sent:,} answers were bad",
        )


@dataclass(frozen=True, slots=True)
class NothingSentTwice:
    """No row is sent a second time, for whatever reason."""

    def judge(self, record: Record) -> Finding:
        sent = Counter(request.custom_id for request in record.books.requests)
        again = [f"{custom_id}: {count} times" for custom_id, count in sent.items() if count > 1]
        return found(
            self,
            len(sent),
            again,
            f"{len(sent):,} rows were sent, each once",
            f"of {len(sent):,} rows were sent again",
        )


@dataclass(frozen=True, slots=True)
class HeardWithin:
    """When something goes wrong, somebody hears of it before this time, and not before it began."""

    limit: timedelta

    def judge(self, record: Record) -> Finding:
        began = min((job.began_at for job in record.jobs), default=None)
        alarms = [alarm.at - began for alarm in record.alarms if began is not None]
        first = min(alarms, default=None)
        late = [] if first is not None and first <= self.limit else [f"first alarm: {first}"]
        return found(
            self,
            len(record.rows),
            late if record.struck else (),
            f"heard of after {first}" if record.struck else "there was nothing to hear",
            f"alarms too late: nothing was heard within {self.limit}",
        )


@dataclass(frozen=True, slots=True)
class TamperingIsLocated:
    """When the trail was changed, the first word of the audit names the very entry."""

    def judge(self, record: Record) -> Finding:
        edited = record.mishaps.get("TrailEdited", ())
        told = [alarm.what for alarm in record.alarms if alarm.job == "audit"]
        missed = [where for where in edited if not told or f" {where}: " not in told[0]]
        return found(
            self,
            len(edited) or len(record.rows),
            missed if edited else told,
            f"the audit says: {told[0][:120]}" if told else "the trail is as it was written",
            "changes of the trail were not located" if edited else "false alarms of the audit",
        )


@dataclass(frozen=True, slots=True)
class NoPayloadLeft:
    """When the time of a job is over, nothing of what was sent or answered is kept anywhere."""

    def judge(self, record: Record) -> Finding:
        return found(
            self,
            record.sent,
            record.remains,
            f"nothing is left of {record.sent:,} requests and their answers",
            "places still keep payload",
        )


@dataclass(frozen=True, slots=True)
class StrangersAreTold:
    """Every batch that none of the jobs has made is named to somebody, and no other."""

    def judge(self, record: Record) -> Finding:
        prefixes = tuple(job.prefix for job in record.jobs)
        foreign = {
            request.batch_id
            for request in record.books.requests
            if not request.custom_id.startswith(prefixes)
        }
        told = [
            alarm.what
            for alarm in record.alarms
            if alarm.job == "account" or "no ledger knows" in alarm.what
        ]
        silent = sorted(batch for batch in foreign if not any(batch in what for what in told))
        wrong = [what for what in told if not any(batch in what for batch in foreign)]
        return found(
            self,
            len(record.books.batches),
            [*silent, *wrong],
            f"{len(foreign):,} of {len(record.books.batches):,} batches were a stranger's; told",
            "batches of strangers were not told, or others were",
        )


@dataclass(frozen=True, slots=True)
class PagesAtMost:
    """The same thing is told at least once, and then at most so often."""

    times: int

    def judge(self, record: Record) -> Finding:
        told = Counter((alarm.job, alarm.what.partition(" (and ")[0]) for alarm in record.alarms)
        often = [f"{what[:80]}: {count} times" for (_, what), count in told.items()]
        counts = list(told.values())
        too_often = [says for says, count in zip(often, counts, strict=True) if count > self.times]
        silent = ["nobody was told"] if record.struck and not told else []
        return found(
            self,
            len(record.rows),
            [*silent, *too_often],
            f"{sum(counts):,} messages, none of them more than {self.times} times",
            f"messages came more than {self.times} times, or not at all",
        )


@dataclass(frozen=True, slots=True)
class CostsAddUp:
    """What the teams are told that they have spent is what the service has billed, to a cent of a
    cent per team."""

    def judge(self, record: Record) -> Finding:
        billed: dict[str, Decimal] = {}
        for job in record.jobs:
            mine = sum(
                request.billed_picodollars
                for request in record.books.requests
                if request.custom_id.startswith(job.prefix)
            )
            billed[job.team] = billed.get(job.team, Decimal(0)) + Decimal(mine).scaleb(-12)
        told = record.told_usd
        off = [
            f"{team}: told ${told.get(team, Decimal(0)):.4f}, billed ${usd:.4f}"
            for team, usd in billed.items()
            if abs(told.get(team, Decimal(0)) - usd) > Decimal("0.0001")
        ]
        return found(
            self,
            len(record.books.requests),
            off,
            f"${sum(billed.values()):.4f} billed, and told to {len(billed)} teams",
            "teams were told another sum than was billed",
        )


@dataclass(frozen=True, slots=True)
class NoSecretSent:
    """Nothing that stood in a text and has no business there reached the service, in no form."""

    def judge(self, record: Record) -> Finding:
        bodies = [bytes(request.params) for request in record.books.requests]
        bodies += record.besides
        core = {key: secret.split(" ", 1)[-1] for key, secret in record.secrets.items()}
        sent = [
            f"{key}: {secret[:40]}"
            for key, secret in sorted(core.items())
            if any(in_json(secret) in body for body in bodies)
        ]
        return found(
            self,
            len(bodies) or len(record.secrets),
            sent,
            f"{len(bodies):,} bodies, and none of {len(core):,} secrets in them",
            f"of {len(core):,} secrets reached the service",
        )


@dataclass(frozen=True, slots=True)
class OtherTextsUntouched:
    """Rows in whose text nothing is wrong are sent with that text, to the byte."""

    def judge(self, record: Record) -> Finding:
        name = record.job_type.text_field
        sent: dict[str, list[bytes]] = {}
        for request in record.books.requests:
            sent.setdefault(request.subject or "", []).append(bytes(request.params))
        clean = [row for row in record.rows if row.key not in record.secrets]
        changed = [
            row.key
            for row in clean
            if not any(
                in_json(row.fields[name]) in body
                for body in sent.get(record.subjects.get(row.key, ""), ())
            )
        ]
        return found(
            self,
            len(clean),
            changed,
            f"{len(clean):,} clean texts were sent as they are",
            f"of {len(clean):,} clean texts were changed or held back",
        )
