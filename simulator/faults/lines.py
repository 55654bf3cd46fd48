"""Faults of the lines of a download: each says what is done to the bytes of some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar, Final

import msgspec

from simulator.errors import SimulatorError
from simulator.faults.fault import Fault
from simulator.faults.results_file import TargetedFault, check_count
from simulator.faults.seams import Line, Rows

Spoiler = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class LineFault(TargetedFault):
    """The base of this file: `count` lines, or those of the `custom_ids`, are spoiled."""

    count: int = 1

    what: ClassVar[str] = "spoiled"
    answers_only: ClassVar[bool] = False
    """Whether it needs the text of an answer in the line."""

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        check_count(self.name, self.count)

    def bend(self, lines: list[Line], rows: Rows, dice: Random) -> list[str]:
        """Spoil some lines."""
        able = self.able(lines)
        if self.answers_only:
            able = [line for line in able if rows[line.row].sent_text]
        count = len(able) if self.custom_ids else min(self.count, len(able))
        if not able or dice.random() >= self.share:
            return []
        chosen = [able[place] for place in dice.sample(range(len(able)), count)]
        for turn, line in enumerate(chosen):
            line.change(self.spoiler(turn))
        return [line.custom_id for line in chosen]

    def spoiler(self, turn: int) -> Spoiler:
        """What is done to the line that is spoiled as number `turn`, from 0."""
        raise NotImplementedError

    def planned(self) -> str:
        """What it would strike."""
        return f"{self.count} {self.what} line{'s' * (self.count != 1)} in each results file"


@dataclass(frozen=True, slots=True)
class BrokenLines(LineFault):
    """Some lines of the file are no JSON: cut short, garbled, or blank.

    Contract 15, incident 2: the official client dies on the first one and leaves the
    response open.
    """

    what: ClassVar[str] = "broken"

    def spoiler(self, turn: int) -> Spoiler:
        """In turn: cut, garbled, blank."""
        return _BROKEN[turn % len(_BROKEN)]


_BROKEN: Final[Sequence[Spoiler]] = (
    lambda line: line[: len(line) // 2],
    lambda line: line.replace(b'"result":{', b'"result":{{', 1),
    lambda _: b"",
)


@dataclass(frozen=True, slots=True)
class BlankLine(LineFault):
    """A blank line stands after a line that is whole.

    Contract 7.3: the official client dies of a `JSONDecodeError`; incident 2 of contract 15.
    """

    what: ClassVar[str] = "blank"

    def spoiler(self, turn: int) -> Spoiler:
        """The line, and an empty one after it."""
        del turn
        return lambda line: line + b"\n"


@dataclass(frozen=True, slots=True)
class UnknownResultType(LineFault):
    """A row has a `result.type` that nobody knows.

    Contract 7.3: the official client takes it without a word, attributes missing.
    """

    type: str = "deferred"

    what: ClassVar[str] = "unheard-of"

    def spoiler(self, turn: int) -> Spoiler:
        """That type, and nothing beside it."""
        del turn
        return in_json(lambda row: row.update(result={"type": self.type}))


@dataclass(frozen=True, slots=True)
class InvalidUtf8(LineFault):
    """A line has a byte that is no UTF-8.

    Contract 7.3: the official client dies of a `UnicodeDecodeError`.
    """

    what: ClassVar[str] = "undecodable"

    def spoiler(self, turn: int) -> Spoiler:
        """One byte, within the last string of the line."""
        del turn
        return spliced(b"\xff")


@dataclass(frozen=True, slots=True)
class LineSeparatorsInside(LineFault):
    """An answer has U+2028, U+2029 and U+0085 in it, unescaped, as JSON allows.

    Contract 7.3: splitting at `\\n` is right; `str.splitlines()` tears the line apart.
    """

    what: ClassVar[str] = "oddly spaced"
    answers_only: ClassVar[bool] = True

    def spoiler(self, turn: int) -> Spoiler:
        """The three, at the end of the first text."""
        del turn
        return in_text(lambda text: text + "\u2028\u2029\u0085")


@dataclass(frozen=True, slots=True)
class HugeRow(LineFault):
    """One answer is so long that its line does not fit into any buffer of a fixed size.

    Contract 15, catalogue of results. `size_bytes` is what it has more than the others.
    """

    size_bytes: int = 2**20

    what: ClassVar[str] = "huge"
    answers_only: ClassVar[bool] = True

    def __post_init__(self) -> None:
        LineFault.__post_init__(self)
        if not 1 <= self.size_bytes <= 2**28:
            raise SimulatorError(
                f"HugeRow: size_bytes={self.size_bytes}.", fix="Use 1 to 2**28 (256 MiB)."
            )

    def spoiler(self, turn: int) -> Spoiler:
        """More of it."""
        del turn
        return in_text(lambda text: text + "x" * self.size_bytes)


@dataclass(frozen=True, slots=True)
class ShapeVariations(LineFault):
    """Rows lack the keys that are optional, or have them as null.

    Contract 15, incident 18, and 7.2: `container` and `diagnostics` of a message, `details`
    and `request_id` of an error.
    """

    count: int = 1_000

    what: ClassVar[str] = "sparse"

    def spoiler(self, turn: int) -> Spoiler:
        """In turn: without the keys, and with null in them."""
        absent = turn % 2 == 0
        return in_json(lambda row: _vary(row["result"], absent=absent))


_OPTIONAL: Final = ("container", "diagnostics", "stop_details", "details", "request_id")


def _vary(result: dict[str, Any], *, absent: bool) -> None:
    envelope = result.get("error", {})
    for document in (result.get("message", {}), envelope, envelope.get("error", {})):
        for key in document.keys() & set(_OPTIONAL):
            if absent:
                del document[key]
            else:
                document[key] = None


def in_json(change: Callable[[dict[str, Any]], None]) -> Spoiler:
    """An edit of the row, as one of its line; a line that is no JSON any more is left alone."""

    def spoil(line: bytes) -> bytes:
        try:
            row = msgspec.json.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return line
        change(row)
        return msgspec.json.encode(row)

    return spoil


def in_text(change: Callable[[str], str]) -> Spoiler:
    """An edit of the first text of an answer, as one of its line."""

    def edit(row: dict[str, Any]) -> None:
        content = row["result"].get("message", {}).get("content", ())
        block = next((block for block in content if block.get("text")), None)
        if block is not None:
            block["text"] = change(block["text"])

    return in_json(edit)


def spliced(stray: bytes) -> Spoiler:
    """The line with something before the quote that ends its last string."""

    def spoil(line: bytes) -> bytes:
        place = line.rfind(b'"')
        return line[:place] + stray + line[place:]

    return spoil
