"""Prompt caching, simply: the first request with a prefix writes it, later ones read it.

A prefix is what comes before the last `cache_control` mark, in the order tools, system,
messages (contract 11.1); it belongs to one model and one workspace. Within a batch a prefix
never grows cold; between live messages it does when its time to live has passed. The real
service is less reliable (contract 10.1: 30 to 98 % hits).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import UNSET

from simulator.params import CountParams
from simulator.tokens import PER_CALL, PER_MESSAGE, content_tokens, json_tokens, text_tokens

LIVES: Final = {"5m": timedelta(minutes=5), "1h": timedelta(hours=1)}
_ENCODE: Final = msgspec.json.Encoder(order="deterministic").encode


class Cached(msgspec.Struct, frozen=True, gc=False):
    """How the prompt tokens of one request split."""

    written_5m: int = 0
    written_1h: int = 0
    read: int = 0


NOTHING: Final = Cached()


class PrefixCache:
    """What was written, and until when it is warm."""

    __slots__ = ("_least", "_warm")

    def __init__(self, least_tokens: int) -> None:
        self._least = least_tokens
        self._warm: dict[bytes, datetime] = {}

    def look(self, params: CountParams, scope: str, now: datetime) -> Cached:
        """Read the prefix of this request, or write it."""
        prefix = _prefix(params)
        if prefix is None:
            return NOTHING
        tokens, content, ttl = prefix
        if tokens < max(self._least, 1):
            return NOTHING
        key = hashlib.sha256(f"{scope}/{params.model}/".encode() + content).digest()
        warm = self._warm.get(key)
        self._warm[key] = now + LIVES[ttl]
        if warm is not None and now <= warm:
            return Cached(read=tokens)
        return Cached(written_1h=tokens) if ttl == "1h" else Cached(written_5m=tokens)


def is_marked(params: CountParams) -> bool:
    """Whether anything asks for caching: a quick look, nearly always right."""
    if isinstance(params.cache_control, dict):
        return True
    blocks = [] if params.tools is UNSET else params.tools
    if not isinstance(params.system, str) and params.system is not UNSET:
        blocks = blocks + params.system
    for message in params.messages:
        if not isinstance(message.content, str):
            blocks = blocks + message.content
    return any("cache_control" in block for block in blocks)


def _prefix(params: CountParams) -> tuple[int, bytes, str] | None:
    """Tokens and content up to the last mark, and its time to live."""
    tokens, last = PER_CALL, None
    digest = hashlib.sha256()
    whole = params.cache_control
    for size, block, extra in _parts(params):
        tokens += size + extra
        mark = block.get("cache_control") if isinstance(block, dict) else None
        digest.update(_ENCODE(_unmarked(block)))
        if isinstance(mark, dict):
            last = tokens, digest.digest(), _ttl(mark)
    if isinstance(whole, dict):
        last = tokens, digest.digest(), _ttl(whole)
    return last


def _parts(params: CountParams) -> Iterator[tuple[int, Any, int]]:
    """The cacheable blocks in order: their tokens, what they are, and the tokens of a frame."""
    for tool in [] if params.tools is UNSET else params.tools:
        yield json_tokens(tool), tool, 0
    system = "" if params.system is UNSET else params.system
    for block in [system] if isinstance(system, str) else system:
        yield _size(block), block, 0
    for message in params.messages:
        frame = PER_MESSAGE
        content = message.content
        for block in [content] if isinstance(content, str) else content:
            yield _size(block), block, frame
            frame = 0


def _size(block: str | dict[str, Any]) -> int:
    return text_tokens(block) if isinstance(block, str) else content_tokens([block])


def _unmarked(block: Any) -> Any:
    if not isinstance(block, dict):
        return block
    return {name: value for name, value in block.items() if name != "cache_control"}


def _ttl(mark: dict[str, Any]) -> str:
    ttl = mark.get("ttl")
    return "1h" if ttl == "1h" else "5m"
