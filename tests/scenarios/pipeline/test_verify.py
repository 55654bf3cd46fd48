"""`gameday verify`: a stranger's pipeline on trial, as a user would see it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pytest

from reports import Format, Verdict, load, render
from scenarios.harness.errors import UsageError
from scenarios.harness.output import FILES, JOURNAL
from scenarios.harness.pipeline.judging import NOBODY_CALLED
from scenarios.harness.pipeline.scratch import new_folder, remove
from tests.scenarios.pipeline.trials import WORKING, a_trial, broken, judged

HOME = Path(__file__).parents[3]
GOOD_DAY, SWAPPED = "a_good_day_is_left_alone", "swapped_answers_are_caught"
PATIENCE = 30.0

BAD_PIPELINES = {
    "hangs": ("sleep 300", "Ended", "hung: it did not end within 0.4 s and was killed"),
    "floods": ("yes", "Ended", "flooded: it wrote more than 32 MB of output and was killed"),
    "gives up": ("echo 'no database' >&2; exit 3", "Ended", "halted: exit code 3: no database"),
    "crashes": ("kill -SEGV $$", "Ended", "crashed: it was ended by SIGSEGV"),
    "ignores the base URL": ("exit 0", "ServiceWasUsed", NOBODY_CALLED),
}


@pytest.mark.parametrize("case", BAD_PIPELINES)
def test_a_pipeline_that_cannot_do_a_calm_day_is_told_why_once(case: str, tmp_path: Path) -> None:
    """A FAIL with the finding; the other drills are not tried, and say why."""
    command, check, says = BAD_PIPELINES[case]
    timeout = 0.4 if case == "hangs" else 60.0

    report = judged(a_trial(tmp_path, command, timeout=timeout), GOOD_DAY, SWAPPED)

    (drill,), (skipped,) = report.drills, report.not_applicable
    assert (Verdict.FAIL, GOOD_DAY) == (drill.verdict, drill.name)
    assert says == broken(drill, 0)[check].evidence[0]
    assert says.partition(": ")[2] in skipped.why or says in skipped.why
    assert report == load(render(report, Format.JSON))


def test_a_pipeline_that_leaves_a_process_behind_is_told_which(tmp_path: Path) -> None:
    """It does its work, and is still no good neighbour."""
    report = judged(a_trial(tmp_path, f"setsid sleep 98771 & {WORKING}"), GOOD_DAY)

    finding = broken(report.drills[0], 0)["NothingLeftBehind"]
    assert ("sleep 98771",) == finding.evidence
    assert Verdict.FAIL is report.verdict


def test_a_pipeline_fails_for_the_right_reason_and_its_sink_stays(tmp_path: Path) -> None:
    """Swapped answers reach the sink of the arm under wrong keys; the user's own is not touched."""
    (tmp_path / "sink.jsonl").write_text('{"ticket_id": "old", "label": "pos", "score": 1}\n')

    report = judged(a_trial(tmp_path), SWAPPED, GOOD_DAY)

    swapped, good = report.drills
    assert (Verdict.FAIL, "the guarded arm did not hold") == (swapped.verdict, swapped.because)
    assert {} == broken(swapped, 0)
    assert {"RecordIsRight", "EveryValueFromItsOwnRow", "DamageIsHeard"} == broken(
        swapped, 2
    ).keys()
    assert (Verdict.PASS, 20) == (good.verdict, good.arms[2].blast.promoted)
    assert 1 == len((tmp_path / "sink.jsonl").read_text().splitlines())


SWAPPED_ONLY = """
from controls import RowBinding
from scenarios import EveryValueFromItsOwnRow, World, drill
from simulator.faults import AnswersSwapped

FAULT = AnswersSwapped(share=0.5)
CHECKS = [EveryValueFromItsOwnRow()]

@drill(defends_against="x", faults=[FAULT], controls=[RowBinding], checks=CHECKS)
def swapped(world: World) -> None:
    '''Swapped.'''
    world.run(world.rows())
"""


def test_a_fault_that_never_meets_the_pipeline_proves_nothing(tmp_path: Path) -> None:
    """Who stops before the fault could strike has not shown that it would have held."""
    (tmp_path / "mine.py").write_text(SWAPPED_ONLY)
    stops = f'case "$GAMEDAY_ARM" in guarded) exit 3;; *) exec {WORKING};; esac'

    report = judged(a_trial(tmp_path, stops), str(tmp_path / "mine.py"))

    assert Verdict.INCONCLUSIVE is report.verdict
    assert "it never met the pipeline: AnswersSwapped(share=0.5)" == report.drills[0].because


def test_drills_that_happen_inside_of_a_pipeline_do_not_apply(tmp_path: Path) -> None:
    """With the reason; and what nobody can judge from outside is named in the appendix."""
    trial = a_trial(tmp_path, budget=None)
    names = ("wrong_column_stops_at_the_canary", "bad_write_is_rolled_back")

    report = judged(trial, *names, "oversize_prompt_is_refused", "lost_reply_is_not_paid_twice")

    reasons = {each.name: each.why for each in report.not_applicable}
    assert "WrongColumn happens inside of a pipeline" in reasons[names[0]]
    assert "only our own pipeline has" in reasons[names[1]]
    assert "without --budget" in reasons["oversize_prompt_is_refused"]
    assert ["lost_reply_is_not_paid_twice"] == [drill.name for drill in report.drills]


def test_a_lost_reply_that_is_sent_again_under_new_ids_is_paid_twice(tmp_path: Path) -> None:
    """The bill goes by row, whatever the pipeline calls its requests."""
    report = judged(a_trial(tmp_path), "lost_reply_is_not_paid_twice")

    finding = broken(report.drills[0], 2)["NoRowPaidTwice"]
    assert "18 of 20 billed rows were paid more than once" == finding.says


def test_a_function_is_a_pipeline_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs in a process of its own, from the user's folder."""
    (tmp_path / "mine.py").write_text(
        "import subprocess\n"
        f"def nightly():\n    return subprocess.run({WORKING.split()}).returncode\n"
    )
    monkeypatch.chdir(tmp_path)

    assert Verdict.PASS is judged(a_trial(tmp_path, "mine:nightly"), GOOD_DAY).verdict


def test_the_contract_is_what_the_page_says(tmp_path: Path) -> None:
    """Every variable of the table is set, no other key or address of Anthropic's is."""
    command = f"env > {tmp_path}/$GAMEDAY_ARM.env; ls -A $GAMEDAY_STATE; exec {WORKING}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANTHROPIC_AUTH_TOKEN", "mine")
        patch.setenv("ANTHROPIC_BASE_URL", "https://elsewhere")
        judged(a_trial(tmp_path, command), GOOD_DAY)
    lines = (tmp_path / "guarded.env").read_text().splitlines()
    seen = dict(line.partition("=")[::2] for line in lines if "=" in line)
    page = (HOME / "docs" / "verify.md").read_text("utf-8")

    ours = {name for name in seen if name.startswith(("GAMEDAY_", "ANTHROPIC_"))}
    assert {name for name in ours if f"`{name}`" not in page} == set()
    assert "ANTHROPIC_AUTH_TOKEN" not in seen
    assert seen["ANTHROPIC_BASE_URL"].startswith("http://127.0.0.1:")
    assert ("guarded", GOOD_DAY, "0") == tuple(
        seen[f"GAMEDAY_{name}"] for name in ("ARM", "DRILL", "SEED")
    )


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("budget", "lots", "is no amount"),
        ("key", "nobody", "nobody"),
        ("schema", Path("/nowhere"), "cannot be read"),
        ("sink", "sqlite:///x.db", "names no table"),
        ("pipeline", " ", "is empty"),
    ],
)
def test_wrong_options_are_refused(option: str, value: object, says: str, tmp_path: Path) -> None:
    """With what is wrong and how to mend it."""
    with pytest.raises(UsageError, match=says):
        a_trial(tmp_path, **{option: value})  # type: ignore[arg-type]


def command(folder: Path, pipeline: str, *more: str) -> list[str]:
    """The command line of a trial in this folder."""
    a_trial(folder)
    (folder / "tmp").mkdir(exist_ok=True)
    line = ["verify", "--pipeline", pipeline, "--rows", "rows.jsonl", "--key", "ticket_id"]
    line += ["--sink", "sqlite:///sink.db", "--table", "answers", "--schema", "schema.json"]
    return [sys.executable, "-m", "scenarios.harness.cli", *line, "--drills", GOOD_DAY, *more]


def environment(folder: Path) -> dict[str, str]:
    """Ours, with temporary files where the test can see them."""
    return os.environ | {"PYTHONPATH": str(HOME), "TMPDIR": str(folder / "tmp")}


TO_SQLITE = """
import json, os, sqlite3, subprocess, sys
lines = os.environ["GAMEDAY_STATE"] + "/lines.jsonl"
naive = {command!r}
subprocess.run(naive, env=os.environ | {{"GAMEDAY_SINK": lines}}, check=True)
database = sqlite3.connect(os.environ["GAMEDAY_SINK"].removeprefix("sqlite:///"))
database.execute("CREATE TABLE answers (ticket_id TEXT PRIMARY KEY, label TEXT, score REAL)")
for line in open(lines):
    row = json.loads(line)
    values = (row["ticket_id"], row["label"], row["score"])
    database.execute("INSERT INTO answers VALUES (?, ?, ?)", values)
database.commit()
"""


def test_the_command_writes_the_reports_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Two workers, a table that the pipeline makes, exit code 0."""
    (tmp_path / "mine.py").write_text(TO_SQLITE.format(command=WORKING.split()))
    line = command(tmp_path, f"{sys.executable} -I -S mine.py", "--out", "out", "--workers", "2")

    done = subprocess.run(
        line, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False
    )

    assert 0 == done.returncode, done.stderr + done.stdout
    report = load((tmp_path / "out" / "report.json").read_text())
    assert (Verdict.PASS, 20) == (report.verdict, report.rows)
    assert {*FILES.values(), JOURNAL} == {path.name for path in (tmp_path / "out").iterdir()}
    assert [] == list((tmp_path / "tmp").iterdir())
    assert not (tmp_path / "sink.db").exists()


def test_a_command_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    """Exit code 2 with what the shell said."""
    with pytest.raises(
        UsageError, match=r"cannot be started: .*no-such-program-of-mine: not found"
    ):
        judged(a_trial(tmp_path, "no-such-program-of-mine"), GOOD_DAY)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_trial_leaves_no_pipeline_behind(
    sign: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM cleans up; after SIGKILL the next run removes what was left."""
    line = command(tmp_path, "touch started; sleep 98773", "--out", "out")
    running = subprocess.Popen(
        line, cwd=tmp_path, env=environment(tmp_path), stderr=subprocess.PIPE
    )
    wait_until((tmp_path / "started").exists)
    running.send_signal(sign)
    running.communicate()
    wait_until(lambda: not alive("sleep 98773"))

    assert (143 if sign is signal.SIGTERM else -sign) == running.returncode
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    if sign is signal.SIGKILL:
        remove(new_folder())
    assert [] == list((tmp_path / "tmp").iterdir())


def wait_until(condition: object) -> None:
    """Look until it is so."""
    assert callable(condition)
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, "it never came"
        time.sleep(0.02)


def alive(mark: str) -> bool:
    """Whether a process with this on its command line runs."""
    found = subprocess.run(["pgrep", "-f", mark], capture_output=True, check=False)
    return found.returncode == 0


def test_a_sink_that_is_broken_or_loses_rows_is_a_finding(tmp_path: Path) -> None:
    """Lines that nobody can read, keys that stand there twice, old rows that are gone."""
    (tmp_path / "sink.jsonl").write_text('{"ticket_id": "old", "label": "pos"}\n')
    command = f"rm $GAMEDAY_SINK; {WORKING}; tail -n 1 $GAMEDAY_SINK >> $GAMEDAY_SINK; "
    report = judged(a_trial(tmp_path, command + "echo '{' >> $GAMEDAY_SINK"), GOOD_DAY)

    evidence = broken(report.drills[0], 0)["SinkIsSound"].evidence
    assert "the sink: 1 lines are no JSON object with 'ticket_id', first line 22" == evidence[0]
    assert (": 2 times", "old: gone") == (evidence[1][-9:], evidence[2])


def test_a_trial_whose_prompts_carry_another_column_is_not_blamed(tmp_path: Path) -> None:
    """INCONCLUSIVE, with the option to use."""
    report = judged(a_trial(tmp_path, WORKING.replace(" body", " ticket_id")), GOOD_DAY)

    assert Verdict.INCONCLUSIVE is report.verdict
    assert "name the column that the prompts carry with --text" in report.drills[0].because


def test_a_pipeline_without_schema_is_judged_by_what_its_model_said(tmp_path: Path) -> None:
    """Free text, stored as it came: right on a good day, told when it is on a wrong row."""
    report = judged(a_trial(tmp_path, schema=None), GOOD_DAY, SWAPPED)

    good, swapped = report.drills
    assert Verdict.PASS is good.verdict
    assert "RecordIsRight" in broken(swapped, 2)


def test_values_of_another_table_type_are_the_same_values(tmp_path: Path) -> None:
    """A whole answer in one JSON column counts as its members."""
    with closing(sqlite3.connect(tmp_path / "sink.db")) as database:
        database.execute("CREATE TABLE answers (ticket_id TEXT, answer TEXT)")
        database.commit()
    lines = TO_SQLITE.format(command=WORKING.split()).splitlines()
    script = "\n".join(line for line in lines if "CREATE TABLE" not in line).replace(
        '(row["ticket_id"], row["label"], row["score"])',
        '(row.pop("ticket_id"), json.dumps(row))',
    )
    (tmp_path / "mine.py").write_text(script.replace("(?, ?, ?)", "(?, ?)"))
    sink = f"sqlite:///{tmp_path}/sink.db"
    pipeline = f"{sys.executable} -I -S {tmp_path}/mine.py"

    report = judged(a_trial(tmp_path, pipeline, sink=sink, table="answers"), GOOD_DAY)

    assert (Verdict.PASS, 20) == (report.verdict, report.drills[0].arms[2].blast.promoted)
    assert json.loads(render(report, Format.JSON))["verdict"] == "PASS"
