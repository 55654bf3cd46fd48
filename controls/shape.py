"""The shape of a job's requests: what they say besides the values of their rows.

Protects from a check that is left out because it is slow. Two made-up rows are dressed, with a
token in every allowed column and nothing in the others. What both requests have in common is what
every request says; where they differ stand the marks of fence and binding. A request that is
nothing but this text, its row's own allowed values and its marks carries nothing else, and need not
be searched: that is what makes checking every request cheap.

Weakness: none for the verdict, as a request that is not explained is looked at closely; a fence
that changes its text or draws longer marks only makes the check slow. Neighbour: `FieldAllowlist`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from controls.core.moment import BeforeSubmit
from controls.core.rows import DressedRow
from controls.encodings import SHORTEST_VALUE

LONGEST_MARK = 16
"""Characters; a longer one could be something else than a mark."""

_TOKEN = re.compile(rb"\x7f(\d+):\w\x7f")
_WORD = re.compile(rb"\w+")
_encode = msgspec.json.Encoder().encode


def json_of(value: str) -> bytes:
    """The value as it stands inside a JSON string; lone surrogates are replaced."""
    try:
        return _encode(value)[1:-1]
    except UnicodeEncodeError:
        return _encode(value.encode("utf-8", "replace").decode())[1:-1]


@dataclass(frozen=True, slots=True)
class Shape:
    """Requests are texts, marks and values in a fixed order."""

    order: tuple[int, ...]
    """Indices into texts, marks and values, laid end to end."""
    texts: tuple[bytes, ...]
    marks: tuple[slice, ...]
    """Where each mark stands first in a request: counted from its start or from its end."""
    columns: tuple[str, ...]
    """Whose values the requests carry."""
    allowed: frozenset[str]
    longest_mark: int

    def explains(self, request: DressedRow) -> bool:
        """Whether this request is made of nothing but the shape and the row's allowed values."""
        params, fields = request.params, request.row.fields
        marks = [params[where] for where in self.marks]
        pool = [*self.texts, *marks, *[json_of(fields[column]) for column in self.columns]]
        if b"".join(map(pool.__getitem__, self.order)) != params:
            return False
        longest, allowed = self.longest_mark, self.allowed
        said = b" ".join(marks).decode("utf-8", "replace").lower()
        for column, value in fields.items():
            if SHORTEST_VALUE <= len(value) <= longest and column not in allowed:
                if value.lower() in said:
                    return False
                if len(value) * 2 <= longest and value.encode("utf-8", "replace").hex() in said:
                    return False
        return True


def shape_of(moment: BeforeSubmit, allowed: Sequence[str]) -> Shape | None:
    """The shape of the requests of this moment, or None when they have none."""
    if not moment.rows:
        return None
    one, other = _probe(moment, allowed, "a"), _probe(moment, allowed, "b")
    slots = one[1::2]
    if slots != other[1::2]:
        return None
    pieces: list[bytes | tuple[bytes, bytes] | int] = []
    for place, (left, right) in enumerate(zip(one, other, strict=True)):
        if place % 2:
            pieces.append(int(left))
            continue
        pieces_here = _compared(left, right)
        if pieces_here is None:
            return None
        pieces += pieces_here
    return _laid_out(pieces, allowed)


def _probe(moment: BeforeSubmit, allowed: Sequence[str], sign: str) -> list[bytes]:
    """Text, number of an allowed column, text, and so on, of a made-up row's request."""
    first = moment.rows[0]
    moment.dress(first)
    fields = dict.fromkeys(first.fields, "") | {
        column: f"\x7f{number}:{sign}\x7f"
        for number, column in enumerate(allowed)
        if column in first.fields
    }
    return _TOKEN.split(moment.dress(replace(first, fields=fields)).params)


def _compared(left: bytes, right: bytes) -> list[bytes | tuple[bytes, bytes] | int] | None:
    """What two texts have in common, and pairs of words where they differ."""
    if left == right:
        return [left]
    if len(left) != len(right):
        return None
    pieces: list[bytes | tuple[bytes, bytes] | int] = []
    end = 0
    for word in _WORD.finditer(left):
        start, stop = word.span()
        if word[0] == right[start:stop]:
            continue
        if stop - start > LONGEST_MARK or left[end:start] != right[end:start]:
            return None
        pieces += left[end:start], (word[0], right[start:stop])
        end = stop
    return [*pieces, left[end:]] if left[end:] == right[end:] else None


def _laid_out(
    pieces: Sequence[bytes | tuple[bytes, bytes] | int], allowed: Sequence[str]
) -> Shape | None:
    texts = tuple(piece for piece in pieces if isinstance(piece, bytes))
    used = tuple(dict.fromkeys(piece for piece in pieces if isinstance(piece, int)))
    known = tuple(dict.fromkeys(piece for piece in pieces if isinstance(piece, tuple)))
    marks = [_place_of(mark, pieces) for mark in known]
    order, text = [], iter(range(len(texts)))
    for piece in pieces:
        match piece:
            case bytes():
                order.append(next(text))
            case tuple():
                order.append(len(texts) + known.index(piece))
            case column:
                order.append(len(texts) + len(known) + used.index(column))
    found = tuple(where for where in marks if where is not None)
    if len(found) < len(marks):
        return None
    columns = tuple(allowed[number] for number in used)
    longest = max((len(mark) for mark, _ in known), default=0)
    return Shape(tuple(order), texts, found, columns, frozenset(allowed), longest)


def _place_of(
    mark: tuple[bytes, bytes], pieces: Sequence[bytes | tuple[bytes, bytes] | int]
) -> slice | None:
    """Where a mark stands, if no value stands between it and one end of the request."""
    size = len(mark[0])
    start = _length(pieces[: pieces.index(mark)])
    if start is not None:
        return slice(start, start + size)
    backwards = pieces[::-1]
    stop = _length(backwards[: backwards.index(mark)])
    return slice(-stop - size, -stop) if stop else None


def _length(pieces: Sequence[bytes | tuple[bytes, bytes] | int]) -> int | None:
    """Bytes of these pieces, or None when a value is among them."""
    size = 0
    for piece in pieces:
        if isinstance(piece, int):
            return None
        size += len(piece if isinstance(piece, bytes) else piece[0])
    return size
