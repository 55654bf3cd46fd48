"""Law: what docs/reports.md and docs/ci.md say is true."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from reports import Format
from reports.schema import FILE, NAME
from scenarios.harness.output import FILES
from tests.command import HOME, gameday

REPORTS, CI = ((HOME / "docs" / name).read_text("utf-8") for name in ("reports.md", "ci.md"))


def commands_of(text: str) -> list[list[str]]:
    """What a reader types, without the name of the program."""
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    lines = [line.removeprefix("$ gameday ") for block in blocks for line in block.splitlines()]
    return [shlex.split(line) for line in lines]


def test_the_commands_succeed_in_order(tmp_path: Path) -> None:
    """Those of the page on reports; then the comparison of the page on CI, on their files."""
    for arguments in commands_of(REPORTS):
        done = gameday(*arguments, cwd=tmp_path)
        assert 0 == done.returncode, f"{arguments}: {done.stderr}"
    (tmp_path / "runs/01").rename(tmp_path / "main")
    (tmp_path / "runs/02").rename(tmp_path / "gameday-report")
    (compared,) = commands_of(CI)
    assert gameday(*compared, cwd=tmp_path).returncode == 0


def test_the_workflow_has_ten_lines_and_runs_a_command_that_exists() -> None:
    """As it is promised."""
    workflow = re.findall(r"```yaml\n(.*?)```", CI, re.DOTALL)[0].rstrip("\n")

    assert 10 == len(workflow.split("\n"))
    command = workflow.rpartition("gameday run ")[2]
    assert gameday("run", *shlex.split(command), "--help").returncode == 0


@pytest.mark.parametrize("form", Format)
def test_every_format_is_in_the_table(form: Format) -> None:
    """With the file that a run writes, if it writes one."""
    file = f"`{FILES[form]}`" if form in FILES else ""

    assert re.search(rf"\| `{form.value}` \| {file} ?\|", REPORTS)


def test_the_schema_is_where_it_is_said_to_be() -> None:
    """By path and by name."""
    assert f"`{FILE.relative_to(HOME).as_posix()}`" in REPORTS
    assert f"`{NAME}`" in REPORTS
