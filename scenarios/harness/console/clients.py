"""Who calls: a client by its key and by what it says of itself, without keeping the key."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from simulator.access import BEARER

AGENT_KEPT: Final = 80
"""Characters of a user agent."""
PRINT_BYTES: Final = 4


def key_of(headers: Mapping[str, str]) -> str:
    """The API key of a call; empty if it has none."""
    authorization = headers.get("authorization", "")
    if authorization[: len(BEARER)].lower() == BEARER:
        return authorization[len(BEARER) :].strip()
    return headers.get("x-api-key", "").strip()


class Clients:
    """Gives each key a print that is the same for the whole game day, and no longer.

    The salt is forgotten with the game day: nobody can try keys against a print in a report.
    """

    def __init__(self, salt: bytes) -> None:
        self._salt = salt

    def name(self, headers: Mapping[str, str]) -> str:
        """Such as `key 3fa9c1d2, Anthropic/Python 2.11.0`. What it says of itself is untrusted."""
        key = key_of(headers)
        agent = headers.get("user-agent", "")[:AGENT_KEPT]
        who = f"key {self._print(key)}" if key else "no key"
        return f"{who}, {agent}" if agent else who

    def _print(self, key: str) -> str:
        raw = key.encode("utf-8", "surrogateescape")
        return blake2b(raw, key=self._salt, digest_size=PRINT_BYTES).hexdigest()
