"""Mutants of `SensitiveText`."""

from __future__ import annotations

from controls import SensitiveText
from controls.core.decision import Decision, Proceed, Withhold
from controls.core.moment import Moment
from controls.secrets import sensitive
from controls.sensitive import KeepText
from scenarios.harness.mutants import Kind, mutant


@mutant(SensitiveText, Kind.REMOVED)
class SeesNothing(SensitiveText):
    """Sends every text as it is."""

    def decide(self, _moment: Moment, /) -> Decision:
        return Proceed()

    def scrub(self, text: str) -> str:
        return KeepText().scrub(text)


@mutant(SensitiveText, Kind.HALF)
class MarksTheFirstOnly(SensitiveText):
    """Takes out the first find of a text, and leaves the others."""

    def scrub(self, text: str) -> str:
        found = [hit for hit in sensitive(text) if self.action(hit.name) != "allow"]
        for start, end, name in found[:1]:
            text = f"{text[:start]}[{name}]{text[end:]}"
        return text


@mutant(SensitiveText, Kind.FAILS_OPEN)
class LetsRefusedRowsGo(SensitiveText):
    """Sends rows that may not be sent at all, with a mark in them."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        return Proceed() if isinstance(decision, Withhold) else decision


@mutant(SensitiveText, Kind.OFF_BY_ONE)
class LeavesTheLastCharacters(SensitiveText):
    """Takes out all of a find but its last six characters."""

    def scrub(self, text: str) -> str:
        found = [hit for hit in sensitive(text) if self.action(hit.name) != "allow"]
        for start, end, name in reversed(found):
            text = f"{text[:start]}[{name}]{text[max(start, end - 6) :]}"
        return text


@mutant(SensitiveText, Kind.TOO_LATE)
class NamesAndSendsIt(SensitiveText):
    """Says what it has found, and sends it."""

    def scrub(self, text: str) -> str:
        return KeepText().scrub(text)
