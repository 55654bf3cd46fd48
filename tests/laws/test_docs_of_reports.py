"""Law: what docs/reports.md and docs/ci.md say is true."""

from __future__ import annotations

import re
import shlex

import pytest

from reports import Format
from reports.schema import FILE, NAME
from scenarios.harness.output import FILES
from tests.command import HOME, gameday

REPORTS, CI = ((HOME / "docs" / name).read_text("utf-8") for name in ("reports.md", "ci.md"))


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
