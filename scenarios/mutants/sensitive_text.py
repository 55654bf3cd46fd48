"""Mutants of `SensitiveText`."""

from __future__ import annotations

import re
from dataclasses import replace

from controls import SensitiveText
from controls.core.decision import Decision, Proceed
from controls.core.moment import Moment
from controls.secrets import Action
from controls.sensitive import DEFAULTS, KeepText
from scenarios.harness.mutants import Kind, mutant


@mutant(SensitiveText, Kind.REMOVED)
class SeesNothing(SensitiveText):
    """Sends every text as it is."""

    def decide(self, _moment: Moment, /) -> Decision:
        return Proceed()

    def scrub(self, text: str) -> str:
        return KeepText().scrub(text)


@mutant(SensitiveText, Kind.HALF)
def knows_cards_only(control: SensitiveText) -> SensitiveText:
    """Looks for card numbers, and lets everything else go."""
    others: dict[str, Action] = {name: "allow" for name in DEFAULTS if name != "card"}
    return replace(control, actions={**control.actions, **others})


@mutant(SensitiveText, Kind.TOO_STRICT)
class TakesNumbersForSecrets(SensitiveText):
    """Takes out whatever has a digit in it."""

    def scrub(self, text: str) -> str:
        return re.sub(r"\S*\d\S*", "[number]", super().scrub(text))


@mutant(SensitiveText, Kind.TOO_LATE)
class NamesAndSendsIt(SensitiveText):
    """Says what it has found, and sends it."""

    def scrub(self, text: str) -> str:
        return KeepText().scrub(text)
