"""Mutants of `PromptFence`."""

from __future__ import annotations

from controls import PromptFence
from scenarios.harness.mutants import Kind, mutant


@mutant(PromptFence, Kind.REMOVED)
class PutsUpNoFence(PromptFence):
    """Pastes the text into the prompt."""

    def wrap(self, text: str, nonce: str) -> str:  # noqa: ARG002 - that is what is wrong with it
        return text

    def notice(self, nonce: str) -> str:  # noqa: ARG002
        return ""


@mutant(PromptFence, Kind.HALF)
class FencesShortTexts(PromptFence):
    """Puts marks around a text only where it fits on a line."""

    def wrap(self, text: str, nonce: str) -> str:
        return text if "\n" in text else super().wrap(text, nonce)


@mutant(PromptFence, Kind.WRONG_FIELD)
class FencesTheWrongSide(PromptFence):
    """Closes the fence before the text."""

    def wrap(self, text: str, nonce: str) -> str:
        return f"<data-{nonce}>\n</data-{nonce}>\n{text}"
