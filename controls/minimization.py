"""Data minimization: no value of a column that is not allowed leaves the house.

Protects from columns that ride along: the check looks at the assembled request body of every
row on every run, not at the template once. A column rides along when the body changes without it,
in whatever encoding: what an allowed field or the template says is no leak.

A request made of the job's `Shape` and the row's allowed values is in order. Any other is dressed
again without the columns in question. Where requests do not follow their rows at all (they were
made beforehand), the values are searched for in every encoding that `form_of` knows.

Weakness: what stands in an allowed field is allowed, also if it was copied there from another
column. Neighbours: `SensitiveText` looks into allowed text; `check_job_type` refuses a template
that names a forbidden column outright.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from controls.core.decision import Decision, Halt, Proceed
from controls.core.dressing import GAP
from controls.core.moment import BeforeSubmit, Moment
from controls.core.rows import DressedRow, Row
from controls.encodings import SHORTEST_VALUE, form_of
from controls.shape import json_of, shape_of


@dataclass(frozen=True, slots=True)
class FieldAllowlist:
    """Only the values of these columns may appear in a request."""

    allowed: tuple[str, ...]

    def decide(self, moment: Moment, /) -> Decision:
        """Halt when any request carries a value of another column."""
        if not isinstance(moment, BeforeSubmit):
            return Proceed()
        dress, shape = moment.dress, shape_of(moment, self.allowed)
        found: dict[str, list[Row]] = {}
        for row in moment.rows:
            request = dress(row)
            if shape is None or not shape.explains(request):
                for column in self.riding_along(request, moment):
                    found.setdefault(column, []).append(row)
        if not found:
            return Proceed()
        columns = "; ".join(
            f"{column!r} in {len(rows):,} of {len(moment.rows):,} requests, "
            f"first row {shown(rows[0].key)}{_form(rows[0].fields[column], dress(rows[0]))}"
            for column, rows in sorted(found.items())
        )
        return Halt(f"values of columns that are not allowed stand in the requests: {columns}")

    def riding_along(self, request: DressedRow, moment: BeforeSubmit) -> list[str]:
        """The forbidden columns that this request carries because the row has them: without
        the value, the request would be another."""
        row, params = request.row, request.params
        suspects = [name for name, value in row.fields.items() if value and not self._allows(name)]
        if not suspects:
            return []
        if moment.dress(_without(row, suspects)).params != params:
            guilty = [
                column
                for column in suspects
                if moment.dress(_without(row, [column])).params != params
            ]
            return guilty or suspects
        allowed = [value for name, value in row.fields.items() if value and self._allows(name)]
        if not allowed or moment.dress(_without(row, row.fields)).params != params:
            return []
        rest = _beyond(params, moment.template, allowed)
        return [column for column in suspects if form_of(row.fields[column], rest)]

    def _allows(self, column: str) -> bool:
        return column in self.allowed


def shown(key: str) -> str:
    """A row's key for a report: one line, of bounded length."""
    return key[:60] if key.isprintable() else repr(key[:60])


def _form(value: str, request: DressedRow) -> str:
    """How a value stands in a request, where it does not stand there as it is."""
    if json_of(value) in request.params:
        return ""
    form = form_of(value, request.params.decode())
    return f" (as {form})" if form else " (in an unknown encoding)"


def _beyond(params: bytes, template: bytes, allowed: Iterable[str]) -> str:
    """What a request says besides the template and the allowed values."""
    pieces = [*template.split(GAP.encode()), *map(json_of, allowed)]
    for piece in sorted(pieces, key=len, reverse=True):
        if len(piece) >= SHORTEST_VALUE:
            params = params.replace(piece, GAP.encode())
    return params.decode()


def _without(row: Row, columns: Iterable[str]) -> Row:
    """The same row with nothing in these columns."""
    return replace(row, fields={**row.fields, **dict.fromkeys(columns, "")})
