"""`report.json`: the file that every other format can be made from again.

The overall verdict, the counts and the scorecard stand at the top for readers such as `jq`; `load`
counts and judges again, and refuses a file that says something else. `reports.schema` publishes
the form. Hidden characters are written as JSON escapes, everything else as UTF-8. A high and a low
surrogate side by side mean one character in JSON, and come back as that.
"""

from __future__ import annotations

import json
from typing import Any, cast

from reports.codec import CAUSE, Json, decode, encode, wrong
from reports.consistency import FIX, check
from reports.errors import ReportError
from reports.model import SCHEMA_VERSION, GameDayReport, Verdict
from reports.scorecard import scorecard
from reports.untrusted import is_hidden


def render_json(report: GameDayReport) -> str:
    """The report as JSON, the same bytes for the same report."""
    head: dict[str, Json] = {"schema_version": SCHEMA_VERSION}
    body = cast("dict[str, Json]", encode(report))
    text = json.dumps(head | _summary(report) | body, indent=2, ensure_ascii=False, allow_nan=False)
    return "\n".join(map(_escape_hidden, text.split("\n"))) + "\n"


def load(text: str) -> GameDayReport:
    """The report that a `report.json` holds, judged again.

    Raises:
        ReportError: it is no report, or it does not follow from its own content.
    """
    report, summary = read(text)
    check(report)
    for key, value in _summary(report).items():
        if summary.get(key) != value:
            raise ReportError(
                f"The {key} at the top does not follow from the drills: expected "
                f"{json.dumps(value)}.",
                where=key,
                fix=FIX,
            )
    return report


def read(text: str) -> tuple[GameDayReport, dict[str, Any]]:
    """The report as the file states it, and the summary at its top; nothing is believed yet."""
    document = _parse(text)
    if not isinstance(document, dict):
        raise wrong("an object", document, "the top of the file")
    _check_version(document)
    summary = {key: document.pop(key, None) for key in ("verdict", "counts", "scorecard")}
    del document["schema_version"]
    report = decode(GameDayReport, document, "")
    assert isinstance(report, GameDayReport)
    return report, summary


def _summary(report: GameDayReport) -> dict[str, Json]:
    return {
        "verdict": report.verdict.name,
        "counts": {verdict.name: report.count(verdict) for verdict in Verdict},
        "scorecard": encode(scorecard(report)),
    }


def _parse(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_doubles)
    except json.JSONDecodeError as error:
        raise ReportError(
            f"This is not JSON: {error.msg}.",
            where=f"line {error.lineno}, column {error.colno}",
            fix=CAUSE,
        ) from None
    except (RecursionError, ValueError):
        raise ReportError(
            "This is not a report: it is nested too deep or holds a number without end.", fix=CAUSE
        ) from None


def _refuse_constant(name: str) -> None:
    raise ReportError(f"{name} is not a number that JSON knows.", fix=CAUSE)


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Readers differ in which of two equal keys they take, so one verdict could hide another."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ReportError(f"The key {key!a:.60} stands there twice.", fix=CAUSE)
        found[key] = value
    return found


def _check_version(document: dict[str, Any]) -> None:
    version = document.get("schema_version")
    if not isinstance(version, str):
        raise ReportError("This is not a report of gameday.", where="schema_version", fix=CAUSE)
    if version.split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        raise ReportError(
            f"The report has schema {version[:20]!a}; this gameday reads {SCHEMA_VERSION}.",
            where="schema_version",
            fix="Use the gameday that wrote it, or run the drills again.",
        )


def _escape_hidden(line: str) -> str:
    if line.isprintable() and line.isascii():
        return line
    return "".join(json.dumps(c)[1:-1] if is_hidden(c) else c for c in line)
