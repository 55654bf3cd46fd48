"""What every arm of a pipeline under test is judged by, besides the checks of its drill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reports import ArmName, Finding, Outcome
from reports.verdict import MET
from scenarios.harness.checks import Check, Ended, RecordIsRight, found
from scenarios.harness.pipeline.evidence import OutsideRecord
from scenarios.harness.record import Record

BROKEN_PIPELINE = frozenset({"hung", "flooded", "crashed"})
NOBODY_CALLED = (
    "the pipeline says that it is done, and no call of it reached the simulator; it has to take "
    "its address from ANTHROPIC_BASE_URL, and must not set one of its own"
)


def common_checks(arm: ArmName) -> tuple[Check, ...]:
    """The checks of every arm of this name."""
    fair: tuple[Check, ...] = (FairDay(),) if arm is ArmName.CALM else ()
    return (
        Ended(arm),
        ServiceWasUsed(),
        NothingLeftBehind(),
        SinkIsSound(),
        RecordIsRight(),
        FaultMet(arm),
        *fair,
    )


def seen(record: Record) -> OutsideRecord:
    """The record as what it is in this room."""
    assert isinstance(record, OutsideRecord)
    return record


@dataclass(frozen=True, slots=True)
class ServiceWasUsed:
    """A pipeline that says it is done has spoken with the simulator, and with no other service."""

    def judge(self, record: Record) -> Finding:
        calls = seen(record).calls
        silent = [NOBODY_CALLED] if record.status == "done" and not calls else []
        return found(self, calls + 1, silent, f"the service heard {calls:,} calls", "silence")


@dataclass(frozen=True, slots=True)
class NothingLeftBehind:
    """When the pipeline has ended, none of its processes goes on."""

    def judge(self, record: Record) -> Finding:
        endings = seen(record).endings
        left = [name for ending in endings for name in ending.left]
        return found(
            self,
            len(endings),
            left,
            "no process was left behind",
            "processes went on after the pipeline had ended, and were killed",
        )


@dataclass(frozen=True, slots=True)
class SinkIsSound:
    """The sink can be read, holds each key once, and nothing that stood there is gone."""

    def judge(self, record: Record) -> Finding:
        return found(
            self,
            len(record.rows),
            list(self._faulty(seen(record))),
            f"{len(record.after):,} keys, each once",
            "things are wrong with the sink",
        )

    @staticmethod
    def _faulty(record: OutsideRecord) -> Iterator[str]:
        for name, place in (("sink", record.sink), ("quarantine", record.aside)):
            if place.problem:
                yield f"the {name}: {place.problem}"
        yield from (f"{key}: {count} times" for key, count in sorted(record.sink.twice.items()))
        yield from (f"{key}: gone" for key in sorted(record.before.keys() - record.after.keys()))


@dataclass(frozen=True, slots=True)
class FaultMet:
    """What goes wrong in this drill did meet the pipeline. If it did not, nothing was proved."""

    arm: ArmName

    def judge(self, record: Record) -> Finding:
        missed = seen(record).missed
        if self.arm is ArmName.GUARDED and missed:
            says = f"it never met the pipeline: {', '.join(missed)}"
            return Finding(MET, Outcome.NOT_EXERCISED, says, 0)
        met = ", ".join(seen(record).met) or "nothing was meant to go wrong"
        return Finding(MET, Outcome.HELD, met, 1)


@dataclass(frozen=True, slots=True)
class FairDay:
    """The trial is such that a good day was possible.

    A calm day that does not hold is the pipeline's doing, unless this check has found another
    reason: then nothing was proved.
    """

    def judge(self, record: Record) -> Finding:
        name, why = type(self).__name__, next(_unfair(seen(record)), "")
        if why:
            return Finding(name, Outcome.NOT_EXERCISED, why, 0)
        return Finding(name, Outcome.HELD, "nothing stood in the way of a good day", 1)


def _unfair(record: OutsideRecord) -> Iterator[str]:
    answered = [book for book in record.books.requests if book.outcome == "succeeded"]
    if record.formless:
        yield (
            f"nothing told the simulated model what an answer looks like in {record.formless:,} "
            "requests; give --schema FILE, or send output_config.format"
        )
    unseen = sum(book.subject is None for book in answered)
    if unseen:
        yield (
            f"the simulated model did not find the column {record.job_type.text_field!r} of any "
            f"row in {unseen:,} of {len(answered):,} prompts; name the column that the prompts "
            "carry with --text, one row to a request"
        )
    cut = sum(book.stop_reason == "max_tokens" for book in answered)
    if cut:
        yield f"{cut:,} answers were cut off at the pipeline's own max_tokens; raise it"
    if record.status == "done" and not answered and record.keys <= record.before.keys():
        yield (
            "every row has a value in the sink already, and the pipeline sent nothing; name a "
            "sink without these rows"
        )
