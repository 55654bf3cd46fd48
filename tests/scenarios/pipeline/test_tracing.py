"""Durable writes as kill points: each is seen, and nothing comes between it and the kill."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reports import ArmName, Verdict, load
from scenarios.harness.checks import EveryRowAnswered
from scenarios.harness.commands import app
from scenarios.harness.pipeline import sweep
from scenarios.harness.pipeline.arm import Played, Staged, play
from scenarios.harness.pipeline.process import Ending, Pipeline
from scenarios.harness.pipeline.sweep import Counted, Crash, Kill, Mode, drill_of, points
from scenarios.harness.pipeline.tracing import Tracing, why_not
from tests.scenarios.pipeline.test_sweep import swept
from tests.scenarios.pipeline.trials import WORKING, a_trial, broken

CRASHING = f"{sys.executable} -I -S {Path(__file__).with_name('crashing.py')}"
FAST = [sys.executable, "-I", "-S", "-c"]
traced = pytest.mark.skipif(
    bool(why_not()) and "CI" not in os.environ, reason=f"durable writes: {why_not()}"
)


@pytest.fixture(autouse=True)
def _ask_anew() -> Iterator[None]:
    """Whether strace can trace is asked once per process; a test may change the answer."""
    why_not.cache_clear()
    yield
    why_not.cache_clear()


def run(folder: Path, command: list[str], kill: int = 0) -> tuple[Ending, list[str]]:
    """How it ended, and the durable writes that were seen until the kill."""
    seen: list[str] = []

    def written(what: str) -> bool:
        seen.append(what)
        return len(seen) == kill

    hearing = Tracing(folder, {folder / "sink": "sink", folder / "rows": ""}, written)
    return Pipeline(command, dict(os.environ), hearing).run(20), seen


def started(folder: Path, pipeline: str, crash: Crash | None) -> Played:
    """One arm of a pipeline that is killed there."""
    trial, drill = a_trial(folder, f"{CRASHING} {pipeline}", rows=3), drill_of(Mode.ONCE)
    counts = crash is None
    return play(Staged(trial, drill, ArmName.GUARDED, crash=crash, counts=counts, folder=folder))


@traced
def test_each_write_is_done_when_it_strikes_and_the_next_is_not(tmp_path: Path) -> None:
    """At every number, with several threads, after a fork, and for a parent that would go on."""
    script = (
        "import os, threading\n"
        "def note():\n"
        "    os.write(file, b'x')\n"
        f"os.chdir({str(tmp_path)!r})\n"
        "file = os.open('sink', os.O_WRONLY | os.O_CREAT)\n"
        "for _ in range(2):\n"
        "    each = threading.Thread(target=note)\n"
        "    each.start()\n"
        "    each.join()\n"
        "if os.fork() == 0:\n"
        "    note()\n"
        "else:\n"
        "    os.wait()\n"
        "    note()\n"
    )
    for kill in range(1, 6):
        ending, seen = run(tmp_path, [*FAST, script], kill)

        assert "SIGKILL" == ending.signal
        assert ["openat of sink", *["write of sink"] * (kill - 1)] == seen
        assert kill - 1 == (tmp_path / "sink").stat().st_size
        (tmp_path / "sink").unlink()
    ending, seen = run(tmp_path, [*FAST, script])
    assert (0, 5) == (ending.code, len(seen))


@traced
def test_what_counts_are_changes_of_the_arms_own_files(tmp_path: Path) -> None:
    """By relative names, too, and by copying; not what is read, fails or lies elsewhere, nor the
    rows file; and the bytes that are written are nobody's business."""
    (tmp_path / "rows").touch()
    (tmp_path / "sub").mkdir()
    script = f"""
        cd {tmp_path}/sub
        cat ../rows; echo '{tmp_path}/sink' > /dev/null; rmdir nothing 2> /dev/null
        echo 1 >> ../rows
        printf 1 > 'ü
"> b'; mv 'ü
"> b' ../sink; cp ../sink copy; rm ../sink"""
    ending, seen = run(tmp_path, ["/bin/sh", "-c", script])

    assert 0 == ending.code
    names = [what.split(" ", 1)[1] for what in seen]
    copied = ["of sub/copy", "of sub/copy"]
    assert ['of sub/ü?"> b', 'of sub/ü?"> b', "of sink", *copied, "of sink"] == names
    assert ["openat", "write"] == [what.split()[0] for what in seen[:2]]


@traced
def test_a_database_counts_with_its_journal(tmp_path: Path) -> None:
    """Everything that SQLite does for one commit; the last is the journal's end."""
    with closing(sqlite3.connect(tmp_path / "sink")) as database:
        database.execute("CREATE TABLE t (x)")
    script = (
        f"import sqlite3; base = sqlite3.connect({str(tmp_path / 'sink')!r})\n"
        "base.execute('INSERT INTO t VALUES (1)'); base.commit()"
    )
    _, seen = run(tmp_path, [*FAST, script])
    _, before_the_last = run(tmp_path, [*FAST, script], len(seen) - 1)

    assert {"fdatasync of sink-journal", "pwrite64 of sink"} < set(seen)
    assert "unlink of sink-journal" == seen[-1]
    assert seen[:-1] == before_the_last
    with closing(sqlite3.connect(tmp_path / "sink")) as database:
        assert (1,) == database.execute("SELECT count(*) FROM t").fetchone()


def test_writes_are_points_beside_the_calls_and_second_kills_can_be_reached() -> None:
    """Each kind is spread for itself; the recovery has as many writes as were still to come."""
    found = points(Mode.TWICE, Counted(2, 10, 447))

    writes = [crash.kills for crash in found if crash.kills[0].write]
    assert (6 + sweep.MOST_POINTS, sweep.MOST_POINTS) == (len(found), len(writes))
    assert all(1 <= second.write <= 448 - first.write for first, second in writes)
    assert "after durable write 1 of 447, then after durable write 32 of 447" == str(found[6])


@traced
def test_a_bug_between_two_writes_is_found_at_that_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It notes that it is done before it is; no kill at a call shows it."""
    monkeypatch.setattr(sweep, "MOST_POINTS", 2)
    report = swept(a_trial(tmp_path, f"{CRASHING} wrong", rows=3), Mode.ONCE)

    (drill,) = report.drills
    finding = broken(drill, 2)["EveryRowAnswered"]
    assert (Verdict.FAIL, 2) == (drill.verdict, finding.offenders)
    assert finding.evidence[0].startswith("after durable write 1 of 4 (openat of GAMEDAY_STATE/")
    assert all("call" not in place for place in drill.arms[2].injections[0].where)
    facts = {fact.name: fact.value for fact in report.appendix}
    assert "4 seen by strace" == facts["durable writes of the pipeline"]
    assert facts["crash_sweep_once, killed at"].startswith("4 of 18 kill points")


@traced
def test_the_same_pipeline_without_the_bug_holds_at_every_write(tmp_path: Path) -> None:
    """Each kill struck once, and the whole job is done."""
    writes = started(tmp_path, "right", None).writes

    assert 4 == writes
    for number in range(1, writes + 1):
        played = started(tmp_path, "right", Crash((Kill(0, "after", write=number, of=writes),)))
        assert played.struck[0].startswith(f"after durable write {number} of 4 (")
        assert "held" == EveryRowAnswered().judge(played.record).outcome.value


@traced
def test_a_point_that_never_comes_is_not_counted_as_struck(tmp_path: Path) -> None:
    """There is no fifth write: nothing was killed, and the arm says so."""
    played = started(tmp_path, "right", Crash((Kill(0, "after", write=5, of=5),)))

    assert ((), ("SIGKILL",)) == (played.struck, played.record.missed)


def test_without_strace_the_sweep_goes_on_and_says_what_it_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How to get it stands in the report and on stderr."""
    monkeypatch.setattr(sweep, "MOST_POINTS", 1)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    a_trial(tmp_path, rows=3)
    given = ["--rows", "rows.jsonl", "--key", "ticket_id", "--sink", "sink.jsonl"]
    asked = ["--schema", "schema.json", "--crash-sweep", "--workers", "1", "--quiet"]
    done = CliRunner().invoke(app, ["verify", "--pipeline", WORKING, *given, *asked])

    left_out = "strace is not installed; apt-get install strace"
    report = load((tmp_path / "gameday-report" / "report.json").read_text())
    facts = {fact.name: fact.value for fact in report.appendix}
    assert f"durable writes were no kill points: {left_out}\n" == done.stderr
    assert left_out == facts["durable writes of the pipeline"]
    assert "1 of 24 kill points" == facts["crash_sweep_once, killed at"]
    assert 1 == report.drills[0].arms[2].injections[0].fired


def test_a_machine_that_forbids_tracing_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the words of strace, and what to do in a container."""
    (tmp_path / "strace").write_text(
        "#!/bin/sh\necho 'strace: Operation not permitted' >&2\nexit 1"
    )
    (tmp_path / "strace").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    assert "Operation not permitted" in why_not()
    assert "--cap-add=SYS_PTRACE" in why_not()
