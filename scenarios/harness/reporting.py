"""`gameday report` and `gameday history`: reports that were written earlier, looked at again."""

from __future__ import annotations

import sys
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path

from reports import Assignment, Format, GameDayReport, ReportError, load, render
from reports.compare import compare
from reports.compare_faces import COMPARISONS
from reports.gaps import unmatched
from reports.history import Past, Unread, render_history
from reports.kills import KillMatrix, load_kills
from reports.untrusted import shown, told
from scenarios.harness.errors import UsageError
from scenarios.harness.output import FILES, write_whole

REGRESSION = 1
OWNERS = 'Write, for instance: ["fault Stall"] owner = "net-team", due = 2027-01-31, in lines.'
LISTED, NAME = 10, 100
"""Names that are told, and characters of each."""
LARGEST_REPORT = 512 * 2**20
"""Bytes. A report of 200 drills has about 4 MB; a larger file is another one."""


def rendered(
    file: Path, form: str, kills: Path | None, owners: Path | None, out: Path | None
) -> GameDayReport:
    """Write a report in another format to stdout or a file, and return it.

    Raises:
        UsageError: there is no such format, or a file cannot be read or written.
    """
    if form not in {known.value for known in Format}:
        known = ", ".join(known.value for known in Format)
        raise UsageError(f"There is no format {form!r}.", fix=f"The formats are: {known}.")
    report = read_report(file)
    if kills is not None:
        report = replace(report, kills=read_kills(kills))
    if owners is not None:
        report = replace(report, assignments=read_owners(owners))
    put(render(report, Format(form)), out, file)
    tell_unmatched(report, owners)
    return report


def compared(file: Path, against: Path, form: str, out: Path | None, *, strict: bool) -> int:
    """Write what changed between two reports; the exit code, 1 for a regression if `strict`.

    Raises:
        UsageError: as above.
    """
    if form not in COMPARISONS:
        known = ", ".join(COMPARISONS)
        raise UsageError(f"A comparison has no format {form!r}.", fix=f"The formats are: {known}.")
    comparison = compare(read_report(against), read_report(file))
    put(COMPARISONS[form](comparison), out, file, against)
    return REGRESSION if strict and comparison.regressions else 0


def history(folder: Path, out: Path) -> tuple[int, int]:
    """Write a page over all reports below a folder; how many were read, and how many not.

    Raises:
        UsageError: there is no such folder, or no report in it, or the page cannot be written.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder.", fix="Name one with reports of earlier runs.")
    files = sorted(folder.rglob(FILES[Format.JSON]))
    past: list[Past] = []
    unread: list[Unread] = []
    for file in files:
        name = str(file.relative_to(folder).parent)
        try:
            past.append(Past(name, read_report(file)))
        except UsageError as error:
            unread.append(Unread(name, error.what))
    if not past:
        raise UsageError(
            f"There is no report in {folder}.",
            fix=f"Keep the {FILES[Format.JSON]} of each run in a folder of its own there.",
        )
    put(render_history(past, unread), out, *files)
    return len(past), len(unread)


def read_report(file: Path) -> GameDayReport:
    """The report of a file, judged again.

    Raises:
        UsageError: it cannot be read, or is none that this version of gameday trusts.
    """
    try:
        return load(_text(file, "report"))
    except ReportError as error:
        raise _complaint(file, error) from None


def read_kills(file: Path) -> KillMatrix:
    """The kill matrix of a file.

    Raises:
        UsageError: it cannot be read, or is none.
    """
    try:
        return load_kills(_text(file, "kill matrix"))
    except ReportError as error:
        raise _complaint(file, error) from None


def read_owners(file: Path) -> tuple[Assignment, ...]:
    """Who closes which gap, and by when: a TOML file with a table for each gap.

    Raises:
        UsageError: it cannot be read, or a table of it holds something else.
    """
    try:
        tables = tomllib.loads(_text(file, "file of owners"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is no TOML: {error}.", fix=OWNERS) from None
    return tuple(_assignment(file, gap, said) for gap, said in tables.items())


def _assignment(file: Path, gap: str, said: object) -> Assignment:
    if not isinstance(said, dict) or not said.keys() <= {"owner", "due"}:
        raise UsageError(f"{file}: {gap!r} is no table of owner and due.", fix=OWNERS)
    owner, due = said.get("owner", ""), said.get("due", "")
    if not isinstance(owner, str) or not (due == "" or type(due) is date):
        raise UsageError(f"{file}: {gap!r} names no owner as text, or no day.", fix=OWNERS)
    return Assignment(gap, owner, str(due))


def tell_unmatched(report: GameDayReport, owners: Path | None) -> None:
    """Say on stderr which names of a file of owners are those of no gap. That is no error: a gap
    may be closed by now."""
    names = unmatched(report)
    if owners is not None and names:
        listed = ", ".join(shown(name, NAME) for name in names[:LISTED])
        more = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
        says = f"{owners} names what is no gap here (closed by now, or misspelt): {listed}{more}"
        sys.stderr.write(told(f"gameday: note: {says}") + "\n")


def put(text: str, out: Path | None, *inputs: Path) -> None:
    """Write to stdout, or whole to a file that is none of the inputs.

    Raises:
        UsageError: it is one of them, or cannot be written.
    """
    if out is None:
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.flush()
        return
    if out.exists() and any(out.samefile(given) for given in inputs):
        raise UsageError(f"{out} is the report itself.", fix="Give the name of another file.")
    write_whole(out, text)


def _text(file: Path, what: str) -> str:
    try:
        if file.stat().st_size > LARGEST_REPORT:
            raise UsageError(f"The {what} {file} has more than 512 MiB.", fix="Check it.")
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"The {what} {file} cannot be read: {why}.", fix="Check it.") from None


def _complaint(file: Path, error: ReportError) -> UsageError:
    place = f" At {error.where}." if error.where else ""
    return UsageError(f"{file}: {error.what}{place}", fix=error.fix)
