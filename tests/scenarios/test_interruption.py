"""What is left when a game day is interrupted, killed, or loses one of its processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reports import Verdict, load, verify_journal
from scenarios.harness.interruption import Interrupted, Interruptions
from scenarios.harness.telling import say_end
from scenarios.harness.workers import Died, Workers

HOME = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds until a condition counts as never coming; nothing here waits that long in peace."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked")

DRILLS = """
import os
import signal
from pathlib import Path

from controls import Requeue
from scenarios import EveryRowAnswered, World, drill
from simulator import hours
from simulator.faults import Stall

FAULT = Stall(after_share=0.5, lasting=hours(25), times=1, spare_batches=1)
declared = drill(
    defends_against="expiry", faults=[FAULT], controls=[Requeue], checks=[EveryRowAnswered()]
)


@declared
def sound(world: World) -> None:
    '''Nothing happens to this one.'''
    world.run(world.rows())


@declared
def struck(world: World) -> None:
    '''Something happens to this one.'''
    {struck}
"""
BLOCKS = """Path("pids", str(os.getpid())).touch()
    while True:
        signal.pause()"""


def wait_until(condition: Callable[[], bool]) -> None:
    """Look until it is so."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, "it never came"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process still runs; one that nobody has buried yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Day:
    """A game day of two drills in a process of its own, and in a folder of its own."""

    def __init__(self, folder: Path, struck: str, workers: int) -> None:
        self.folder = folder
        self.workers = workers
        (folder / "drills.py").write_text(DRILLS.format(struck=struck))
        (folder / "pids").mkdir()
        (folder / "tmp").mkdir()
        arguments = ["run", "drills.py", "--workers", str(workers), "--out", "out"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "scenarios.harness.cli", *arguments],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(HOME), "TMPDIR": str(folder / "tmp")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def blocked(self) -> list[int]:
        """The processes that are in the blocking script, once each worker is."""
        wait_until(lambda: len(list((self.folder / "pids").iterdir())) == self.workers)
        return [int(path.name) for path in (self.folder / "pids").iterdir()]

    def ended(self) -> tuple[int, str]:
        """Exit code and stderr. It ends only when nobody holds the pipes open any more."""
        _, stderr = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, stderr

    def files(self) -> set[str]:
        """What the run left in its report folder."""
        return {path.name for path in (self.folder / "out").iterdir()}


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Callable[..., Day]]:
    """Starts game days, and takes care that none outlives the test."""
    started: list[Day] = []

    def start(struck: str, workers: int = 2) -> Day:
        started.append(Day(tmp_path, struck, workers))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            os.killpg(each.process.pid, signal.SIGKILL)
        each.process.communicate()


@pytest.mark.parametrize(
    ("sign", "code", "to_all", "workers"),
    [
        (signal.SIGINT, 130, False, 1),
        (signal.SIGINT, 130, True, 2),
        (signal.SIGTERM, 143, False, 2),
        (signal.SIGTERM, 143, True, 1),
    ],
    ids=["SIGINT-to the parent-1", "to the group-2", "SIGTERM-to the parent-2", "to the group-1"],
)
def test_an_interrupted_day_says_so_and_leaves_nothing_behind(
    sign: signal.Signals, code: int, day: Callable[..., Day], *, to_all: bool, workers: int
) -> None:
    """One line, an event in an unbroken journal, no report, no process, no temporary file."""
    running = day(BLOCKS, workers)
    pids = running.blocked()
    (os.killpg if to_all else os.kill)(running.process.pid, sign)
    exit_code, stderr = running.ended()

    assert code == exit_code, stderr
    last = stderr.splitlines()[-1]
    assert last.startswith("gameday: interrupted after ")
    assert last.endswith(" of 2 drills; journal: out/journal.jsonl")
    assert "Traceback" not in stderr
    assert not [pid for pid in pids if is_alive(pid)]
    assert {"journal.jsonl"} == running.files()
    assert [] == list((running.folder / "tmp").iterdir())
    journal = running.folder / "out" / "journal.jsonl"
    state = verify_journal(journal)
    assert (True, False, False) == (state.intact, state.finished, state.torn_tail)
    event = json.loads(journal.read_text().splitlines()[-1])
    assert "interrupted" == event["event"]
    assert (sign.name, 2) == (event["fields"]["signal"], event["fields"]["planned"])
    assert f"was interrupted by {sign.name} after " in say_end(state)


def test_workers_end_with_a_parent_that_was_killed(day: Callable[..., Day]) -> None:
    """Nobody told them; they hold no pipe open, and the folder serves the next run."""
    running = day(BLOCKS)
    pids = running.blocked()
    running.process.kill()
    exit_code, _ = running.ended()

    assert -signal.SIGKILL == exit_code
    wait_until(lambda: not any(map(is_alive, pids)))
    assert [] == list((running.folder / "tmp").iterdir())
    state = verify_journal(running.folder / "out" / "journal.jsonl")
    assert (True, False) == (state.intact, state.finished)


@pytest.mark.parametrize(
    ("deed", "how"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "was ended by SIGKILL"),
        ("os._exit(3)", "ended with exit code 3"),
    ],
)
def test_a_worker_that_dies_costs_its_own_drill_only(
    deed: str, how: str, day: Callable[..., Day]
) -> None:
    """It is an ERROR with a reason; the other drill passes."""
    script = f"world.run(world.rows())\n    if world.arm.value == 'bare':\n        {deed}"
    running = day(script)
    exit_code, stderr = running.ended()
    report = load((running.folder / "out" / "report.json").read_text("utf-8"))
    sound, struck = report.drills

    assert 4 == exit_code, stderr
    assert Verdict.PASS is sound.verdict, sound.because
    assert Verdict.ERROR is struck.verdict
    assert f"the harness broke: the process that ran the bare arm {how}" == struck.because


def test_every_worker_may_die_and_every_task_is_answered_for() -> None:
    """A new process takes the place of each that died."""

    def work(task: int) -> int:
        if task % 2:
            os._exit(task)
        return 10 * task

    found = dict(Workers(work, 2).results(range(6)))

    assert {n: Died(f"ended with exit code {n}") for n in (1, 3, 5)} == {
        task: result for task, result in found.items() if task % 2
    }
    assert {0: 0, 2: 20, 4: 40} == {task: result for task, result in found.items() if not task % 2}


def test_a_signal_waits_until_it_is_welcome() -> None:
    """What must be whole is whole; the first signal counts, and the old handler comes back."""
    before = signal.getsignal(signal.SIGTERM)
    done = []
    with Interruptions() as interruptions:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        done.append("a whole line")
        with pytest.raises(Interrupted) as stop, interruptions.welcome():
            done.append("never")

    assert (["a whole line"], 143) == (done, stop.value.exit_code)
    assert before is signal.getsignal(signal.SIGTERM)
