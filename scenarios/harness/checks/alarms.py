"""Who hears of what, and who is left alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from reports import Finding
from scenarios.harness.checks.check import found
from scenarios.harness.record import Record


@dataclass(frozen=True, slots=True)
class DamageIsHeard:
    """Damage raises an alarm; a day on which no fault struck raises none."""

    def judge(self, record: Record) -> Finding:
        alarms = [alarm.what for alarm in record.alarms]
        if not record.struck:
            return found(self, len(record.rows), alarms, "no alarm on a good day", "false alarms")
        damage = [] if alarms else list(record.damage)
        says = f"heard of: {alarms[0][:160]}" if alarms else "no damage"
        return found(self, record.struck, damage, says, unheard(damage))


def unheard(damage: Sequence[str]) -> str:
    """What follows the number of sorts of damage."""
    return f"{'sort' if len(damage) == 1 else 'sorts'} of damage, and nobody heard of it"


@dataclass(frozen=True, slots=True)
class NoAlarm:
    """Nobody is woken up."""

    def judge(self, record: Record) -> Finding:
        alarms: Sequence[str] = [alarm.what for alarm in record.alarms]
        return found(self, len(record.rows), alarms, "nobody was woken up", "alarms")


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
