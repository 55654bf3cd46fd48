"""What an answer has besides its text: thinking, a tool call, a stop sequence, cached tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import UNSET

from simulator.caching import NOTHING, Cached
from simulator.documents import conforming
from simulator.params import MessageParams
from simulator.randomness import RowDice, base58
from simulator.tokens import cut_to, json_tokens

THOUGHTS: Final = "The answer has to be in the form that was asked for."
THINKING_MODES: Final = ("enabled", "adaptive")
FORCED: Final = ("any", "tool")
SIGNATURE_CHARACTERS: Final = 64


class Thinking(msgspec.Struct, frozen=True, gc=False):
    """The block that comes before the text (contract 11.3)."""

    text: str
    tokens: int
    signature: str
    shown: bool

    def to_wire(self) -> dict[str, Any]:
        """The block."""
        return {
            "type": "thinking",
            "thinking": self.text if self.shown else "",
            "signature": self.signature,
        }


class Special(msgspec.Struct, frozen=True, gc=False):
    """All of it; most answers have none."""

    thinking: Thinking | None = None
    tool_use: dict[str, Any] | None = None
    stop_sequence: str | None = None
    cached: Cached = NOTHING


PLAIN: Final = Special()


def think(params: MessageParams, dice: RowDice) -> Thinking | None:
    """The thinking of a request that asks for it; cut where `max_tokens` ends it."""
    asked = {} if params.thinking is UNSET else params.thinking
    if asked.get("type") not in THINKING_MODES:
        return None
    text, tokens, _ = cut_to(THOUGHTS, params.max_tokens)
    signature = base58(dice, SIGNATURE_CHARACTERS)
    return Thinking(text, tokens, signature, shown=asked.get("display") != "omitted")


def call_tool(params: MessageParams, dice: RowDice) -> tuple[dict[str, Any], int] | None:
    """The tool call that `tool_choice` forces, with its tokens."""
    choice = {} if params.tool_choice is UNSET else params.tool_choice
    tools = [] if params.tools is UNSET else params.tools
    wanted = choice.get("type")
    if not tools or wanted not in FORCED:
        return None
    named = (tool for tool in tools if wanted == "any" or tool.get("name") == choice.get("name"))
    tool = next(named, tools[0])
    try:
        given = conforming(tool.get("input_schema") or {"type": "object"}, dice)
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError):
        given = {}  # a schema that nobody checked
    identifier = "toolu_01" + base58(dice, 22)
    call = {"type": "tool_use", "id": identifier, "name": tool.get("name"), "input": given}
    return call, json_tokens(given)


def stop_at(text: str, sequences: Iterable[str]) -> tuple[str, str | None]:
    """The text up to the first of these, and which one it was."""
    found = [(place, stop) for stop in sequences if stop and (place := text.find(stop)) >= 0]
    if not found:
        return text, None
    place, stop = min(found, key=lambda one: one[0])
    return text[:place], stop
