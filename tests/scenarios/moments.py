"""A real `gameday run` is hit by a signal at a random moment, and what it leaves is looked at.

By hand, over many moments: `python -m tests.scenarios.moments 50`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from reports import verify_journal
from scenarios.harness.output import FILES, JOURNAL, open_folder
from scenarios.harness.telling import say_end

HOME = Path(__file__).parents[2]
SIGNS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
GONE_AFTER = 20.0
"""Seconds of patience with processes that have lost their parent."""
DRILLS = ("expired_rows_are_resent", "swapped_answers_are_caught", "lost_reply_is_not_paid_twice")
COMMAND = (sys.executable, "-m", "scenarios.harness.cli")


def strike(folder: Path, sign: signal.Signals, seed: int) -> str:
    """Run, hit, look; how far it came, as the journal tells it.

    The moment is drawn from the seed: at the start, or so long after a line of the journal.
    """
    dice = Random(f"{sign.name}/{seed}")
    out, tmp = folder / "out", folder / "tmp"
    tmp.mkdir()
    process = subprocess.Popen(
        [*COMMAND, "run", *DRILLS, "--workers", "2", "--out", "out"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(HOME), "TMPDIR": str(tmp)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _wait(process, out / JOURNAL, dice.choice([0, 4, 4, 5, 6, 7]))
        time.sleep(dice.uniform(0.0, 0.4))
        process.send_signal(sign)
        _, stderr = process.communicate(timeout=60)
        give_up = time.monotonic() + GONE_AFTER
        while left := _processes_of(process.pid):
            assert time.monotonic() < give_up, f"processes are left: {left}"
            time.sleep(0.02)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert not list(tmp.iterdir()), "a temporary store is left"
    begun = (out / JOURNAL).exists()  # before that it may be Python itself that is interrupted
    assert not begun or "Traceback" not in stderr, stderr
    return _looked_at(out, sign, process.returncode)


def _looked_at(out: Path, sign: signal.Signals, code: int) -> str:
    there = {path.name for path in out.iterdir()} if out.exists() else set()
    reports = set(FILES.values())
    if JOURNAL not in there:
        assert not there & reports, "a report without a journal"
        return f"{sign.name}: ended before it began"
    state = verify_journal(out / JOURNAL)
    assert state.intact, state.why
    if state.finished:
        assert reports <= there, "it says that it finished, and a report is missing"
    elif sign is signal.SIGKILL:
        assert -sign == code
    else:
        assert {JOURNAL} == there, f"beside the journal of a run that was interrupted: {there}"
        assert ("interrupted", 128 + sign) == (state.last_event, code)
    said = say_end(state)
    open_folder(out)
    assert not list(out.iterdir()), "the next run does not clean up"
    return f"{sign.name}: {said}"


def _wait(process: subprocess.Popen[str], journal: Path, lines: int) -> None:
    """Until so many lines stand in the journal, or the run has ended."""
    while lines and process.poll() is None:
        if journal.exists() and journal.read_bytes().count(b"\n") >= lines:
            return
        time.sleep(0.01)


def _processes_of(session: int) -> list[int]:
    """Living processes of a session; one that nobody has buried yet does not count."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def main(rounds: int) -> None:
    """So many moments, and how often each end was seen."""
    ends: Counter[str] = Counter()
    for seed in range(rounds):
        with TemporaryDirectory() as folder:
            ends[strike(Path(folder), SIGNS[seed % len(SIGNS)], seed)] += 1
    for end, count in sorted(ends.items()):
        print(f"{count:>4}  {end}")  # noqa: T201 - a report for whoever ran it


if __name__ == "__main__":
    main(int(sys.argv[1]))
