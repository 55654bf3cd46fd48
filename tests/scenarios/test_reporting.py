"""`gameday report` and `gameday history`, from their files to their exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reports import Assignment, Format, load, render
from reports.kills import Fate, render_kills
from scenarios.harness.commands import app
from scenarios.harness.errors import UsageError
from scenarios.harness.reporting import compared, history, read_owners, read_report, rendered
from tests.builders_reports import (
    COVERAGE,
    a_drill,
    a_failed_drill,
    a_full_report,
    a_matrix,
    a_report,
)


def written(path: Path, *drills: object, **changes: object) -> Path:
    """A report.json in a folder of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    report = a_report(*drills, **changes)  # type: ignore[arg-type]
    path.write_text(render(report, Format.JSON), "utf-8")
    return path


@pytest.mark.parametrize("form", Format)
def test_a_report_is_rendered_later_in_every_format(form: Format, tmp_path: Path) -> None:
    """From its file alone, the same as at the time."""
    source, out = tmp_path / "report.json", tmp_path / "out"
    source.write_text(render(a_full_report(), Format.JSON), "utf-8")

    rendered(source, form.value, None, None, out)

    assert render(a_full_report(), form) == out.read_text("utf-8")


def test_a_kill_matrix_and_owners_can_be_added_later(tmp_path: Path) -> None:
    """They become part of the report."""
    kills, owners, out = (tmp_path / name for name in ("kills.json", "owners.toml", "out.json"))
    kills.write_text(render_kills(a_matrix(Fate.SURVIVED)), "utf-8")
    owners.write_text('["fault Stall"]\nowner = "net-team"\ndue = 2027-01-31\n', "utf-8")

    rendered(written(tmp_path / "report.json"), "json", kills, owners, out)
    report = load(out.read_text("utf-8"))

    assert a_matrix(Fate.SURVIVED) == report.kills
    assert (Assignment("fault Stall", "net-team", "2027-01-31"),) == report.assignments


def test_names_of_owners_that_are_no_gap_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr, in one line that no terminal obeys; nothing if each name is a gap."""
    owners, source = tmp_path / "owners.toml", written(tmp_path / "report.json", a_failed_drill())
    gap = f'["drill {a_failed_drill().name}"]\nowner = "me"\n'
    owners.write_text(gap, "utf-8")
    rendered(source, "json", None, owners, tmp_path / "out.json")
    silent = capsys.readouterr().err
    others = "".join(f'["fault {number}"]\nowner = "me"\n' for number in range(10))
    owners.write_text(f'{gap}["a\\u001b[1m"]\nowner = "me"\n{others}', "utf-8")
    rendered(source, "json", None, owners, tmp_path / "out.json")
    told = capsys.readouterr().err

    assert "" == silent
    assert told.startswith(f"gameday: note: {owners} names what is no gap here")
    assert "misspelt): a\\x1b[1m, fault 0, fault 1, " in told
    assert told.endswith("fault 8 and 1 more\n")
    assert 1 == told.count("\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not toml", "is no TOML"),
        ('x = "y"', "is no table"),
        ("[x]\nwho = 1", "is no table"),
        ("[x]\nowner = 1", "names no owner"),
        ('[x]\ndue = "soon"', "names no owner as text, or no day"),
    ],
)
def test_owners_that_are_none_are_refused(text: str, says: str, tmp_path: Path) -> None:
    """A date in words is no date."""
    path = tmp_path / "owners.toml"
    path.write_text(text, "utf-8")

    with pytest.raises(UsageError, match=says):
        read_owners(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "This is not JSON"),
        (b"\xff\xfe", "it is not UTF-8"),
        (b"[]", "Expected an object"),
        (b"{}", "This is not a report of gameday"),
        (b'{"schema_version": "1.1"}', "this gameday reads 2.0"),
        (b'{"schema_version": "3.0"}', "this gameday reads 2.0"),
        (b'{"results": {"tool": {"name": "other"}}}', "This is not a report of gameday"),
        (b"[" * 100_000, "nested too deep"),
    ],
)
def test_a_foreign_old_newer_or_torn_file_is_one_line(
    content: bytes, says: str, tmp_path: Path
) -> None:
    """What it is, and what to do."""
    path = tmp_path / "report.json"
    path.write_bytes(content)

    with pytest.raises(UsageError, match=says) as caught:
        read_report(path)
    assert str(caught.value).isprintable()
    assert caught.value.fix


def test_a_regression_is_exit_code_1_only_when_asked(tmp_path: Path) -> None:
    """Otherwise the comparison is told, and that is all."""
    old = written(tmp_path / "old.json", a_drill())
    new = written(tmp_path / "new.json", a_failed_drill(name=a_drill().name))
    out = tmp_path / "out.txt"

    assert compared(new, old, "text", out, strict=False) == 0
    assert compared(new, old, "text", out, strict=True) == 1
    assert compared(old, new, "text", out, strict=True) == 0
    assert compared(old, old, "json", out, strict=True) == 0
    assert json.loads(out.read_text("utf-8"))["changes"] == []


def test_the_command_compares(tmp_path: Path) -> None:
    """As it is typed."""
    old = written(tmp_path / "old.json", coverage=COVERAGE)
    new = written(tmp_path / "new.json", coverage=replace(COVERAGE, cells=()))
    typed = ["report", str(new), "--against", str(old), "--out", str(tmp_path / "out")]

    with pytest.raises(SystemExit) as quiet:
        app(typed)
    with pytest.raises(SystemExit) as strict:
        app([*typed, "--fail-on-regression"])

    assert (0, 1) == (quiet.value.code, strict.value.code)
    assert "fault Stall: covered -> in no passed drill" in (tmp_path / "out").read_text("utf-8")


def test_a_folder_of_reports_has_a_page(tmp_path: Path) -> None:
    """What is no report is named there; a folder without any is refused."""
    folder = tmp_path / "runs"
    for day in ("01", "02"):
        written(folder / day / "report.json")
    (folder / "report.json").write_text("{}", "utf-8")

    assert (2, 1) == history(folder, tmp_path / "history.html")
    assert "This is not a report" in (tmp_path / "history.html").read_text("utf-8")
    with pytest.raises(UsageError, match="There is no report in"):
        history(written(tmp_path / "other" / "x.json").parent, tmp_path / "history.html")
    with pytest.raises(UsageError, match="is no folder"):
        history(tmp_path / "nowhere", tmp_path / "history.html")


def test_a_format_that_a_comparison_has_not_is_refused(tmp_path: Path) -> None:
    """With those that it has."""
    old = written(tmp_path / "old.json")

    with pytest.raises(UsageError, match="has no format 'junit'"):
        compared(old, old, "junit", None, strict=False)
    with pytest.raises(UsageError, match="is the report itself"):
        compared(old, old, "text", old, strict=False)
