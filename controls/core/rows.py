"""The user's rows and the requests they are dressed as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the user's data; the unit that must never be lost."""

    ordinal: int
    """Position in the job, from 0. The integer key of everything we store about the row."""
    key: str
    """What identifies the row in the system of record."""
    fields: Mapping[str, str]
    """Column name to value. Untrusted text."""


@dataclass(frozen=True, slots=True)
class DressedRow:
    """A row dressed for the API."""

    row: Row
    custom_id: str
    reference: str
    """What the answer must echo; empty without row binding."""
    params: bytes
    """The JSON of `params`, exactly as it will be sent."""

    @property
    def body(self) -> bytes:
        """The JSON of this request as an item of `requests`."""
        return b'{"custom_id":"%s","params":%s}' % (self.custom_id.encode(), self.params)
