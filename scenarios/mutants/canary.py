"""Mutants of `Canary`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import msgspec

from controls import Canary
from controls.canary import Grade
from controls.core.decision import Decision, Halt, Proceed, Split, Warn
from controls.core.moment import AfterCanary, BeforeSubmit, Grades, Moment
from scenarios.harness.mutants import Kind, mutant


@mutant(Canary, Kind.REMOVED)
class SendsAllAtOnce(Canary):
    """Sends all rows at once, and grades nothing."""

    def decide(self, _moment: Moment, /) -> Decision:
        return Proceed()


@mutant(Canary, Kind.FAILS_OPEN)
class OnlyWarns(Canary):
    """Tells the owner of a bad slice, and sends the rest."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        return Warn(decision.why) if isinstance(decision, Halt) else decision


@mutant(Canary, Kind.TOO_LATE)
class GradesWhenAllIsSent(Canary):
    """Sends all rows as the slice."""

    def size(self, rows: int) -> int:
        return rows


@mutant(Canary, Kind.WRONG_UNIT)
def takes_the_share_for_percent(control: Canary) -> Canary:
    """A slice of 2 % becomes one of 200 %."""
    policy = msgspec.structs.replace(control.policy, share=control.policy.share * 100)
    return replace(control, policy=policy)


@mutant(Canary, Kind.HALF)
class CountsBadRowsOnly(Canary):
    """Does not look at whether the answers are right."""

    def measures(self, grades: Grades) -> Iterator[tuple[Grade, str]]:
        yield self._bad_share(grades)


@mutant(Canary, Kind.WRONG_FIELD)
class GradesWhatCouldBeRead(Canary):
    """Looks at answers that could be read, and not at how many could not."""

    def measures(self, grades: Grades) -> Iterator[tuple[Grade, str]]:
        if grades.known:
            yield self._accuracy(grades)
        yield from self._shifts(grades)


@mutant(Canary, Kind.WRONG_WAY)
class MixesUpGoodAndBad(Canary):
    """Halts for a good slice, and goes on after a bad one."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        if not isinstance(moment, AfterCanary):
            return decision
        return Proceed() if isinstance(decision, Halt) else Halt("the canary is good")


@mutant(Canary, Kind.TOO_STRICT)
def wants_no_mistake_at_all(control: Canary) -> Canary:
    """Halts unless all known answers are right."""
    policy = msgspec.structs.replace(control.policy, min_accuracy=1.0)
    return replace(control, policy=policy)


@mutant(Canary, Kind.OFF_BY_ONE)
class SendsOneRowMore(Canary):
    """The slice has a row more than it takes."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        if not (isinstance(decision, Split) and isinstance(moment, BeforeSubmit)):
            return decision
        more = next(row.ordinal for row in moment.rows if row.ordinal not in decision.first)
        return replace(decision, first=tuple(sorted((*decision.first, more))))
