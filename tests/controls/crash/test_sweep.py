"""Workers that die at every durable step, in every way: nothing is lost, nothing is twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from sqlalchemy.engine import URL

from tests.controls.crash.on_postgres import sweep_on
from tests.controls.crash.plots import PLOTS
from tests.controls.crash.sweep import First, Report, Second

HOME = Path(__file__).parents[3]
KINDS = (
    "api: count tokens",
    "api: create",
    "api: results",
    "api: retrieve",
    "record: promoted",
    "record: rolled back",
    "store: answers",
    "store: approved",
    "store: asked",
    "store: asked again",
    "store: cleared",
    "store: collected",
    "store: collected and halted",
    "store: contradicted",
    "store: created",
    "store: decided",
    "store: ended",
    "store: gave up",
    "store: graded",
    "store: halted",
    "store: intended",
    "store: opened",
    "store: paged",
    "store: passed",
    "store: planned",
    "store: promoted",
    "store: promotion intended",
    "store: resumed",
    "store: rollback intended",
    "store: rolled back",
    "store: waiting for approval",
)
"""Every kind of durable step that the runner makes on its own; listing the batches, failed
creates and cancels come only after a kill, and are second steps."""


def swept(*arguments: str) -> Report:
    """The report of a process of its own: it is copied hundreds of times."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.controls.crash", "--json", *arguments],
        capture_output=True,
        check=False,
        cwd=HOME,
    )
    assert done.stdout, done.stderr.decode()
    return msgspec.json.decode(done.stdout, type=Report)


def test_a_job_survives_a_worker_killed_at_any_kind_of_step() -> None:
    """Before it, in its middle or after it: every row is promoted or quarantined once, by its own
    answer, and paid once; halts and rollbacks hold. Every kind of step occurs. `make kills` kills
    at all steps, and those that recover the job at every kind of step."""
    report = swept("--first", "each", "--second", "none")

    assert [] == report.wrong
    assert [] == report.left_out
    assert list(KINDS) == list(report.steps)
    assert {*KINDS} < {*report.again}


@pytest.mark.postgres
@pytest.mark.parametrize("plot", range(len(PLOTS)))
def test_a_job_on_postgresql_survives_some_kills(plot: int, postgres_server: URL) -> None:
    """One kill of the same sweep; all of it is
    `python -m tests.controls.crash --store postgresql`. Every step of a life without a kill has a
    kind that is known."""
    sweep = sweep_on(postgres_server, PLOTS[plot], First.ONE, Second.NONE, set())

    assert [] == sweep.wrong
    assert {*sweep.steps} <= {*KINDS}
    assert sweep.once


def test_every_plot_has_a_name_of_its_own() -> None:
    """Findings name it."""
    assert len(PLOTS) == len({plot.name for plot in PLOTS})
