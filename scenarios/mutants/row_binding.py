"""Mutants of `RowBinding`."""

from __future__ import annotations

from controls import Row, RowBinding
from controls.core.answer import Accepted, Answer, Quarantined, Verdict
from scenarios.harness.mutants import Kind, mutant


@mutant(RowBinding, Kind.REMOVED)
class AsksForNoEcho(RowBinding):
    """Takes every answer for that of the row under whose id it came."""

    def request_echo(self, reference: str) -> str:  # noqa: ARG002 - that is what is wrong with it
        return ""

    def examine(self, answer: Answer) -> Verdict:
        return Accepted(answer.value)


@mutant(RowBinding, Kind.HALF)
class LooksWhetherThereIsOne(RowBinding):
    """Accepts any reference, as long as there is one."""

    def examine(self, answer: Answer) -> Verdict:
        verdict = super().examine(answer)
        strange = isinstance(verdict, Quarantined) and verdict.reason == "wrong_row"
        return Accepted(answer.value) if strange else verdict


@mutant(RowBinding, Kind.FAILS_OPEN)
class TakesAnswersWithoutOne(RowBinding):
    """Accepts an answer that gives no reference back."""

    def examine(self, answer: Answer) -> Verdict:
        verdict = super().examine(answer)
        silent = isinstance(verdict, Quarantined) and verdict.reason == "off_task"
        return Accepted(answer.value) if silent else verdict


@mutant(RowBinding, Kind.FORGETS)
class OneReferenceForAll(RowBinding):
    """Makes the reference from the secret alone: every row has the same."""

    def reference(self, secret: bytes, custom_id: str, content: str) -> str:  # noqa: ARG002
        return super().reference(secret, "", "")


@mutant(RowBinding, Kind.WRONG_FIELD)
class ReferenceWithoutTheRow(RowBinding):
    """Makes the reference from the last digit of the id."""

    def reference(self, secret: bytes, custom_id: str, content: str) -> str:  # noqa: ARG002
        return super().reference(secret, custom_id[-1:], "")


@mutant(RowBinding, Kind.OFF_BY_ONE)
class OneRowBehind(RowBinding):
    """Puts each answer on the row that was answered before."""

    last: Row | None = None

    def row_of(self, sent: Row) -> Row:
        about, new = self.last or sent, sent
        object.__setattr__(self, "last", new)
        return about


@mutant(RowBinding, Kind.TOO_STRICT)
class ComparesInCapitals(RowBinding):
    """Compares the echo with a reference that is written otherwise."""

    def examine(self, answer: Answer) -> Verdict:
        if answer.reference != answer.reference.upper() and answer.reference[0].isalpha():
            return Quarantined("wrong_row", "the answer echoes another reference")
        return super().examine(answer)
