"""`journal.jsonl`: what a game day did, line by line, readable even after a SIGKILL.

Each line is a JSON object that ends with the SHA-256 of the line before it and its own content,
byte for byte. That shows where a line was edited, deleted or moved. It does not stop somebody
who rewrites the whole file with new hashes: to guard against that, keep `last_hash` elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from hashlib import file_digest, sha256
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from reports.codec import encode
from reports.errors import ReportError

DIGEST = "report_sha256"
"""The field of the last event that names the report."""
OPENED, FINISHED = "opened", "finished"
RESERVED = frozenset({OPENED, FINISHED})
JOURNAL_VERSION = "1.0"

GENESIS = "0" * 64
"""What the first line is chained to."""

SEALED_LINE = re.compile(rb'(?P<content>\{.*),"hash":"(?P<hash>[0-9a-f]{64})"\}', re.DOTALL)


class Journal:
    """Writes one event per line and flushes it. One journal, one writer, one file; no clock.

    The first line carries the header. Leaving the `with` block in peace writes `finished`;
    leaving it by an error, or not at all, leaves a journal that says it was not finished.
    A journal is never overwritten: `path` must not exist.
    """

    def __init__(self, path: Path, /, **header: object) -> None:
        self.path = path
        opening = encode({"journal_version": JOURNAL_VERSION, **header})
        self._file: BinaryIO = _create(path)
        self._previous = GENESIS
        self._number = 0
        self._append(OPENED, opening)

    @property
    def last_hash(self) -> str:
        """The seal of the last line so far: it stands for all lines up to there."""
        return self._previous

    def write(self, event: str, /, **fields: object) -> None:
        """Append one event; it has left this process when the call returns."""
        if event in RESERVED:
            raise ReportError(
                f"The journal itself writes the event {event!r}.", fix="Choose another name."
            )
        self._append(event, fields)

    def finish(self, **fields: object) -> None:
        """Append the last event and close the file. A second time does nothing."""
        if not self._file.closed:
            self._append(FINISHED, fields)
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
        self._file.close()

    def _append(self, event: str, fields: object) -> None:
        line = {"n": self._number, "event": event, "fields": encode(fields)}
        content = json.dumps(line, separators=(",", ":")).encode("ascii")[:-1]
        self._previous = _seal(self._previous, content)
        self._number += 1
        self._file.write(b'%s,"hash":"%s"}\n' % (content, self._previous.encode("ascii")))
        self._file.flush()


@dataclass(frozen=True, slots=True)
class JournalState:
    """How far a journal can be trusted."""

    events: int = 0
    """Intact lines from the start, the header included."""
    finished: bool = False
    """The last intact line says so, and no line after it."""
    torn_tail: bool = False
    """The last line breaks off: the writer was killed, nobody tampered."""
    bad_line: int | None = None
    """The first line, counted from 1, that does not follow from the one before."""
    why: str = ""
    """What is wrong with that line; empty if all lines are intact."""
    last_hash: str = GENESIS
    """The seal of the last intact line."""
    last_event: str = ""
    """What the last intact line tells of, e.g. `finished`. Text from the file: untrusted."""
    last_fields: Mapping[str, object] = field(default_factory=dict)
    """What it says of that. Untrusted."""

    @property
    def intact(self) -> bool:
        """No line was edited, deleted or moved; the end may still be missing."""
        return self.bad_line is None


def verify_journal(path: Path) -> JournalState:
    """Follow the chain from the first line to the first that breaks it, or to the end."""
    state = JournalState()
    for line in _lines(path):
        if not line.endswith(b"\n"):
            return replace(state, torn_tail=True)
        if why := _problem(line[:-1], state):
            return replace(state, finished=False, bad_line=state.events + 1, why=why)
        state = JournalState(
            events=state.events + 1,
            finished=_event(line) == FINISHED,
            last_hash=_split(line[:-1])[1],
            last_event=str(_event(line)),
            last_fields=_fields(line),
        )
    return state


class Beside(Enum):
    """What became of the report that a journal names."""

    UNNAMED = "unnamed"
    """The journal does not end with the digest of a report."""
    MATCHES = "matches"
    CHANGED = "changed"
    """It is not what the run wrote, byte for byte."""
    ABSENT = "absent"


def report_beside(state: JournalState, report: Path) -> Beside:
    """Whether the report of a finished run still is what its journal says.

    Raises:
        ReportError: it is there and cannot be read.
    """
    digest = state.last_fields.get(DIGEST)
    if not state.finished or not isinstance(digest, str):
        return Beside.UNNAMED
    try:
        with report.open("rb") as file:
            same = file_digest(file, "sha256").hexdigest() == digest
    except FileNotFoundError:
        return Beside.ABSENT
    except OSError as error:
        raise ReportError(
            f"The report {report} cannot be read: {error.strerror}.", fix="Check the file."
        ) from None
    return Beside.MATCHES if same else Beside.CHANGED


def _problem(line: bytes, state: JournalState) -> str:
    """Why this line cannot follow the ones that were read so far; empty if it can."""
    content, hash_ = _split(line)
    if state.finished:
        return "it stands after the end of the journal"
    if not content:
        return "it is not a line of a journal, or it was edited"
    if _seal(state.last_hash, content) == hash_:
        return "" if state.events or _event(line) == OPENED else "it is not the header"
    number = _number(line)
    if number is not None and number != state.events:
        return f"it is event {number} in the place of {state.events}: lines were deleted or moved"
    return "it, or the line before it, was edited"


def _seal(previous: str, content: bytes) -> str:
    return sha256(previous.encode("ascii") + content).hexdigest()


def _split(line: bytes) -> tuple[bytes, str]:
    """The content of a line and its seal; empty content if it has no seal."""
    match = SEALED_LINE.fullmatch(line)
    return (match["content"], match["hash"].decode("ascii")) if match else (b"", "")


def _event(line: bytes) -> object:
    return _decoded(line).get("event")


def _fields(line: bytes) -> Mapping[str, object]:
    fields = _decoded(line).get("fields")
    return fields if isinstance(fields, dict) else {}


def _number(line: bytes) -> int | None:
    number = _decoded(line).get("n")
    return number if isinstance(number, int) else None


def _decoded(line: bytes) -> dict[str, object]:
    try:
        decoded = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _create(path: Path) -> BinaryIO:
    try:
        return path.open("xb")
    except FileExistsError:
        raise ReportError(
            f"There is already a journal in {path}.",
            fix="Move it away or choose another folder; a journal is never overwritten.",
        ) from None
    except OSError as error:
        raise ReportError(
            f"The journal {path} cannot be written: {error.strerror}.",
            fix="Choose a folder that exists and is yours.",
        ) from None


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise ReportError(
            f"The journal {path} cannot be read: {error.strerror}.",
            fix="Give the path of a journal.jsonl.",
        ) from None
