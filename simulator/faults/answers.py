"""Faults of an answer. The seam is `bend(answer)`: what a succeeded row says, made worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import msgspec

from simulator.errors import SimulatorError
from simulator.faults.drift import DRIFTS, drifted
from simulator.faults.fault import Fault
from simulator.faults.seams import Answer, AnswerFault
from simulator.tokens import BYTES_PER_TOKEN


@dataclass(frozen=True, slots=True)
class SchemaDrift(AnswerFault):
    """The model's JSON drifts from what was asked for, in one of many ways.

    Contract 15, "broken structured output": fenced, cut short, wrong types, missing fields.
    The kinds take turns, so that each appears when enough rows are struck.
    """

    kinds: tuple[str, ...] = DRIFTS

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        check_names("SchemaDrift", "kinds", self.kinds)
        unknown = [kind for kind in self.kinds if kind not in DRIFTS]
        if unknown:
            raise SimulatorError(
                f"SchemaDrift: there are no kinds {unknown}.", fix=f"Use some of {DRIFTS}."
            )

    def bend(self, answer: Answer, strike: int, dice: Random) -> Answer | None:
        """The answer in the next kind of drift that can be applied to it."""
        for turn in range(len(self.kinds)):
            kind = self.kinds[(strike + turn) % len(self.kinds)]
            text = drifted(kind, answer.text, dice)
            if text is not None and text != answer.text:
                return msgspec.structs.replace(answer, text=text, tags=(*answer.tags, kind))
        return None


@dataclass(frozen=True, slots=True)
class WrongButValid(AnswerFault):
    """The answer has the right form and the wrong label.

    No schema sees this; only graded rows do. Contract 15 has no incident for it, because
    nobody notices.
    """

    labels: tuple[str, ...]
    key: str = "label"

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        check_names("WrongButValid", "labels", self.labels)

    def bend(self, answer: Answer, strike: int, dice: Random) -> Answer | None:
        """Another label under the same key, and nothing else changed."""
        del strike
        document = read_object(answer.text)
        if document is None or self.key not in document:
            return None
        others = [label for label in self.labels if label != document[self.key]]
        if not others:
            return None
        document[self.key] = dice.choice(others)
        return msgspec.structs.replace(answer, text=write(document))


_RAMBLE: Final = " and furthermore it should be said that"


@dataclass(frozen=True, slots=True)
class RunsOn(AnswerFault):
    """The model does not stop: the answer ends at `max_tokens`, and is billed in full.

    Contract 11.2: the row still counts as `succeeded`; the JSON in it is broken.
    """

    def bend(self, answer: Answer, strike: int, dice: Random) -> Answer | None:
        """The answer without its end, going on and on."""
        del strike, dice
        wanted = answer.max_tokens * BYTES_PER_TOKEN
        begun = answer.text.removesuffix("}")
        text = begun + _RAMBLE * (wanted // len(_RAMBLE) + 1)
        return msgspec.structs.replace(answer, text=text, stop_reason="max_tokens")


def check_names(fault: str, field: str, names: Sequence[str]) -> None:
    """Refuse an empty list, and a text where a tuple of texts belongs."""
    if isinstance(names, str) or not names:
        raise SimulatorError(
            f"{fault}: {field}={names!r} is no list of names.", fix=f"Pass a tuple for {field}."
        )


def read_object(text: str) -> dict[str, Any] | None:
    """The JSON object in a text that is nothing else."""
    try:
        document = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def write(document: object) -> str:
    """Compact JSON, as the responders write it."""
    return msgspec.json.encode(document).decode()
