"""One job among all that can go wrong with it, whose workers are killed and started again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import anthropic
import httpx2
import msgspec
from sqlalchemy import Engine, select

from controls import (
    Alerts,
    Approval,
    BatchRunner,
    ControlError,
    Job,
    JobType,
    Ledger,
    Row,
    Staging,
    SystemOfRecord,
    ceiling,
    default_stack,
    open_store,
)
from controls.chunking import Chunking
from controls.core import collector
from controls.core.clock import Clock
from controls.core.columns import read_sent
from controls.core.control import Control
from controls.core.decision import Decision, Proceed, Wait
from controls.core.moment import BeforeCreate, Moment
from controls.core.store import SENT
from controls.ids import Namespace
from controls.policy import CanaryPolicy
from controls.polling import Polling
from controls.registry import Register
from simulator import Api, Books, FromCallable, Question, VirtualClock
from simulator.faults import Fault
from simulator.transport import SimulatorTransport
from tests.controls.builders import RELEASED, SECRET, a_job_type, a_record, an_answer, content, rows
from tests.controls.crash.steps import Database, Killed, Life, Wire, record_step, store_step

JOB = "job_1"
OLD_ROW = {"key": "key-3", "label": "old", "score": 0.25, "visits": 7}
SETTINGS = (
    (collector, "ROWS_PER_WRITE", 8),
    (ceiling, "SAMPLE_ROWS", 2),
)
"""The answers of one batch are written in several steps; fewer counts, which only take time
here."""
SELDOM = Polling(first=timedelta(minutes=10))
"""Looks take time too."""


TRIGGERS = {
    "sqlite": [
        f"CREATE TRIGGER on_{what} AFTER {what} ON answers "
        "BEGIN INSERT INTO writes VALUES (NEW.key); END"
        for what in ("INSERT", "UPDATE")
    ],
    "postgresql": [
        (
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN INSERT INTO writes VALUES (NEW.key); RETURN NEW; END'"
        ),
        (
            "CREATE TRIGGER on_write AFTER INSERT OR UPDATE ON answers "
            "FOR EACH ROW EXECUTE FUNCTION note()"
        ),
    ],
}
"""What writes down each write to the system of record."""


def number_of(question: Question) -> int:
    """Which row a prompt is about."""
    return int(question.user.split("text ")[1].split("\n")[0])


def label_of(number: int) -> str:
    """What a good model says of a row."""
    return "pos" if number % 3 else "neg"


def score_of(number: int) -> float:
    """Another value for every row, so that none can stand in for its neighbour."""
    return number / 128


@dataclass(frozen=True, slots=True)
class OneMoment:
    """Has every batch wait once."""

    def decide(self, moment: Moment, /) -> Decision:
        """Wait, the first time that a batch asks."""
        if isinstance(moment, BeforeCreate) and moment.since == moment.now:
            return Wait("one moment", 5.0)
        return Proceed()


Play = Callable[["Worker"], str]
"""What people do with a job until it has ended; they do the same again after a crash. Returns how
it ended: `done`, `halted`, …"""


@dataclass(slots=True)
class Worker:
    """What a process holds in memory."""

    runner: BatchRunner
    job: Job
    rows: Sequence[Row]
    controls: Sequence[Control]
    """Those of the plot."""


def run(worker: Worker) -> str:
    """Run the job; one that was halted stays so."""
    try:
        return worker.runner.run(worker.job, worker.rows).status
    except ControlError as refused:
        return "halted" if "was halted" in refused.what else refused.what


@dataclass(frozen=True, slots=True)
class Plot:
    """What happens in a scene."""

    name: str
    rows: int = 14
    faults: Sequence[Fault] = ()
    spoiled: Sequence[int] = ()
    """Rows whose answer is nonsense."""
    contradicted: Sequence[int] = ()
    """Rows of which the results hold two different lines."""
    ceiling: str = "5.00"
    controls: Sequence[Callable[[], Control]] = ()
    """Made anew for every scene; they outlive its workers, as people do."""
    ramp: tuple[float, ...] = ()
    approvals: tuple[Approval, ...] = (RELEASED,)
    play: Play = run
    ends: str = "done"
    undone: bool = False
    """The record must be as before."""

    @property
    def job_type(self) -> JobType:
        """A policy that a few rows can satisfy."""
        canary = CanaryPolicy(min_rows=10, share=0.01, max_bad_share=0.45, ramp=self.ramp)
        return a_job_type(ceiling=self.ceiling, approvable="5", canary=canary, max_rounds=2)


class Place:
    """Where workers of one job come and go: what they share, and what each of them is given.

    Args:
        store: hooked, so that its commits are steps.
        record: the engine of the system of record; hooked too.
        service: the way to the service.
    """

    def __init__(
        self,
        plot: Plot,
        store: Engine,
        record: Engine,
        clock: Clock,
        service: httpx2.BaseTransport,
        url: str = "http://simulator.invalid",
    ) -> None:
        self.plot, self.job_type, self.rows = plot, plot.job_type, rows(plot.rows)
        self.store, self.clock = store, clock
        self._record, self._service, self._url = record, service, url
        self.controls = [make() for make in plot.controls]
        self.alerts = Alerts()
        self.unannounced: list[str] = []
        """`custom_id`s that went to the service before the ledger had them."""
        self.life = Life()
        self.steps: list[str] = []
        """Of the last life."""
        self.bury: Callable[[], None] = lambda: None
        """What the machine does with the connections of a worker that was killed."""
        Database(store, lambda: self.life, store_step, _writer)
        Database(record, lambda: self.life, record_step, lambda _: True)

    def live(self, life: Life | None = None) -> str | None:
        """One worker from its start to its end; how the job ended, or None if it was killed."""
        self.life = life or Life()
        self.steps = self.life.kinds
        try:
            with ExitStack() as settings:
                for module, name, value in SETTINGS:
                    settings.enter_context(patch.object(module, name, value))
                ended = self.plot.play(self._worker())
        except Killed:
            ended = None
        doomed, self.life = self.life.doomed, Life()
        if doomed:
            self.bury()
        return None if doomed else ended

    def _worker(self) -> Worker:
        wire = Wire(self._service, self.life, self._on_create, self._contradict)
        client = anthropic.Anthropic(
            api_key="test",
            base_url=self._url,
            http_client=httpx2.Client(transport=wire),
            max_retries=0,
        )
        record = SystemOfRecord(self._record, "answers", "key")
        stack = default_stack(self.job_type, Staging(self.store, record))
        controls = (*stack.controls, *self.controls)
        stack = replace(
            stack, controls=controls, chunking=Chunking(max_requests=20), polling=SELDOM
        )
        ledger = Ledger(self.store, self.clock.now)
        batch_runner = BatchRunner(
            client, ledger, self.clock, stack, pager=self.alerts, secret=SECRET
        )
        return Worker(
            batch_runner, Job(JOB, self.job_type, self.plot.approvals), self.rows, self.controls
        )

    def _on_create(self, body: bytes) -> None:
        """Every id that is about to be sent must stand in the ledger."""
        with self.store.connect() as connection:
            lists = connection.scalars(select(SENT.c.lines)).all()
        name = Namespace("support", JOB).custom_id
        known = {name(ordinal) for lines in lists for ordinal in read_sent(lines).ordinals}
        sent = {request["custom_id"] for request in msgspec.json.decode(body)["requests"]}
        self.unannounced += sorted(sent - known)

    def _contradict(self, body: bytes) -> bytes:
        name = Namespace("support", JOB).custom_id
        doubtful = [f'"{name(number)}"'.encode() for number in self.plot.contradicted]
        again = [
            line.replace(rb"\"score\":", rb"\"score\":0.999,\"x\":")
            for line in body.splitlines(keepends=True)
            if any(name in line for name in doubtful) and b'"succeeded"' in line
        ]
        return body + b"".join(again)


class Scene(Place):
    """A place with its service, which sees everything, in this process.

    Args:
        folder: where store and record are kept; in memory without one.
        clock: of the service.
        url: of a database on PostgreSQL for both of them, in place of a folder.
    """

    def __init__(
        self,
        plot: Plot,
        folder: Path | None = None,
        clock: VirtualClock | None = None,
        url: str = "",
    ) -> None:
        clock = clock or VirtualClock()
        self.api = Api(clock=clock, responder=FromCallable(self._says), faults=plot.faults)
        engine = open_store(url or database("record", folder))
        self.record = a_record(engine, prior=[OLD_ROW])
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE writes (key TEXT)")
            for statement in TRIGGERS[engine.dialect.name]:
                connection.exec_driver_sql(statement)
        self.before = content(self.record)
        self.started_at = clock.now()
        store = open_store(url or database("store", folder))
        Register(Ledger(store, clock.now)).note(plot.job_type, by="A. Reviewer")
        super().__init__(plot, store, self.record.engine, clock, SimulatorTransport(self.api))

    def _says(self, question: Question) -> str:
        number = number_of(question)
        if number in self.plot.spoiled:
            return "As a language model ..."
        return an_answer(question, label_of(number), score=score_of(number))

    @property
    def books(self) -> Books:
        """What the service saw."""
        return self.api.books()


def database(name: str, folder: Path | None) -> str:
    """The URL of a file in a folder, or of a store in memory."""
    return "sqlite://" if folder is None else f"sqlite:///{folder}/{name}.db"


def _writer(connection: Any) -> bool:
    return bool(connection.get_execution_options().get("gameday_write"))
