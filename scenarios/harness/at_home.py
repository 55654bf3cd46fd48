"""Rows that the job type itself keeps at home are no part of a game day.

A row with a card number in its text is withheld by the guardrails on the best of days. A day on
which it is missing from the record would be called bad, and the harness would be the one who is
wrong. That secrets stay at home is a drill of its own, with secrets planted into clean rows; which
rows are not clean, because something of them is redacted, is found out here once.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from controls import JobType, Row, SensitiveText
from controls.minimization import shown
from controls.policy import Template
from controls.secrets import sensitive
from scenarios.harness.errors import UsageError
from scenarios.harness.rows import RowSet


def sendable(rowset: RowSet, job_type: JobType, path: Path) -> RowSet:
    """The rows that may be sent, counted anew from 0, with the others named in `source`.

    Raises:
        UsageError: the job type stops at such a row, or there is no other.
    """
    control, columns = SensitiveText.of(job_type), _columns(job_type)
    refused: dict[str, str] = {}
    redacted: set[str] = set()
    for row in rowset.rows:
        for name in _finds(row, columns):
            match control.action(name):
                case "refuse":
                    refused.setdefault(row.key, name)
                case "redact":
                    redacted.add(row.key)
    if refused:
        rowset = _without(refused, rowset, job_type, path)
    return replace(rowset, redacted=frozenset(redacted - refused.keys()))


def _columns(job_type: JobType) -> tuple[str, ...]:
    return tuple(dict.fromkeys(Template(job_type.prompt.template).fields()))


def _finds(row: Row, columns: tuple[str, ...]) -> list[str]:
    """The detectors that find something in what the prompt takes of a row."""
    return [hit.name for column in columns for hit in sensitive(row.fields[column])]


def _without(refused: dict[str, str], rowset: RowSet, job_type: JobType, path: Path) -> RowSet:
    key, name = next(iter(refused.items()))
    says = f"{len(refused):,} of {len(rowset.rows):,} rows hold what the job type refuses to send"
    first = f"first {name} in row {shown(key)}"
    if job_type.rows.on_sensitive == "halt" or len(refused) == len(rowset.rows):
        why = "it stops the job then" if len(refused) < len(rowset.rows) else "none is left"
        raise UsageError(
            f"In {path}: {says}, and {why}; {first}.",
            fix="Take them out, or let the job type decide otherwise: in [rows], on_sensitive = "
            f'"quarantine"; in [rows.sensitive], {name} = "redact".',
        )
    kept = (row for row in rowset.rows if row.key not in refused)
    rows = tuple(replace(row, ordinal=ordinal) for ordinal, row in enumerate(kept))
    return replace(rowset, source=f"{rowset.source}; {says} and stay at home, {first}", rows=rows)
