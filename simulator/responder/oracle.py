"""LabelOracle: a classifier with a stated accuracy, which has to find its row in the prompt."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from zlib import crc32

import msgspec

from simulator.errors import SimulatorError
from simulator.responder.base import Question, Said
from simulator.responder.finding import Finder

Answer = Callable[[str, float, dict[str, str]], str]


class Truth(msgspec.Struct, frozen=True, gc=False):
    """What is true about one known text."""

    subject: str
    """Whose text it is, for the books."""
    label: str


class LabelOracle:
    """Reads the prompt, and knows the right label of every text that it was told about.

    It answers with that label with probability `accuracy`, else with another one, and a score
    that depends on the text alone. A prompt in which no known text stands is answered with a
    guess, as a model would: tag `guessed`, no subject. Where neither the system prompt nor the
    user's message asks for JSON it answers in prose: tag `prose`; `instructions` is a system
    prompt that asks for it in other words. Fields that the prompt asks to copy (`echo`, two
    groups: field and value) come first in the JSON object.

    A text is looked for all over the prompt, unless one of `places` matches, patterns of what
    stands before it: then it begins where that match ends, and an empty text can be known too.
    """

    __slots__ = (
        "_accuracy",
        "_answer",
        "_echo",
        "_finder",
        "_instructions",
        "_labels",
        "_places",
        "_truths",
    )

    def __init__(
        self,
        truths: Mapping[str, Truth],
        labels: Sequence[str],
        accuracy: float = 1.0,
        answer: Answer | None = None,
        echo: re.Pattern[str] | None = None,
        *,
        places: Sequence[re.Pattern[str]] = (),
        instructions: str | None = None,
    ) -> None:
        check_share("accuracy", accuracy)
        strange = {truth.label for truth in truths.values()}.difference(labels)
        if strange or not labels:
            raise SimulatorError(
                f"The truths use labels that are not in {list(labels)}: {sorted(strange)}.",
                fix="List every label.",
            )
        if echo is not None and echo.groups != 2:  # noqa: PLR2004 - field and value
            raise SimulatorError(
                f"The echo pattern has {echo.groups} groups.",
                fix="Use two: the name of the field, then its value.",
            )
        self._truths = dict(truths)
        self._labels = tuple(labels)
        self._accuracy = accuracy
        self._answer = answer or compact_json
        self._echo = echo
        self._places = tuple(places)
        self._instructions = instructions
        self._finder = Finder(self._truths)

    def answer(self, question: Question) -> Said:
        """A label, a score and what the prompt asked to copy."""
        found = self._found(question.user)
        tags: tuple[str, ...] = ()
        if found is None:
            known, subject, tags = question.user, None, ("guessed",)
            label = self._labels[_fingerprint(known) % len(self._labels)]
        else:
            known = found
            truth = self._truths[known]
            label, subject = self._drawn(truth.label, question.dice), truth.subject
        score = (_fingerprint(known) >> 8) % 1001 / 1000
        if question.system != self._instructions and not _asks_for_json(question):
            text = f"The customer seems {label}, as far as one can tell."
            return Said(text, subject, (*tags, "prose"))
        return Said(self._answer(label, score, self._echoed(question.user)), subject, tags)

    def _found(self, user: str) -> str | None:
        """The known text in a prompt, or None."""
        for place in self._places:
            before = place.search(user)
            if before is None:
                continue
            start = before.end()
            text = self._finder.at(user, start)
            if text is None and "" in self._truths and not user[start : start + 1].strip():
                return ""
            return text
        found = self._finder.find(user)
        return None if found is None else found[0]

    def _drawn(self, label: str, dice: Random) -> str:
        if self._accuracy >= 1 or dice.random() < self._accuracy or len(self._labels) == 1:
            return label
        return dice.choice([other for other in self._labels if other != label])

    def _echoed(self, user: str) -> dict[str, str]:
        if self._echo is None:
            return {}
        names = self._echo.groupindex
        first, second = names.get("field", 1), names.get("value", 2)
        return {match[first]: match[second] for match in self._echo.finditer(user)}


def compact_json(label: str, score: float, echoed: dict[str, str]) -> str:
    """The default answer: copied fields, the label and the score."""
    return msgspec.json.encode({**echoed, "label": label, "score": score}).decode()


def check_share(name: str, share: float) -> None:
    """Refuse what is no share of a whole."""
    if not 0 <= share <= 1:
        raise SimulatorError(f"{name}={share} is no share.", fix="Use a number from 0 to 1.")


def _asks_for_json(question: Question) -> bool:
    for text in (question.system, question.user):
        if "JSON" in text or "json" in text.lower():
            return True
    return question.params.answer_schema is not None


def _fingerprint(text: str) -> int:
    return crc32(text.encode("utf-8", "surrogatepass"))
