"""Encodings: whether a value stands in a text under another spelling.

Protects from values that were re-encoded on their way into a request: other letter case or
spacing, invisible characters, percent-encoding, HTML entities, JSON in JSON, base64 at any
alignment, hexadecimal; three of them may lie around one another.

Weakness: compression, hashes, ciphers and rarer encodings (base32, rot13, UTF-16) are not seen, and
short values occur in base64 by chance. Neighbour: `FieldAllowlist` asks first whether a request
changes with the value, which needs no encoding to be known, and comes here for the name.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Iterator
from urllib.parse import unquote, unquote_plus

SHORTEST_VALUE = 4
"""Shorter values (`1`, `US`) occur everywhere by chance."""
LAYERS = 3
"""How many encodings around one another are taken off."""

_ESCAPE = re.compile(r'\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])')
_HEX_PUNCTUATION = re.compile(r"\\x|0x|[\s:,-]")
_URL_SAFE = str.maketrans("-_", "+/")
_SPACES = re.compile(r"\s+")


def form_of(value: str, text: str) -> str:
    """The encoding under which `value` stands in `text`, or nothing.

    Args:
        value: at least `SHORTEST_VALUE` characters; shorter ones are not searched for.
        text: anything, for example the JSON of a request.
    """
    if len(value) < SHORTEST_VALUE:
        return ""
    value = value.encode("utf-8", "replace").decode()
    spelling = fold(value)
    for name, view in views(text):
        if value in view:
            return name or "plain text"
        if len(spelling) >= SHORTEST_VALUE and spelling in fold(view):
            return f"{name} in another spelling".strip() if name else "another spelling"
        inner = _in_base64(value, view) or _in_hexadecimal(value, view)
        if inner:
            return f"{inner} in {name}" if name else inner
    return ""


def fold(text: str) -> str:
    """The text without what spelling may change: case, spaces, invisible and styled characters."""
    for _ in range(2):
        text = unicodedata.normalize("NFKC", _visible(text)).upper().casefold()
    return _visible(unicodedata.normalize("NFKC", text))


def _visible(text: str) -> str:
    """Without spaces, and without characters of Unicode's category Cf such as zero-width ones."""
    if text.isascii():
        return "".join(text.split())
    return "".join(
        sign for sign in text if not sign.isspace() and unicodedata.category(sign) != "Cf"
    )


def views(text: str) -> Iterator[tuple[str, str]]:
    """The text as it is, then with up to `LAYERS` encodings taken off: name and text of each."""
    seen = {text}
    layer = [("", text)]
    for _ in range(LAYERS + 1):
        yield from layer
        below = []
        for name, view in layer:
            for step, decode in DECODERS.items():
                decoded = decode(view)
                if decoded not in seen:
                    seen.add(decoded)
                    below.append((name if name == step else f"{step} {name}".strip(), decoded))
        layer = below


def _unescaped(text: str) -> str:
    """JSON's backslashes taken off once, wherever they stand."""
    if "\\" not in text:
        return text
    parts: list[str] = []
    end = 0
    for match in _ESCAPE.finditer(text):
        parts += text[end : match.start()], match[0]
        end = match.end()
    parts.append(text[end:])
    plain = "".join(
        part if place % 2 else json.dumps(part, ensure_ascii=False)[1:-1]
        for place, part in enumerate(parts)
    )
    decoded: str = json.loads(f'"{plain}"')
    return decoded.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


DECODERS: dict[str, Callable[[str], str]] = {
    "JSON": _unescaped,
    "percent-encoding": unquote,
    "form encoding": unquote_plus,
    "HTML entities": html.unescape,
}
"""What can be taken off a whole text; each leaves alone what is not its own."""


def _spellings(value: str) -> dict[bytes, None]:
    return dict.fromkeys(text.encode() for text in (value, value.lower(), value.upper()))


def _in_base64(value: str, view: str) -> str:
    """Both alphabets, padded or not, alone or inside something longer."""
    packed = _SPACES.sub("", view).translate(_URL_SAFE)
    needles = (needle for raw in _spellings(value) for needle in _in_each_alignment(raw))
    return "base64" if any(needle in packed for needle in needles) else ""


def _in_each_alignment(raw: bytes) -> Iterator[str]:
    """The base64 digits that depend on nothing but `raw`, for each place in a group of three."""
    for before, mixed in ((0, 0), (1, 2), (2, 3)):
        whole = (before + len(raw)) * 8 // 6
        yield b64encode(bytes(before) + raw).decode()[mixed:whole]


def _in_hexadecimal(value: str, view: str) -> str:
    """In either case, with or without the usual punctuation between bytes."""
    packed = _HEX_PUNCTUATION.sub("", view.lower())
    return "hexadecimal" if any(raw.hex() in packed for raw in _spellings(value)) else ""
