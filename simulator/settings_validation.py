"""Settings that take one of a few words (contract 11.1 and 11.4). The texts are ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import UNSET

from simulator.params import CountParams, MessageParams
from simulator.structured import TOO_COMPLEX

MESSAGES: Final = 100_000
THINKING: Final = ("adaptive", "between_tools", "disabled", "enabled")
DISPLAYS: Final = ("summarized", "omitted")
EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
TIERS: Final = ("auto", "standard_only")
LIVES: Final = ("5m", "1h")
STRICT_TOOLS: Final = 20


def settings_problem(params: CountParams) -> str | None:
    """The first setting that is none of the words it may be."""
    if len(params.messages) > MESSAGES:
        found = len(params.messages)
        return f"messages: List should have at most {MESSAGES} items after validation, not {found}"
    thinking = {} if params.thinking is UNSET else params.thinking
    config = {} if params.output_config is UNSET else params.output_config
    if params.thinking is not UNSET and "type" not in thinking:
        return "thinking.type: Field required"
    tier = params.service_tier if isinstance(params, MessageParams) else None
    return (
        _wrong("thinking.type", thinking.get("type"), THINKING)
        or _wrong("thinking.display", thinking.get("display"), DISPLAYS)
        or _wrong("output_config.effort", config.get("effort"), EFFORTS)
        or _wrong("service_tier", None if tier is UNSET else tier, TIERS)
        or _cache_problem(params)
    )


def format_problem(params: MessageParams) -> str | None:
    """What a structured output does not go together with."""
    tools = [] if params.tools is UNSET else params.tools
    if sum(tool.get("strict") is True for tool in tools) > STRICT_TOOLS:
        return TOO_COMPLEX
    if params.answer_format is None:
        return None
    if params.messages[-1].role == "assistant":
        return "output_config.format: not supported together with assistant message prefill"
    for message in params.messages:
        blocks = [] if isinstance(message.content, str) else message.content
        for block in blocks:
            cited = block.get("citations")
            if isinstance(cited, dict) and cited.get("enabled") is True:
                return "output_config.format: not supported together with citations"
    return None


def _wrong(name: str, value: Any, known: Sequence[str]) -> str | None:
    if value is None or value in known:
        return None
    words = [f"'{word}'" for word in known]
    return f"{name}: Input should be {', '.join(words[:-1])} or {words[-1]}"


def _cache_problem(params: CountParams) -> str | None:
    for where, mark in _marks(params):
        if mark is None:
            continue
        if not isinstance(mark, dict):
            return f"{where}: Input should be a valid dictionary"
        if mark.get("type") != "ephemeral":
            return f"{where}.type: Input should be 'ephemeral'"
        problem = _wrong(f"{where}.ttl", mark.get("ttl"), LIVES)
        if problem is not None:
            return problem
    return None


def _marks(params: CountParams) -> Iterator[tuple[str, Any]]:
    """Every `cache_control`, and where it stands."""
    if params.cache_control is not UNSET:
        yield "cache_control", params.cache_control
    lists: list[tuple[str, Any]] = [("tools", params.tools), ("system", params.system)]
    lists += [
        (f"messages.{place}.content", message.content)
        for place, message in enumerate(params.messages)
    ]
    for where, blocks in lists:
        if isinstance(blocks, list):
            for place, block in enumerate(blocks):
                if "cache_control" in block:
                    yield f"{where}.{place}.cache_control", block["cache_control"]
