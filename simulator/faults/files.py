"""Faults of a download as a whole: the ends of its lines, its two ends, and where it breaks off."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import ClassVar

from simulator.errors import SimulatorError
from simulator.faults.fault import Fault
from simulator.faults.seams import Line, ResultsFault, Rows
from simulator.wire import WHOLE, Cut

BYTE_ORDER_MARK = "\ufeff".encode()


class FileFault(ResultsFault):
    """The base of this file: `change` is done to all lines."""

    __slots__ = ()

    unit: ClassVar[str] = "downloads"

    def bend(self, lines: list[Line], rows: Rows, dice: Random) -> list[str]:
        """Change the file, if the dice say so; it is counted once for each download."""
        del rows
        if not lines or dice.random() >= self.share:
            return []
        first = lines[0].custom_id
        self.change(lines)
        return [first]

    def change(self, lines: list[Line]) -> None:
        """Edit the lines in place."""
        raise NotImplementedError


class CrlfLines(FileFault):
    r"""The lines end with `\r\n`.

    Contract 15, incident 3: the official client fails where the pair straddles two of its
    64-byte pieces.
    """

    __slots__ = ()

    def change(self, lines: list[Line]) -> None:
        """Another end."""
        for line in lines:
            line.end = b"\r\n"


class NoFinalNewline(FileFault):
    """The last line has no end.

    Contract 7.3: fine for the official client; a reader that waits for the end of the line
    loses the last row.
    """

    __slots__ = ()

    def change(self, lines: list[Line]) -> None:
        """No end."""
        lines[-1].end = b""


class ByteOrderMark(FileFault):
    """The file begins with a byte order mark.

    Contract 7.3: the official client accepts it; others fail at the first line.
    """

    __slots__ = ()

    def change(self, lines: list[Line]) -> None:
        """Three bytes before the first line."""
        lines[0].change(lambda line: BYTE_ORDER_MARK + line)


@dataclass(frozen=True, slots=True)
class BrokenOff(FileFault):
    """The base of downloads that stop after a share of their lines."""

    after_share: float = 0.5
    times: int | None = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        if not 0 <= self.after_share < 1:
            raise SimulatorError(
                f"{self.name}: after_share={self.after_share} leaves nothing out.",
                fix="Use 0 or more, and less than 1.",
            )

    def change(self, lines: list[Line]) -> None:
        """Leave out the rest."""
        del lines[int(len(lines) * self.after_share) :]


class TruncatedAtLine(BrokenOff):
    """The file ends too early, at the end of a line, and nothing says so.

    Contract 7.3: no chunks, no length, and the connection is closed; the official client
    iterates to the end without an error. Only counting the rows shows it.
    """

    __slots__ = ()

    cut: ClassVar[Cut | None] = Cut("closed", after_bytes=WHOLE)


class HalfALine(BrokenOff):
    """The base of downloads that stop in the middle of a line."""

    __slots__ = ()

    def change(self, lines: list[Line]) -> None:
        """Leave out the rest, and half of the line before it."""
        del lines[int(len(lines) * self.after_share) + 1 :]
        lines[-1].change(lambda line: line[: len(line) // 2])
        lines[-1].end = b""


class TruncatedMidLine(HalfALine):
    """The file ends in the middle of a line, the connection being closed.

    Contract 7.3: the official client dies of a `JSONDecodeError` after the rows before it.
    """

    __slots__ = ()

    cut: ClassVar[Cut | None] = Cut("closed", after_bytes=WHOLE)


class AbortedDownload(HalfALine):
    """The connection is closed in the middle of the chunked body.

    Contract 15, incident 26: `RemoteProtocolError`, which is no exception of the official
    client's own, and is not tried again.
    """

    __slots__ = ()

    cut: ClassVar[Cut | None] = Cut("aborted", after_bytes=WHOLE)


class ShortOfItsLength(HalfALine):
    """The reply tells how long it is, and the connection is closed before so much has come.

    Contract 7.3: `RemoteProtocolError`, which is no exception of the official client's own.
    """

    __slots__ = ()

    cut: ClassVar[Cut | None] = Cut("aborted", after_bytes=WHOLE, stated=True)
