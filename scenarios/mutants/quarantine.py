"""Mutants of `Quarantine`."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

import msgspec

from controls import Quarantine
from controls.core.answer import Accepted, Answer, Quarantined, Verdict
from controls.ids import REFERENCE_FIELD
from scenarios.harness.mutants import Kind, mutant


@mutant(Quarantine, Kind.REMOVED)
class TakesAnyObject(Quarantine):
    """Accepts every JSON object."""

    def examine(self, answer: Answer) -> Verdict:
        try:
            value = json.loads(answer.text)
        except ValueError as error:
            return Quarantined("not_json", str(error)[:200])
        if not isinstance(value, dict):
            return Quarantined("not_an_object", "the answer is no object")
        value.pop(REFERENCE_FIELD, None)
        return Accepted(value)


@mutant(Quarantine, Kind.FAILS_OPEN)
class TakesWhatItCannotRead(Quarantine):
    """Accepts an answer that it cannot check, as text."""

    def examine(self, answer: Answer) -> Verdict:
        verdict = super().examine(answer)
        if isinstance(verdict, Accepted) or verdict.reason not in {"not_json", "not_an_object"}:
            return verdict
        return Accepted({"label": answer.text[:200], "score": 0.0})


@mutant(Quarantine, Kind.HALF)
class Coerces(Quarantine):
    """Makes a number of a text, where a number belongs."""

    def examine(self, answer: Answer) -> Verdict:
        verdict = super().examine(answer)
        if isinstance(verdict, Accepted) or verdict.reason != "schema":
            return verdict
        value: dict[str, Any] = json.loads(answer.text)
        with suppress(ValueError, TypeError):
            value = {name: _number(each) for name, each in value.items()}
        return super().examine(_said(answer, json.dumps(value)))


def _number(value: Any) -> Any:
    """What a helpful parser makes of a value that says a number in another way."""
    if isinstance(value, bool):
        return float(value)
    return float(value) if isinstance(value, str) and value[:1].isdigit() else value


@mutant(Quarantine, Kind.FAILS_OPEN)
class DigsForAnObject(Quarantine):
    """Takes the first thing in braces, whatever stands around it."""

    def examine(self, answer: Answer) -> Verdict:
        verdict = super().examine(answer)
        if isinstance(verdict, Accepted) or verdict.reason != "not_json":
            return verdict
        found = re.search(r"\{.*?\}", answer.text, re.DOTALL)
        return super().examine(_said(answer, found[0])) if found else verdict


@mutant(Quarantine, Kind.WRONG_FIELD)
class ChecksTheLabelOnly(Quarantine):
    """Looks at the label, and takes the other fields as they come."""

    def examine(self, answer: Answer) -> Verdict:
        verdict = super().examine(answer)
        if isinstance(verdict, Accepted) or verdict.reason != "schema":
            return verdict
        value: dict[str, Any] = json.loads(answer.text)
        probe = _said(answer, json.dumps(value | {"score": 0.5}))
        if isinstance(super().examine(probe), Quarantined):
            return verdict
        value.pop(REFERENCE_FIELD, None)
        return Accepted(value)


@mutant(Quarantine, Kind.HALF)
class TakesTheFirstOfAList(Quarantine):
    """Accepts an object in a list."""

    def examine(self, answer: Answer) -> Verdict:
        verdict = super().examine(answer)
        if isinstance(verdict, Accepted) or verdict.reason != "not_an_object":
            return verdict
        value = json.loads(answer.text)
        inner = value[0] if isinstance(value, list) and value else value
        return super().examine(_said(answer, json.dumps(inner)))


@mutant(Quarantine, Kind.TOO_STRICT)
class WantsNoSpaces(Quarantine):
    """Keeps back every answer that is not written in the shortest way."""

    def examine(self, answer: Answer) -> Verdict:
        verdict = super().examine(answer)
        if isinstance(verdict, Accepted) and "0" in answer.text:
            return Quarantined("schema", "the answer is not canonical")
        return verdict


def _said(answer: Answer, text: str) -> Answer:
    """The same answer in other words."""
    return msgspec.structs.replace(answer, text=text)
