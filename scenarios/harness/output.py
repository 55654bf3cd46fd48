"""The report folder: made before anything runs, filled without ever leaving half a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from reports import Format, GameDayReport, render
from reports.kills import KillMatrix, render_kills, render_kills_text
from scenarios.harness.errors import UsageError

FILES = {
    Format.HTML: "report.html",
    Format.JSON: "report.json",
    Format.JUNIT: "junit.xml",
    Format.CTRF: "ctrf.json",
    Format.MARKDOWN: "summary.md",
}
"""What a run writes; the other formats are made from `report.json` when they are asked for."""
JOURNAL = "journal.jsonl"


MARKS = {
    FILES[Format.HTML]: b"game day report</title>",
    FILES[Format.JSON]: b'"schema_version"',
    FILES[Format.JUNIT]: b'<testsuites name="gameday"',
    FILES[Format.CTRF]: b'"generatedBy": "gameday"',
    FILES[Format.MARKDOWN]: b"<!-- gameday report -->",
    JOURNAL: b'{"n":0,"event":"opened"',
}
"""What stands near the top of each file that we wrote, and hardly in another of that name."""
MATRIX, MATRIX_TEXT = "kill-matrix.json", "kill-matrix.txt"
MATRIX_MARKS = {MATRIX: b'"killed"', MATRIX_TEXT: b"Kill matrix: "}
"""The same for the files of `gameday prove`."""
NEAR_THE_TOP = 2**16


def open_folder(
    folder: Path, inputs: Sequence[Path] = (), marks: Mapping[str, bytes] = MARKS
) -> Path:
    """The folder, made and found writable; what a former run of this sort left there is removed.

    Raises:
        UsageError: it cannot be made or written, or a file there that has the name of one of
            ours is not ours, or is one of the `inputs` of this run.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".gameday-probe"
        probe.write_bytes(b"")
        probe.unlink()
        former = [path for name in marks if (path := folder / name).exists()]
        for path in former:
            _check_ours(path, inputs, marks[path.name])
        for path in former:
            path.unlink()
        for name in marks:
            draft_of(folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"The output folder {folder} cannot be written: {error.strerror}.",
            fix="Choose another with --out DIR.",
        ) from None
    return folder


def _check_ours(path: Path, inputs: Sequence[Path], mark: bytes) -> None:
    """Refuse to put a report in the place of anything but a report."""
    if any(given.exists() and path.samefile(given) for given in inputs):
        why = "is an input of this run"
    else:
        with path.open("rb") as file:
            top = file.read(NEAR_THE_TOP)
        if not top or mark in top:
            return
        why = "is not a report of gameday"
    raise UsageError(
        f"{path} would be replaced, and {why}.", fix="Move it, or choose another --out DIR."
    )


def beside() -> str:
    """The names of what lies beside the HTML report."""
    return ", ".join([*(name for form, name in FILES.items() if form is not Format.HTML), JOURNAL])


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


def write_matrix(matrix: KillMatrix, folder: Path) -> Path:
    """The kill matrix into the folder, as JSON and as text; the path of the JSON."""
    write_whole(folder / MATRIX_TEXT, render_kills_text(matrix))
    write_whole(folder / MATRIX, render_kills(matrix))
    return folder / MATRIX


def draft_of(path: Path) -> Path:
    """Where a file is written before it is moved to its place."""
    return path.with_name(f".{path.name}.draft")


def write_whole(path: Path, text: str) -> None:
    """Write a file beside its place and move it there.

    Raises:
        UsageError: it cannot be written.
    """
    if not path.name or path.is_dir():
        raise UsageError(f"{path} is a folder.", fix="Give the name of a file.")
    draft = draft_of(path)
    try:
        draft.write_bytes(text.encode("utf-8", "backslashreplace"))
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", fix="Choose another place."
        ) from None
