"""Data minimization: no value of a column that is not allowed leaves the house.

Protects from columns that ride along: the check looks at the assembled request body of every
row on every run, not at the template once. A value that stands in the body counts as riding
along when the body changes without it: what an allowed field or the template says is no leak.

Weakness: values shorter than four characters are too common to search for, and a value that was
re-encoded on the way is not recognised. A secret inside an allowed free-text field is allowed.
Neighbour: `check_job_type` refuses a template that names a forbidden column outright.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from controls.core.decision import Decision, Halt, Proceed
from controls.core.dressing import GAP
from controls.core.moment import BeforeSubmit, Moment
from controls.core.rows import DressedRow, Row

SHORTEST_VALUE = 4
"""Shorter values (`1`, `US`) occur everywhere by chance."""


@dataclass(frozen=True, slots=True)
class FieldAllowlist:
    """Only the values of these columns may appear in a request."""

    allowed: tuple[str, ...]

    def decide(self, moment: Moment, /) -> Decision:
        """Halt when any request carries a value of another column."""
        if not isinstance(moment, BeforeSubmit):
            return Proceed()
        found: dict[str, list[str]] = {}
        for row in moment.rows:
            for column in self.riding_along(moment.dress(row), moment):
                found.setdefault(column, []).append(row.key)
        if not found:
            return Proceed()
        columns = "; ".join(
            f"{column!r} in {len(keys):,} of {len(moment.rows):,} requests, first row {keys[0]}"
            for column, keys in sorted(found.items())
        )
        return Halt(f"values of columns that are not allowed stand in the requests: {columns}")

    def riding_along(self, request: DressedRow, moment: BeforeSubmit) -> list[str]:
        """The forbidden columns whose value this request carries because the row has it: without
        the value, the request would be another."""
        params, allowed = request.params, self.allowed
        hits = [
            column
            for column, value in request.row.fields.items()
            if len(value) >= SHORTEST_VALUE
            and column not in allowed
            and (needle := _json(value)) in params
            and _beyond(needle, params, moment.template)
        ]
        if not hits or moment.dress(_without(request.row, hits)).params == params:
            return []
        return [
            column
            for column in hits
            if moment.dress(_without(request.row, [column])).params != params
        ]


def _beyond(needle: bytes, params: bytes, template: bytes) -> bool:
    """Whether the request holds a value more often than the text that all requests share.

    The template has a mark in every gap, so a value counts there only where it stands whole: one
    that fills a gap always adds to the count.
    """
    return GAP.encode() in needle or params.count(needle) != template.count(needle)


def _json(value: str) -> bytes:
    """The value as it stands inside a JSON string."""
    if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
        return value.encode()
    return msgspec.json.encode(value.encode("utf-8", "replace").decode())[1:-1]


def _without(row: Row, columns: Iterable[str]) -> Row:
    """The same row with nothing in these columns."""
    return replace(row, fields={**row.fields, **dict.fromkeys(columns, "")})
