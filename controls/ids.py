"""The custom_id namespace and the binding of an answer to its row.

`custom_id`s are `TEAM-JOB-ORDINAL` in at most 64 characters of `[a-zA-Z0-9_-]`: the API refuses
the colons of the usual recipe. The ordinal makes the id reversible without a search; what it
stands for was written to the ledger before the call.

The binding protects from answers on the wrong row and from answers that left the task: each
request carries a short reference made from its id and content, and asks for it back. An answer
with another row's reference is `wrong_row`; one without any is `off_task`.

Weakness: a model that obeys an injected instruction and still copies the reference passes; the
canary's eval set and label distribution are the neighbours that can notice it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import msgspec

from controls.core.answer import Accepted, Answer, Quarantined, Verdict
from controls.core.rows import Row

REFERENCE_FIELD = "ref"
"""The property in which an answer gives the reference back."""

_UNSAFE = re.compile(r"[^a-zA-Z0-9_]+")
_ORDINAL = re.compile(r"0|[1-9][0-9]{0,11}", re.ASCII).fullmatch


@lru_cache(maxsize=256)
def slug(text: str, length: int) -> str:
    """`text` as a part of a `custom_id`, without the dash that separates the parts.

    What had to be changed begins with an underscore and ends with a digest, so that two
    different names never become one.
    """
    clean = _UNSAFE.sub("_", text).strip("_")
    if clean == text and len(clean) <= length:
        return clean
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"_{clean[: length - 10]}_{digest}"


@dataclass(frozen=True, slots=True)
class Namespace:
    """The `custom_id`s of one job. Total length at most 20 + 1 + 28 + 1 + 12 = 62."""

    team: str
    job: str
    prefix: str = field(init=False)
    """What all ids of this job begin with."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "prefix", f"{slug(self.team, 20)}-{slug(self.job, 28)}-")

    def custom_id(self, ordinal: int) -> str:
        """The id of the row with this ordinal."""
        return f"{self.prefix}{ordinal}"

    def ordinal(self, custom_id: str) -> int | None:
        """The ordinal behind an id, or None when it is not one of this job's ids."""
        digits = custom_id.removeprefix(self.prefix)
        if digits == custom_id or not _ORDINAL(digits):
            return None
        return int(digits)


def keyed_digest(secret: bytes, custom_id: str, content: str) -> str:
    """SHA-256 of the job's secret, a row's id and its content, in hexadecimal digits.

    The fence and the binding of a row ask for it one after the other, with the same objects: the
    last one is remembered, and known again without looking at a character of it.
    """
    last_secret, last_id, last_content, digest = _LAST[0]
    if last_content is content and last_id is custom_id and last_secret == secret:
        return digest
    text = f"{custom_id}/{content}".encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(b"%s/%s" % (secret, text)).hexdigest()
    _LAST[0] = (secret, custom_id, content, digest)
    return digest


_LAST: list[tuple[bytes, str, str, str]] = [(b"", "", "", hashlib.sha256(b"//").hexdigest())]


class Identity(Protocol):
    """How an answer finds its row again."""

    def reference(self, secret: bytes, custom_id: str, content: str) -> str:
        """What the answer must echo, or nothing."""
        ...

    def request_echo(self, reference: str) -> str:
        """What the prompt says about it, or nothing."""
        ...

    def examine(self, answer: Answer) -> Verdict:
        """Whether this answer belongs to the row that it came back for."""
        ...

    def row_of(self, sent: Row) -> Row:
        """The row that an answer is taken to be about; `sent` was sent under its id."""
        ...


class _Echo(msgspec.Struct):
    ref: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_ECHO = msgspec.json.Decoder(_Echo)


@dataclass(frozen=True, slots=True)
class RowBinding:
    """Binds each answer to its row by a reference of ten hexadecimal digits (40 bits)."""

    def reference(self, secret: bytes, custom_id: str, content: str) -> str:
        """Ten hexadecimal digits from the job's secret, the id and the content."""
        return keyed_digest(secret, custom_id, content)[:10]

    def request_echo(self, reference: str) -> str:
        """The sentence that closes the user message."""
        return f'\n\nCopy "{reference}" into the field "{REFERENCE_FIELD}" of your answer.'

    def examine(self, answer: Answer) -> Verdict:
        """Accept an answer that echoes its own reference; leave what is no object to others."""
        try:
            echo = _ECHO.decode(answer.text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return Accepted(answer.value)
        if echo.ref is msgspec.UNSET:
            return Quarantined("off_task", f"the answer does not echo {REFERENCE_FIELD!r}")
        if bytes(echo.ref) == f'"{answer.reference}"'.encode():
            return Accepted(answer.value)
        given = bytes(echo.ref)[:24].decode("utf-8", "replace")
        return Quarantined("wrong_row", f"the answer echoes {given}, not {answer.reference!r}")

    def row_of(self, sent: Row) -> Row:
        """By the ledger: the row that was sent under this id."""
        return sent
