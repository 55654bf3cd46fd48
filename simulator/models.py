"""The models that the service knows, and what each can do (contract 10.2, 11.1, 12.2).

A model whose price is not known is not known at all: its rows end as `not_found_error`.
Capabilities and dates other than those of Haiku 5.5 are illustrative.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from simulator import prices
from simulator.prices import Price

EXTENDED_OUTPUT_BETA: Final = "output-300k-2026-03-24"
EXTENDED_OUTPUT_TOKENS: Final = 300_000
"""Contract 6.4: in batches only."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One model: its limits and its price."""

    id: str
    display_name: str
    line: str
    created: str
    price: Price
    max_tokens: int = 128_000
    max_input_tokens: int = 1_000_000
    extended_output: bool = False
    """Whether the 300k beta raises its cap in batches."""
    adaptive_only: bool = True
    """Whether `thinking.type: enabled` is refused."""
    prefill: bool = False
    """Whether the conversation may end with an assistant message."""
    free_sampling: bool = False
    """Whether a `temperature` other than 1 is accepted with the older API version."""
    lifecycle: str = "active"
    retires: str | None = None
    regional: bool = True
    """Whether `inference_geo: us` has its price."""

    def output_cap(self, beta: str) -> int:
        """The highest `max_tokens` in a batch created with these beta flags."""
        if self.extended_output and EXTENDED_OUTPUT_BETA in beta:
            return EXTENDED_OUTPUT_TOKENS
        return self.max_tokens

    def to_wire(self) -> dict[str, Any]:
        """The model object (contract 12.2)."""
        return {
            "id": self.id,
            "type": "model",
            "display_name": self.display_name,
            "created_at": f"{self.created}T00:00:00Z",
            "lifecycle": self.lifecycle,
            "line": self.line,
            "max_input_tokens": self.max_input_tokens,
            "max_tokens": self.max_tokens,
            "deprecated_at": self._instant(self.retires),
            "retires_at": self._instant(self.retires),
            "capabilities": self._capabilities(),
        }

    @staticmethod
    def _instant(day: str | None) -> str | None:
        return None if day is None else f"{day}T00:00:00Z"

    def _capabilities(self) -> dict[str, Any]:
        yes, enabled = {"supported": True}, {"supported": not self.adaptive_only}
        efforts = dict.fromkeys(("low", "medium", "high", "xhigh", "max"), yes)
        edits = ("clear_thinking_20251015", "clear_tool_uses_20250919", "compact_20260112")
        types = {"adaptive": yes, "between_tools": yes, "disabled": yes, "enabled": enabled}
        return {
            "batch": yes,
            "citations": yes,
            "code_execution": yes,
            "context_management": yes | dict.fromkeys(edits, yes),
            "effort": yes | efforts,
            "image_input": yes,
            "pdf_input": yes,
            "server_tools": yes | dict.fromkeys(("code_execution", "web_search"), yes),
            "structured_outputs": yes,
            "thinking": yes | {"types": types},
        }


def _model(name: str, created: str, price: Price, **settings: Any) -> Model:
    line, _, version = name.removeprefix("claude-").partition("-")
    number = ".".join(version.split("-")[:2])
    return Model(
        id=name,
        display_name=f"Claude {line.title()} {number}",
        line=line,
        created=created,
        price=price,
        **settings,
    )


_OLD: Final = {
    "max_tokens": 64_000,
    "max_input_tokens": 200_000,
    "adaptive_only": False,
    "prefill": True,
    "free_sampling": True,
    "regional": False,
}
_OF_4_6: Final = {"adaptive_only": False, "free_sampling": True, "extended_output": True}
_RETIRED: Final = _OLD | {"lifecycle": "retired", "retires": "2026-08-05"}
"""Contract 10.2 names them as retired; the day is illustrative."""
_EXTENDED: Final = {"extended_output": True}

MODELS: Final = (
    _model("claude-fable-5-2", "2026-11-03", prices.FABLE_5_2),
    _model("claude-haiku-5-5", "2026-10-07", prices.HAIKU_5_5, **_EXTENDED),
    _model("claude-sonnet-5-5", "2026-10-07", prices.SONNET_5_5, **_EXTENDED),
    _model("claude-fable-5-1", "2026-09-15", prices.FABLE_5_1),
    _model("claude-opus-5-5", "2026-09-15", prices.OPUS_5_5, **_EXTENDED),
    _model("claude-mythos-5-1", "2026-09-15", prices.FABLE_5_1),
    _model("claude-sonnet-5", "2026-06-10", prices.SONNET_5, **_EXTENDED),
    _model("claude-fable-5", "2026-06-10", prices.FABLE_5),
    _model("claude-mythos-5", "2026-06-10", prices.FABLE_5),
    _model("claude-opus-5", "2026-06-10", prices.OPUS_5, **_EXTENDED),
    _model("claude-opus-4-8", "2026-05-05", prices.OPUS_5, **_EXTENDED),
    _model("claude-opus-4-7", "2026-04-07", prices.OPUS_5, **_EXTENDED),
    _model("claude-opus-4-6", "2026-02-04", prices.OPUS_5, **_OF_4_6),
    _model("claude-sonnet-4-6", "2026-02-17", prices.SONNET_4, **_OF_4_6 | {"max_tokens": 64_000}),
    _model("claude-opus-4-5-20251101", "2025-11-24", prices.OPUS_5, **_OLD),
    _model("claude-haiku-4-5-20251001", "2025-10-15", prices.HAIKU_4_5, **_OLD),
    _model("claude-sonnet-4-5-20250929", "2025-09-29", prices.SONNET_4, **_OLD),
    _model("claude-opus-4-1-20250805", "2025-08-05", prices.OPUS_4_1, **_RETIRED),
    _model("claude-haiku-3-5-20241022", "2024-10-22", prices.HAIKU_3_5, **_RETIRED),
)

LIFECYCLES: Final = ("active", "deprecated", "retired")
"""Contract 12.2: the first two are listed unless asked otherwise."""

ALIASES: Final = {
    "claude-opus-4-5": "claude-opus-4-5-20251101",
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
}

_BY_ID: Final = {model.id: model for model in MODELS}
_BY_NAME: Final = _BY_ID | {alias: _BY_ID[name] for alias, name in ALIASES.items()}


def find_model(name: str) -> Model | None:
    """The model of this id or alias, retired ones included, or None."""
    return _BY_NAME.get(name)


def working_model(name: str) -> Model | None:
    """The same, if it still answers."""
    model = _BY_NAME.get(name)
    return None if model is None or model.lifecycle == "retired" else model
