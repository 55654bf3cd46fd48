"""Drills as pytest items, behind `gameday_pytest.py`: one item per drill, green when it passed.

A `conftest.py` that says `gameday_drills = [...]` is collected as if it were a test file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from reports import DrillReport, Verdict
from reports.errors import ReportError
from reports.text import drill_lines
from reports.untrusted import shown
from scenarios.harness.arms import CalmRuns, applies, run_drill
from scenarios.harness.discovery import select
from scenarios.harness.drill import Drill
from scenarios.harness.errors import UsageError
from scenarios.harness.game import open_game

ALL = "all"
"""In the place of a name: every drill that ships and is not slow."""
DAY = pytest.StashKey[CalmRuns]()
INSTEAD = "Write for example gameday_drills = ['all'], names of drills, or patterns of .py files."


class DrillNotPassedError(Exception):
    """The drill was run, and is not green."""

    def __init__(self, report: DrillReport) -> None:
        super().__init__(report.because)
        self.report = report


class Drills(pytest.File):
    """The drills that one `conftest.py` asks for."""

    asked_for: object = ()

    def collect(self) -> Iterator[pytest.Item]:
        """An item for each drill, in the order in which they were asked for."""
        try:
            chosen = self._chosen()
        except UsageError as error:
            raise self.CollectError(shown(str(error))) from None
        for drill in chosen:
            item = DrillItem.from_parent(self, name=drill.name)
            item.drill = drill
            item.add_marker(pytest.mark.gameday)
            yield item

    def _chosen(self) -> Sequence[Drill]:
        asked = self.asked_for
        if not isinstance(asked, (list, tuple)) or not all(isinstance(one, str) for one in asked):
            raise UsageError(f"gameday_drills is {shown(repr(asked), 60)}.", fix=INSTEAD)
        names = [name for one in asked for name in self._names(one)]
        if not names:
            raise UsageError("gameday_drills asks for no drill.", fix=INSTEAD)
        return select(names)

    def _names(self, asked: str) -> list[str]:
        """The names and files that one word stands for; files are sought beside the conftest."""
        if asked == ALL:
            return [drill.name for drill in select([])]
        if not asked.endswith(".py"):
            return [asked]
        files = sorted(self.path.parent.glob(asked))
        if not files:
            raise UsageError(
                f"There is no drill file {shown(asked)} in {self.path.parent}.",
                fix="Check the pattern.",
            )
        return [os.path.relpath(file, self.config.invocation_params.dir) for file in files]


class DrillItem(pytest.Item):
    """One drill in its three arms."""

    drill: Drill

    def runtest(self) -> None:
        """Run it; only a PASS is green. One that cannot be run on these rows is skipped."""
        day = self._day()
        if not_applicable := applies(self.drill, day.game):
            pytest.skip(f"not applicable: {shown(not_applicable.why)}")
        report = run_drill(self.drill, day.game, day)
        self.user_properties += [("verdict", report.verdict.name), ("replay", report.replay)]
        if report.verdict is not Verdict.PASS:
            raise DrillNotPassedError(report)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What the command would print about this drill, instead of a traceback."""
        problem = excinfo.value
        if isinstance(problem, DrillNotPassedError):
            return "\n".join(drill_lines(problem.report))
        if isinstance(problem, (UsageError, ReportError)) or hasattr(problem, "fix"):
            return f"gameday: {shown(str(problem))}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it was asked for."""
        return self.path, None, f"drill {self.name}"

    def _day(self) -> CalmRuns:
        """The rows, the job and the seed, opened once; equal calm days are played once."""
        stash = self.config.stash
        if DAY not in stash:
            rows, job = (self._file(name) for name in ("gameday_rows", "gameday_job"))
            seed = self.config.getini("gameday_seed")
            if not str(seed).isdecimal():
                raise UsageError(f"gameday_seed = {shown(str(seed))} is no number.", fix="Mend it.")
            stash[DAY] = CalmRuns(open_game(rows, job, int(seed)))
        return stash[DAY]

    def _file(self, option: str) -> Path | None:
        """A file that an option names, from the folder of the configuration."""
        given = str(self.config.getini(option))
        if not given:
            return None
        home = self.config.inipath.parent if self.config.inipath else self.config.rootpath
        return Path(os.path.relpath(home / given, self.config.invocation_params.dir))
