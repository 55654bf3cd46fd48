"""The user's rows and the requests they are dressed as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from controls.core.errors import ControlError


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the user's data; the unit that must never be lost."""

    ordinal: int
    """Position in the job, from 0. The integer key of everything we store about the row."""
    key: str
    """What identifies the row in the system of record."""
    fields: Mapping[str, str]
    """Column name to value. Untrusted text."""


class DressedRow(msgspec.Struct, frozen=True, gc=False):
    """A row dressed for the API. A struct, as a hundred thousand of them are made at a time."""

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


def check_rows(job: str, rows: Sequence[Row]) -> None:
    """Refuse rows of which one could be lost or written twice.

    Raises:
        ControlError: there are none, they are not numbered 0, 1, 2, …, a key occurs twice, or is
            one that databases refuse.
    """
    if not rows:
        raise ControlError(f"The job {job!r} has no rows.", fix="Give it at least one.")
    for place, row in enumerate(rows):
        if row.ordinal != place:
            raise ControlError(
                f"Row {place:,} of the job {job!r} has the ordinal {row.ordinal}.",
                fix="Number the rows 0, 1, 2, … in order.",
            )
        if not row.key.isascii() or "\0" in row.key:
            _check_key(job, row)
    if len({row.key for row in rows}) < len(rows):
        [(twice, _)] = Counter(row.key for row in rows).most_common(1)
        raise ControlError(
            f"Two rows of the job {job!r} have the key {twice[:60]!r}.",
            fix="Name a column that is unique in rows.key.",
        )


def _check_key(job: str, row: Row) -> None:
    try:
        row.key.encode()
    except UnicodeEncodeError:
        fits = False
    else:
        fits = "\0" not in row.key
    if not fits:
        raise ControlError(
            f"The key {row.key[:60]!r} of row {row.ordinal:,} of the job {job!r} cannot be stored: "
            "it has a NUL or half a character.",
            fix="Mend the key; databases refuse such text.",
        )
