"""A Messages create body as a typed value: the closed schema of `params` (contract 11.1)."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

Blocks = list[dict[str, Any]]


class Message(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One turn of the conversation."""

    role: str
    content: str | Blocks


class CountParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `count_tokens` takes: no `max_tokens` (contract 12.1)."""

    model: str
    messages: list[Message]
    system: str | Blocks | UnsetType = UNSET
    tools: Blocks | UnsetType = UNSET
    tool_choice: dict[str, Any] | UnsetType = UNSET
    thinking: dict[str, Any] | UnsetType = UNSET
    output_config: dict[str, Any] | UnsetType = UNSET
    cache_control: Any = UNSET
    speed: Any = UNSET
    context_management: Any = UNSET
    mcp_servers: Any = UNSET
    output_format: Any = UNSET

    @property
    def system_text(self) -> str:
        """The system prompt as one text."""
        return "" if self.system is UNSET else _text(self.system)


class MessageParams(CountParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a create call of `/v1/messages` takes, and each request of a batch."""

    max_tokens: int
    stop_sequences: list[str] | UnsetType | None = UNSET
    temperature: float | UnsetType | None = UNSET
    top_p: float | UnsetType | None = UNSET
    top_k: int | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType | None = UNSET
    service_tier: str | UnsetType | None = UNSET
    inference_geo: str | UnsetType | None = UNSET
    container: Any = UNSET
    diagnostics: Any = UNSET
    user_profile_id: str | UnsetType | None = UNSET
    stream: bool | UnsetType | None = UNSET
    store: Any = UNSET
    previous_thread_event_id: Any = UNSET
    cache_hint: Any = UNSET
    context_hint: Any = UNSET
    research_preview_2026_02: Any = UNSET
    fallbacks: Any = UNSET

    @property
    def user_text(self) -> str:
        """The text of the last user message."""
        for message in reversed(self.messages):
            if message.role == "user":
                return _text(message.content)
        return ""

    @property
    def answer_format(self) -> Any:
        """`output_config.format`, or the older `output_format` (contract 11.4); None without."""
        wanted = self.output_config.get("format") if self.output_config else None
        older = None if self.output_format is UNSET else self.output_format
        return older if wanted is None else wanted

    @property
    def answer_schema(self) -> dict[str, Any] | None:
        """The JSON Schema of the answer, if one is asked for (contract 11.4)."""
        wanted = self.answer_format
        if isinstance(wanted, dict) and wanted.get("type") == "json_schema":
            schema = wanted.get("schema")
            return schema if isinstance(schema, dict) else None
        return None


MESSAGE_PARAMS: Final = msgspec.json.Decoder(MessageParams)
COUNT_PARAMS: Final = msgspec.json.Decoder(CountParams)


def _text(content: str | Blocks) -> str:
    if isinstance(content, str):
        return content
    texts = [text for block in content if isinstance(text := block.get("text"), str)]
    return texts[0] if len(texts) == 1 else "\n\n".join(texts)
