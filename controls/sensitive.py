"""Sensitive text: what may be in an allowed column and still may not be sent.

Protects from card numbers, account numbers, keys and contact data that people type into free text.
What is found is replaced by a mark such as `[email]` when the row is dressed, so counting, sending
and every later look see the mark only. Rows with something to `refuse` are kept back whole, and go
to quarantine with the reason `sensitive:card`; or the job halts, if its type says so.

Weakness: it knows forms, not meanings; see `controls.secrets`. A mark may change what the text
says. Neighbours: `FieldAllowlist` keeps whole columns at home; `Canary` notices if redaction has
harmed the answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from controls.core.decision import Decision, Halt, Proceed, Withhold
from controls.core.moment import BeforeSubmit, Moment
from controls.core.rows import Row
from controls.minimization import shown
from controls.policy import JobType, Template
from controls.secrets import APART, DETECTORS, Action, sensitive

DEFAULTS: Mapping[str, Action] = {detector.name: detector.action for detector in DETECTORS}
"""What happens to the finds of each detector unless a job type says otherwise."""
LOOKED_AT_ONCE = 16
"""Rows. One look at many short texts is cheaper than many looks; where there is a find in one row
of a group, all of it are looked at again."""
NAMED_ROWS = 5
"""How many rows a report names one by one."""


class Scrubbing(Protocol):
    """Takes out of a value what may not be sent, when its row is dressed."""

    def scrub(self, text: str) -> str:
        """The text as it may be sent; the same object if nothing was wrong with it."""
        ...


@dataclass(frozen=True, slots=True)
class KeepText:
    """Changes nothing. The neutral member."""

    def scrub(self, text: str) -> str:
        """The text as it is."""
        return text


class Finding(NamedTuple):
    """One kind of sensitive text in one value."""

    row: Row
    column: str
    name: str
    """Of the detector."""
    action: Action


@dataclass(frozen=True, slots=True)
class SensitiveText:
    """Refuses or redacts by form; see `DETECTORS` for the forms and their defaults."""

    actions: Mapping[str, Action] = field(default_factory=dict)
    """By detector, where it differs from the table."""
    halt: bool = False
    """Whether a row with something to refuse stops the job, or only stays at home."""

    @classmethod
    def of(cls, job_type: JobType) -> SensitiveText:
        """What a job type states."""
        return cls(job_type.rows.sensitive, job_type.rows.on_sensitive == "halt")

    def decide(self, moment: Moment, /) -> Decision:
        """Withhold the rows with something to refuse; name what was redacted in the rest."""
        if not isinstance(moment, BeforeSubmit):
            return Proceed()
        columns = tuple(dict.fromkeys(Template(moment.job_type.prompt.template).fields()))
        findings = [
            Finding(row, column, name, self.action(name))
            for row in _suspects(moment.rows, columns)
            for column in columns
            for name in dict.fromkeys(hit.name for hit in sensitive(row.fields[column]))
        ]
        refused = [finding for finding in findings if finding.action == "refuse"]
        redacted = [finding for finding in findings if finding.action == "redact"]
        said = [told("refused", refused), told("redacted", redacted)]
        why = "; ".join(filter(None, said))
        if not refused:
            return Proceed(why)
        if self.halt:
            return Halt(why)
        reasons = {finding.row.ordinal: f"sensitive:{finding.name}" for finding in refused[::-1]}
        return Withhold(tuple(sorted(reasons.items())), why)

    def scrub(self, text: str) -> str:
        """The text with a mark in place of all that is not allowed; refused or redacted alike.

        What was redacted away may have stood between two halves of something else, so it is
        looked at again until there is nothing left.
        """
        while hits := [hit for hit in sensitive(text) if self.action(hit.name) != "allow"]:
            for start, end, name in reversed(hits):
                text = f"{text[:start]}[{name}]{text[end:]}"
        return text

    def action(self, name: str) -> Action:
        """What happens to the finds of a detector."""
        return self.actions.get(name) or DEFAULTS[name]


def _suspects(rows: Sequence[Row], columns: Sequence[str]) -> Iterator[Row]:
    """The rows that stand where something was found, at the first look at many together."""
    for start in range(0, len(rows), LOOKED_AT_ONCE):
        group = rows[start : start + LOOKED_AT_ONCE]
        if sensitive(APART.join([row.fields[column] for row in group for column in columns])):
            yield from group


def told(verb: str, findings: list[Finding]) -> str:
    """What happened to which rows, by number from 1, key and column; never what stood there."""
    if not findings:
        return ""
    rows = {finding.row.ordinal: finding.row for finding in findings}
    named = [
        f"{finding.name} in {finding.column!r} of row {finding.row.ordinal + 1:,} "
        f"({shown(finding.row.key)})"
        for finding in findings[:NAMED_ROWS]
    ]
    more = len(findings) - len(named)
    tail = f" and {more:,} more" if more else ""
    return f"{verb} in {len(rows):,} rows: {', '.join(named)}{tail}"
