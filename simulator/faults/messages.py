"""Faults of the message around an answer: how it stopped, what it is made of, who gave it.

All of these are `succeeded` rows (contract 11.2 and 11.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar, Final

import msgspec

from simulator.errors import SimulatorError
from simulator.faults.answers import check_names
from simulator.faults.fault import Fault
from simulator.faults.seams import Answer, AnswerFault

Message = dict[str, Any]

REFUSALS: Final = (
    "cyber",
    "bio",
    "frontier_llm",
    "reasoning_extraction",
    "general_harms",
)
_CACHE_KEYS: Final = ("cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation")


@dataclass(frozen=True, slots=True)
class MessageFault(AnswerFault):
    """The base of this file: `change` edits one message object in place."""

    empty: ClassVar[bool] = False
    """Whether the text of the answer is gone."""
    stop_reason: ClassVar[str] = ""

    def bend(self, answer: Answer, strike: int, dice: Random) -> Answer | None:
        """The same answer in another message."""
        del strike, dice
        return msgspec.structs.replace(
            answer,
            text="" if self.empty else answer.text,
            stop_reason=self.stop_reason or answer.stop_reason,
            reshape=(*answer.reshape, self.change),
        )

    def change(self, message: Message) -> None:
        """Edit one message in place."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Refusal(MessageFault):
    """The model refuses: a `succeeded` row with `content: []`.

    Contract 7.2 and 11.2: `stop_reason` is `refusal`, and `stop_details` says why, perhaps.
    Contract 15, catalogue of rows.
    """

    category: str | None = "general_harms"

    empty: ClassVar[bool] = True
    stop_reason: ClassVar[str] = "refusal"

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        if self.category is not None and self.category not in REFUSALS:
            raise SimulatorError(
                f"Refusal: there is no category {self.category!r}.",
                fix=f"Use one of {', '.join(REFUSALS)}, or None.",
            )

    def change(self, message: Message) -> None:
        """Why."""
        explanation = "This request was declined."
        message["content"] = []
        message["stop_details"] = {
            "type": "refusal",
            "category": self.category,
            "explanation": explanation,
        }


@dataclass(frozen=True, slots=True)
class StopsAtMaxTokens(AnswerFault):
    """The answer is cut in the middle, at `max_tokens`.

    Contract 11.2: the row counts as `succeeded`; a JSON answer in it is broken.
    """

    def bend(self, answer: Answer, strike: int, dice: Random) -> Answer | None:
        """The first half of it."""
        del strike, dice
        half = answer.text[: len(answer.text) // 2]
        return msgspec.structs.replace(answer, text=half, stop_reason="max_tokens")


@dataclass(frozen=True, slots=True)
class PauseTurn(AnswerFault):
    """The model has paused and wants to be asked to go on.

    Contract 6.4 and 11.2: `stop_reason` is `pause_turn` and the answer is not the last word.
    """

    def bend(self, answer: Answer, strike: int, dice: Random) -> Answer | None:
        """What it has said so far."""
        del strike, dice
        so_far = answer.text[: len(answer.text) // 3]
        return msgspec.structs.replace(answer, text=so_far, stop_reason="pause_turn")


@dataclass(frozen=True, slots=True)
class ThinkingFirst(MessageFault):
    """A thinking block, with empty text, comes before the answer.

    Contract 11.3: `content[0].text` is not a safe way to the answer.
    """

    def change(self, message: Message) -> None:
        """One block more, in front."""
        block = {"type": "thinking", "thinking": "", "signature": "RXhhbXBsZVNpZ25hdHVyZQ=="}
        message["content"] = [block, *message["content"]]


@dataclass(frozen=True, slots=True)
class ToolUseOnly(MessageFault):
    """The model asks for a tool, and says nothing else.

    Contract 11.2: nobody runs the tool in a batch; `stop_reason` is `tool_use`.
    """

    tool: str = "lookup"

    empty: ClassVar[bool] = True
    stop_reason: ClassVar[str] = "tool_use"

    def change(self, message: Message) -> None:
        """The one block."""
        block = {
            "type": "tool_use",
            "id": "toolu_01" + message["id"].removeprefix("msg_01"),
            "name": self.tool,
            "input": {"query": "?"},
        }
        message["content"] = [block]


@dataclass(frozen=True, slots=True)
class EmptyText(MessageFault):
    """The answer is one text block without any text.

    Contract 15, catalogue of rows, and 11.3: five tokens were spent, and no text came back.
    """

    empty: ClassVar[bool] = True

    def change(self, message: Message) -> None:
        """An empty block where others have none."""
        message["content"] = [{"type": "text", "text": ""}]


@dataclass(frozen=True, slots=True)
class UsageKeysMissing(MessageFault):
    """The usage lacks keys, those of the cache for example.

    Contract 15, incident 15: costs computed from them are zero or wrong.
    """

    keys: tuple[str, ...] = _CACHE_KEYS

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        check_names("UsageKeysMissing", "keys", self.keys)

    def change(self, message: Message) -> None:
        """Fewer keys."""
        for key in self.keys:
            message["usage"].pop(key, None)


@dataclass(frozen=True, slots=True)
class CachedUsage(MessageFault):
    """Most of the prompt was read from a cache, and the usage says so.

    Contract 15, incident 15: cached tokens were priced wrongly. The bill of the simulator
    stays what it was.
    """

    cached_share: float = 0.8

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        if not 0 < self.cached_share <= 1:
            raise SimulatorError(
                f"CachedUsage: cached_share={self.cached_share}.", fix="Use more than 0, up to 1."
            )

    def change(self, message: Message) -> None:
        """The same number of tokens, told apart."""
        usage = message["usage"]
        read = int(usage["input_tokens"] * self.cached_share)
        usage["input_tokens"] -= read
        usage["cache_read_input_tokens"] = read


@dataclass(frozen=True, slots=True)
class ModelDiffers(MessageFault):
    """The answer names another model than the request.

    Contract 7.2: an alias is answered with its dated id; whoever compares the two is surprised.
    """

    model: str = "claude-haiku-4-5-20251001"

    def change(self, message: Message) -> None:
        """Another name."""
        message["model"] = self.model
