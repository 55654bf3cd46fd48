"""A job from files: `gameday start`, and `gameday resume` after whatever has stopped it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import NoReturn

import pytest
from sqlalchemy import inspect, text
from typer.testing import CliRunner, Result

from controls import Ledger, Register, load_job_type, open_database, open_store
from controls.audit import verify_trail
from controls.runbook import Runbook
from scenarios.harness import desk
from scenarios.harness.commands import all_commands
from simulator import Api, FromCallable, PollClock, Question
from simulator.server import Server
from tests.controls.builders import a_client, an_answer, number_in

app = all_commands()
HOME = Path(__file__).parents[2]
COUNT = 40
JOB_TYPE = """
name = "grading"
team = "support"
owner = "support-oncall"
policy_version = "7"
approved_by = "A. Reviewer"
rows = { allowed_fields = ["text"], key = "id" }
prompt = { model = "claude-haiku-5-5", max_tokens = 64, template = "Grade this: {text}" }
spend = { ceiling_usd = "5.00", max_tokens_cap = 128 }
canary = { min_rows = 10, max_bad_share = 0.5, ramp = [] }

[answer.schema]
type = "object"
additionalProperties = false
required = ["label", "score"]
properties = { label = { type = "string", enum = ["pos", "neg"] }, score = { type = "number" } }
"""
RECORD = ("--record", "sqlite:///record.db", "--table", "answers", "--key", "key")
START = ("start", "job_1", "type.toml", "--rows", "rows.csv", *RECORD, "--by", "A. Person")
RESUME = ("resume", "job_1", "--by", "B. Person")


class Scene:
    """A service with a clock that moves when it is looked at, and a folder with all files."""

    def __init__(self, folder: Path) -> None:
        self.reached, self.go_on = Event(), Event()
        self.go_on.set()
        clock = PollClock(start=datetime.now(UTC), polls=1)
        self.api = Api(clock=clock, responder=FromCallable(self._says))
        (folder / "type.toml").write_text(JOB_TYPE)
        lines = [f"{number},text {number}" for number in range(COUNT)]
        (folder / "rows.csv").write_text("\n".join(["id,text", *lines, ""]))
        self.store = open_store(f"sqlite:///{folder}/gameday.db")
        record = open_database(f"sqlite:///{folder}/record.db")
        with record.begin() as connection:
            connection.execute(text("CREATE TABLE answers (key TEXT PRIMARY KEY, label TEXT)"))
        self.record = record
        self.ledger = Ledger(self.store, lambda: datetime.now(UTC))
        Register(self.ledger).note(load_job_type(folder / "type.toml"), by="A. Reviewer")

    def _says(self, question: Question) -> str:
        number_in(question)
        self.reached.set()
        self.go_on.wait(60)
        return an_answer(question)

    def release(self) -> None:
        """A person has looked at the canary."""
        Runbook(self.ledger).approve("job_1", by="A. Person")

    @property
    def sent(self) -> Counter[str]:
        """How often each row was answered."""
        return Counter(request.custom_id for request in self.api.books().requests)

    @property
    def labels(self) -> dict[str, str]:
        """What stands in the system of record."""
        with self.record.connect() as connection:
            return {row.key: row.label for row in connection.execute(text("SELECT * FROM answers"))}

    @property
    def whole(self) -> bool:
        """Every row answered once and in the record, and the trail intact."""
        assert not verify_trail(self.store).tampering
        assert {f"support-job_1-{number}": 1 for number in range(COUNT)} == self.sent
        return {str(number): "pos" for number in range(COUNT)} == self.labels


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """The commands run in its folder, against its service and on its clock."""
    scene = Scene(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAMEDAY_STORE", "sqlite:///gameday.db")
    monkeypatch.setattr(desk, "service", lambda: a_client(scene.api))
    monkeypatch.setattr(desk, "the_clock", lambda: scene.api.clock)
    yield scene
    scene.store.dispose()
    scene.record.dispose()


def run(*arguments: str) -> Result:
    """One command; what it raises is raised."""
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def refused(*arguments: str) -> str:
    """What a command says that is refused, with the way out."""
    with pytest.raises(Exception, match=r"\.") as raised:
        run(*arguments)
    assert hasattr(raised.value, "fix"), raised.value
    return str(raised.value)


def test_a_job_is_started_looked_at_and_brought_to_its_end(scene: Scene) -> None:
    """The first run waits after its canary with exit code 1; approved and resumed, it is done;
    resumed again, it says so again."""
    waits = run(*START)
    assert (1, True) == (waits.exit_code, "waiting for approval: this is the first" in waits.stdout)
    assert "gameday approve-job job_1, then gameday resume job_1" in waits.stdout
    assert "intended: batch 1, requests 10" in waits.stderr
    assert "ALERT for support-oncall: job_1: waiting for approval" in waits.stderr
    assert {} == scene.labels

    assert 0 == run("approve-job", "job_1", "--by", "A. Person").exit_code
    for _ in range(2):
        done = run(*RESUME)
        assert (0, f"job_1: done, {COUNT} rows promoted, 0 in quarantine\n") == (
            done.exit_code,
            done.stdout,
        )
    assert scene.whole
    assert "jobs" not in inspect(scene.record).get_table_names(), "the store's tables are not there"
    (begun,) = scene.ledger.entries("job_1", "started")
    assert "A. Person" == begun.body["by"]
    assert ["B. Person"] * 2 == [
        entry.body["by"] for entry in scene.ledger.entries("job_1", "started again")
    ]


def test_a_killed_command_goes_on_with_resume(scene: Scene, tmp_path: Path) -> None:
    """`kill -9` in the middle of a batch, over a real socket; another process finishes the job,
    without the program, the job type or the options of the first: no row is paid twice."""
    scene.go_on.clear()
    with Server(scene.api) as server:
        environment = os.environ | {
            "ANTHROPIC_BASE_URL": server.url,
            "ANTHROPIC_API_KEY": "test",
            "PYTHONPATH": str(HOME),
        }

        def command(*arguments: str) -> subprocess.Popen[str]:
            return subprocess.Popen(
                [sys.executable, "-m", "scenarios.harness.cli", *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=tmp_path,
                env=environment,
            )

        victim = command(*START)
        assert scene.reached.wait(60)
        victim.kill()
        victim.communicate()
        scene.go_on.set()
        scene.release()
        (tmp_path / "type.toml").unlink()
        heir = command(*RESUME)
        out, err = heir.communicate(timeout=100)

    assert (-9, 0) == (victim.returncode, heir.returncode), err
    assert f"job_1: done, {COUNT} rows promoted, 0 in quarantine\n" == out
    assert scene.whole


def test_resume_refuses_rows_that_are_not_the_same(scene: Scene, tmp_path: Path) -> None:
    """A changed file is refused before anything happens; the same file may lie elsewhere."""
    run(*START)
    scene.release()
    rows = tmp_path / "rows.csv"
    before, entries = rows.read_text(), len(scene.ledger.entries())
    rows.write_text(before.replace("text 3\n", "text 4\n"))

    assert "rows.csv is not the file that 'job_1' was started with" in refused(*RESUME)
    rows.unlink()
    assert "cannot be read: No such file" in refused(*RESUME)
    assert entries == len(scene.ledger.entries())
    (tmp_path / "moved.csv").write_text(before)
    assert 0 == run(*RESUME, "--rows", "moved.csv").exit_code
    assert scene.whole


def test_a_command_that_dies_before_the_job_is_opened_can_be_resumed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the entry that it was started and the one that it was opened."""

    def dies() -> NoReturn:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(desk, "the_clock", dies)
        with pytest.raises(RuntimeError):
            run(*START)
    assert [] == scene.ledger.entries("job_1", "opened")

    assert 1 == run(*RESUME).exit_code
    scene.release()
    assert 0 == run(*RESUME).exit_code
    assert scene.whole


Arguments = tuple[str, ...]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((*START[:-1], ""), "Nobody is named."),
        ((*START[:4], "none.csv", *START[5:]), "none.csv cannot be read"),
        (START[:5], "The system of record is not named."),
        ((*START, "--record", "sqlite:///none.db"), "There is no store at 'none.db'."),
        ((*START, "--table", "none"), "There is no table 'none'"),
        ((*START, "--alert", "nonsense"), "Alert receiver 1 is not a URL of Apprise"),
        ((*RESUME, "--rows", "rows.csv"), "--rows is for one job that"),
    ],
)
def test_what_cannot_be_started_is_refused(scene: Scene, arguments: Arguments, says: str) -> None:
    """Before anything is written down or sent."""
    before = len(scene.ledger.entries())

    assert says in refused(*arguments)
    assert (before, 0) == (len(scene.ledger.entries()), len(scene.sent))


def test_a_job_is_started_once(scene: Scene) -> None:
    """The second time it is said how to go on."""
    run(*START)

    assert "Go on with `gameday resume job_1`" in refused(*START)


def test_no_password_gets_into_the_ledger(scene: Scene) -> None:
    """It would stay there for ever."""
    url = "postgresql+psycopg://me:secret@127.0.0.1:1/x"

    assert "holds a password" in refused(*START, "--record", url)
    assert [] == scene.ledger.entries("job_1")
