"""The report folder: made before anything runs, filled without ever leaving half a file."""

from __future__ import annotations

from pathlib import Path

from reports import Format, GameDayReport, render
from scenarios.harness.errors import UsageError

FILES = {
    Format.HTML: "report.html",
    Format.JSON: "report.json",
    Format.JUNIT: "junit.xml",
}
JOURNAL = "journal.jsonl"


def open_folder(folder: Path) -> Path:
    """The folder, made and found writable; what a former run left there is removed.

    Raises:
        UsageError: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".gameday-probe"
        probe.write_bytes(b"")
        probe.unlink()
        for name in (JOURNAL, *FILES.values()):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"The output folder {folder} cannot be written: {error.strerror}.",
            fix="Choose another with --out DIR.",
        ) from None
    return folder


def remove_reports(folder: Path) -> None:
    """No report in the folder, whole or draft: the run that it would speak of did not end."""
    for name in FILES.values():
        (folder / name).unlink(missing_ok=True)
        draft_of(folder / name).unlink(missing_ok=True)


def write_reports(report: GameDayReport, folder: Path) -> Path:
    """Every format into the folder, each whole or not at all; the path of the HTML report."""
    for form, name in FILES.items():
        write_whole(folder / name, render(report, form))
    return folder / FILES[Format.HTML]


def draft_of(path: Path) -> Path:
    """Where a file is written before it is moved to its place."""
    return path.with_name(f".{path.name}.draft")


def write_whole(path: Path, text: str) -> None:
    """Write a file beside its place and move it there.

    Raises:
        UsageError: it cannot be written.
    """
    draft = draft_of(path)
    try:
        draft.write_bytes(text.encode("utf-8", "backslashreplace"))
        draft.replace(path)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", fix="Choose another place."
        ) from None
