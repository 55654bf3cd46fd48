"""Running a stranger's program: every way of not ending well is told, and nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scenarios.harness.pipeline.process import Ending, Pipeline

HOME = Path(__file__).parents[3]
PATIENCE = 20.0


def run(script: str, seconds: float = PATIENCE) -> Ending:
    """How a shell script ended."""
    return Pipeline(["/bin/sh", "-c", script], dict(os.environ)).run(seconds)


def gone(mark: str) -> bool:
    """Whether no process with this word on its command line is left."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        if subprocess.run(["pgrep", "-f", mark], capture_output=True, check=False).returncode:
            return True
        time.sleep(0.02)
    return False


def test_a_program_that_ends_well() -> None:
    """Exit code 0, and its last words."""
    ending = run("echo first; echo last")

    assert (0, "", (), "last") == (ending.code, ending.stopped, ending.left, ending.said)


def test_an_exit_code_comes_with_the_last_line_of_stderr() -> None:
    """That is where programs say why they stopped."""
    ending = run("echo ok; echo 'the ceiling is $2' >&2; exit 3")

    assert (3, "the ceiling is $2") == (ending.code, ending.said)


def test_a_signal_is_named_also_through_a_shell() -> None:
    """A crash is no decision to stop."""
    inner = run("sh -c 'kill -SEGV $$'; exit $?")
    outer = run("kill -KILL $$")

    assert ("SIGSEGV", "SIGKILL") == (inner.signal, outer.signal)


def test_a_program_that_hangs_is_killed_with_its_children() -> None:
    """After its time, not a moment earlier, and its process group with it."""
    ending = run("sleep 98761 & sleep 98761", seconds=0.3)

    assert (None, "hung") == (ending.code, ending.stopped)
    assert gone("sleep 98761")


def test_a_program_that_floods_its_output_is_stopped() -> None:
    """Bounded in memory; long before its time is over."""
    ending = run("yes", seconds=PATIENCE)

    assert "flooded" == ending.stopped
    assert len(ending.said) < 1000


def test_a_daemon_that_was_left_behind_is_found_and_ended() -> None:
    """Although it has a session of its own and its parent is gone."""
    ending = run("setsid sleep 98762 >/dev/null 2>&1 & exit 0")

    assert 0 == ending.code
    assert ["sleep 98762"] == [name for name in ending.left if "98762" in name]
    assert gone("sleep 98762")


def test_a_helper_that_follows_at_once_was_not_left_behind() -> None:
    """A moment is granted."""
    assert () == run("sleep 0.02 & exit 0").left


def test_a_program_that_is_not_there_is_told() -> None:
    """Without a traceback."""
    ending = Pipeline(["/no/such/program"], dict(os.environ)).run(PATIENCE)

    assert "No such file or directory" == ending.refused


def test_it_can_be_killed_from_outside_at_a_moment_of_ones_choice() -> None:
    """For crash points."""
    pipeline = Pipeline(["/bin/sh", "-c", "sleep 98763"], dict(os.environ))
    ending = pipeline.run(PATIENCE, enough=lambda: True)

    assert -signal.SIGKILL == ending.code


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_nothing_outlives_a_harness_that_was_killed() -> None:
    """SIGKILL to us leaves no pipeline behind."""
    script = (
        "import os\n"
        "from scenarios.harness.pipeline.process import Pipeline\n"
        "Pipeline(['/bin/sh', '-c', 'setsid sleep 98764 & echo; sleep 98764'], os.environ).run(60)"
    )
    harness = subprocess.Popen([sys.executable, "-c", script], cwd=HOME)
    while subprocess.run(
        ["pgrep", "-f", "sleep 98764"], capture_output=True, check=False
    ).returncode:
        time.sleep(0.02)
    harness.kill()
    harness.wait()

    assert gone("sleep 98764")
