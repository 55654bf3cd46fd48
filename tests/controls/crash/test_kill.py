"""Workers that are processes, killed with SIGKILL, and workers that share a job."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from simulator import PollClock
from simulator.server import Server
from tests.controls.crash.judging import complaints
from tests.controls.crash.plots import PLOTS
from tests.controls.crash.scene import Scene
from tests.controls.crash.steps import Cut, Mode

HOME = Path(__file__).parents[3]
PLOT = PLOTS[0]
NEVER = Cut(0, Mode.BEFORE)
KILLED = -signal.SIGKILL


class Theatre:
    """A served scene on files, and the processes that work on it."""

    def __init__(self, scene: Scene, folder: Path, url: str) -> None:
        self.scene, self._folder, self._url = scene, folder, url

    def start(self, cut: Cut = NEVER) -> subprocess.Popen[str]:
        """Another worker."""
        arguments = (PLOT.name, str(self._folder), self._url, str(cut.step), cut.mode.value)
        return subprocess.Popen(
            [sys.executable, "-m", "tests.controls.crash.process", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=HOME,
        )


@pytest.fixture
def theatre(tmp_path: Path) -> Iterator[Theatre]:
    """The service on a socket, with a clock that moves when it is looked at."""
    scene = Scene(PLOT, tmp_path, PollClock(polls=2))
    with Server(scene.api) as server:
        yield Theatre(scene, tmp_path, server.url)
    scene.store.dispose()
    scene.record.engine.dispose()


@contextmanager
def ended(worker: subprocess.Popen[str]) -> Iterator[tuple[int, str]]:
    """Its exit code and what it said, once it is gone."""
    out, err = worker.communicate(timeout=100)
    assert worker.returncode in {0, KILLED}, err
    yield worker.returncode, out.strip()


def test_a_job_survives_workers_that_are_killed_for_real(theatre: Theatre) -> None:
    """Two processes die by SIGKILL at seeded steps of their lives; the third brings the job to
    its end, and nothing is lost or twice."""
    dice = Random("kill")
    for _ in range(2):
        cut = Cut(dice.randrange(1, 40), dice.choice(list(Mode)))
        with ended(theatre.start(cut)) as (code, _said):
            assert KILLED == code

    with ended(theatre.start()) as last:
        assert (0, "done") == last
    assert [] == complaints(theatre.scene, "done")


def test_two_processes_share_a_job(theatre: Theatre) -> None:
    """Both run it at the same time, both say that it is done, and nothing is twice."""
    for worker in [theatre.start(), theatre.start()]:
        with ended(worker) as said:
            assert (0, "done") == said

    assert [] == complaints(theatre.scene, "done")


def test_a_job_goes_on_when_one_of_two_workers_is_killed(theatre: Theatre) -> None:
    """The other takes over what was left, also a create call of which nobody knows the outcome."""
    mortal, other = theatre.start(Cut(9, Mode.AFTER)), theatre.start()

    with ended(mortal) as (code, _said):
        assert code in {0, KILLED}
    with ended(other) as said:
        assert (0, "done") == said
    assert [] == complaints(theatre.scene, "done")
