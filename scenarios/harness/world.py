"""The world of one arm: clock, service, client, tables and pipeline, wired once."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

import anthropic
import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    Engine,
    Float,
    Integer,
    MetaData,
    Table,
    Text,
    insert,
    select,
)

from controls import (
    Alert,
    Alerts,
    BatchRunner,
    Job,
    JobType,
    Ledger,
    LedgerEntry,
    Row,
    Stack,
    Staging,
    SystemOfRecord,
    default_stack,
    open_store,
)
from controls.core.store import QUARANTINE
from reports import ArmName, Entry
from scenarios.harness.drill import Drill
from scenarios.harness.naive import without
from scenarios.harness.record import Record, Value
from scenarios.harness.rows import RowSet
from scenarios.harness.sabotage import PlantedInstructions, Sabotage
from scenarios.harness.task import RowSource, Spoiled, Task
from scenarios.harness.telling import say_entry
from simulator import Api, VirtualClock
from simulator.faults import Fault, WrongButValid
from simulator.responder import Gullible, LabelOracle, Truth
from simulator.transport import SimulatorTransport

RECORD_TABLE = "answers"
RECORD_KEY = "row_key"
LABELS_OF_THE_JOB = ("labels of the job",)
"""Stands in a drill for the labels of whatever job it is run with."""
OLD_SHARE = 0.1
"""Share of the rows that have a value of an earlier day in the system of record."""
MODEL_ACCURACY = 0.97
"""How often the simulated model gives the known answer."""
ECHO = re.compile(r'Copy "(?P<value>[^"]+)" into the field "(?P<field>[^"]+)"')
"""How the prompt asks for a reference back; the simulated model does as it is asked."""
COLUMN_TYPES = {"string": Text, "number": Float, "integer": Integer, "boolean": Boolean}


@dataclass(frozen=True, slots=True)
class Game:
    """What all drills of one game day share."""

    job_type: JobType
    rowset: RowSet
    seed: int
    instructions: tuple[str, ...] = ()
    """Injected instructions that the user brought, one per row to be spoiled."""
    options: str = ""
    """What to add to a command so that it repeats this game: ` --rows FILE --job FILE`."""


@dataclass(slots=True)
class World:
    """One arm of one drill. Scripts use `rows`, `run` and `operator`; the harness the rest."""

    game: Game
    drill: Drill
    arm: ArmName
    clock: VirtualClock = field(default_factory=VirtualClock)
    alerts: Alerts = field(default_factory=Alerts)
    timeline: list[Entry] = field(default_factory=list)
    spoiled: list[tuple[Sabotage, Spoiled]] = field(default_factory=list)
    status: str = "not run"
    why: str = ""
    _started: datetime | None = None
    _ended_at: datetime | None = None
    _api: Api | None = None
    _runner: BatchRunner | None = None
    _record: SystemOfRecord | None = None
    _store: Engine | None = None
    _task: Task | None = None
    _rows: tuple[Row, ...] = ()
    _job: Job | None = None
    _before: Mapping[str, Value] = field(default_factory=dict)
    _subjects: dict[str, str] = field(default_factory=dict)

    @property
    def operator(self) -> Operator:
        """The person on call."""
        return Operator(self)

    def rows(self, count: int | None = None) -> tuple[Row, ...]:
        """The first so many of the user's rows, all by default."""
        return self.game.rowset.rows[:count]

    def run(self, rows: Sequence[Row]) -> None:
        """Give these rows to the pipeline under test, and wait until it ends."""
        self.prepare(rows)
        assert self._runner is not None
        assert self._task is not None
        self._job = Job("game_1", self._task.job_type, seed=self.game.seed)
        try:
            outcome = self._runner.run(self._job, self._task.rows)
        except Exception as error:  # noqa: BLE001 - a crash of the pipeline is a finding
            self.status, self.why = "crashed", f"{type(error).__name__}: {str(error)[:300]}"
            self.tell("pipeline", f"crashed: {self.why}")
        else:
            self.status, self.why = outcome.status, outcome.why

    def prepare(self, rows: Sequence[Row]) -> None:
        """Sabotage the task, start the service and lay the tables; nothing runs yet."""
        self._rows = tuple(rows)
        self._task = self._spoil(
            Task(self.game.job_type, self._rows, RowSource(self._rows), planted={})
        )
        self._build(self._task)

    def rollback(self) -> int:
        """Have the pipeline undo its promotion; the number of rows it says it put back."""
        assert self._runner is not None
        assert self._job is not None
        return self._runner.rollback(self._job)

    def tell(self, who: str, what: str) -> None:
        """Add a line to the timeline."""
        self.timeline.append(Entry(self.clock.now() - self.started_at, who, what))

    @property
    def api(self) -> Api:
        """The simulated service."""
        assert self._api is not None, "the script has not run anything yet"
        return self._api

    def close_books(self) -> None:
        """Let the service finish and bill whatever it still works on."""
        self._ended_at = self.clock.now()
        self.clock.sleep(timedelta(hours=25))

    def record(self) -> Record:
        """The evidence as it stands now."""
        return Record(
            job_type=self.game.job_type,
            rows=self._rows,
            planted=self._task.planted if self._task else {},
            books=self.api.books(),
            before=self._before,
            after=self._read_record(),
            quarantined=self._read_quarantine(),
            status=self.status,
            why=self.why,
            alarms=tuple(self.alerts),
            lasted=(self._ended_at or self.clock.now()) - self.started_at,
            approved_usd=self.game.job_type.spend.ceiling_usd,
            sabotaged=sum(spoiled.fired for _, spoiled in self.spoiled),
            subjects=self._subjects,
        )

    @property
    def started_at(self) -> datetime:
        """When the arm began, on the virtual clock."""
        if self._started is None:
            self._started = self.clock.now()
        return self._started

    def _spoil(self, task: Task) -> Task:
        if self.arm is ArmName.CALM:
            return task
        for number, act in enumerate(self.drill.sabotage):
            if isinstance(act, PlantedInstructions) and self.game.instructions:
                act = replace(act, instructions=self.game.instructions)  # noqa: PLW2901
            spoiled = act.spoil(task, Random(f"{self.game.seed}/sabotage/{number}"))
            self.spoiled.append((act, spoiled))
            task = spoiled.task
        return task

    def _build(self, task: Task) -> None:
        labels = known_labels(self.game)
        self._api = Api(
            seed=self.game.seed,
            clock=self.clock,
            responder=self._model(task, labels),
            faults=() if self.arm is ArmName.CALM else bound(self.drill.faults, self.game),
        )
        self._store = open_store("sqlite://")
        self._record = self.make_record()
        self._before = self._read_record()
        secret = hashlib.sha256(f"{self.game.seed}/secret".encode()).digest()
        ledger = Ledger(self._store, self.clock.now, self._listen)
        self._runner = BatchRunner(
            make_client(self._api),
            ledger,
            self.clock,
            self._stack(task, self._store, self._record),
            pager=_Pager(self),
            secret=secret,
        )

    def _model(self, task: Task, labels: Sequence[str]) -> Gullible:
        """What the service says: right mostly, and gullible where the rows carry instructions."""
        job_type, name = task.job_type, task.job_type.text_field
        truths: dict[str, Truth] = {}
        column = job_type.rows.label_column
        planted = {row.key: row for row in task.rows if row.key in task.planted}
        for row in self._rows:
            text = row.fields[name]
            label = row.fields.get(column, "") if column else ""
            if label not in labels:
                label = labels[hash_of(text) % len(labels)]
            if row.key in planted:
                text = planted[row.key].fields[name]
            truth = truths.setdefault(text, Truth(row.key, label))
            self._subjects[row.key] = truth.subject
        answer = _answers(job_type)
        oracle = LabelOracle(truths, labels, MODEL_ACCURACY, answer, ECHO)
        wanted = answer(labels[0], 1.0, {})
        return Gullible(oracle, dict.fromkeys(task.planted.values(), wanted) or {"\0": ""})

    def _stack(self, task: Task, store: Engine, record: SystemOfRecord) -> Stack:
        stack = default_stack(self.game.job_type, Staging(store, record))
        if self.arm is not ArmName.BARE:
            return with_settings(stack, self.drill.controls)
        return without(
            stack,
            self.drill.control_types,
            label=task.job_type.answer.label,
            read_again=task.source.again,
            record=record,
        )

    def make_record(self) -> SystemOfRecord:
        """A system of record of its own, with what an earlier day left in it."""
        engine = open_store("sqlite://")
        properties = self.game.job_type.answer.schema["properties"]
        table = Table(
            RECORD_TABLE,
            MetaData(),
            Column(RECORD_KEY, Text, primary_key=True),
            *(
                Column(name, COLUMN_TYPES.get(str(schema.get("type")), Text))
                for name, schema in properties.items()
            ),
        )
        table.create(engine)
        old = self._old_values(list(properties))
        if old:
            with engine.begin() as connection:
                connection.execute(insert(table), old)
        return SystemOfRecord(engine, RECORD_TABLE, RECORD_KEY)

    def _old_values(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """What an earlier day left in the record, recognisable by its label."""
        dice = Random(f"{self.game.seed}/earlier day")
        label = self.game.job_type.answer.label
        chosen = dice.sample(self._rows, round(OLD_SHARE * len(self._rows)))
        return [
            {RECORD_KEY: row.key, **dict.fromkeys(names), label: "from an earlier day"}
            for row in chosen
        ]

    def _read_record(self) -> dict[str, Value]:
        assert self._record is not None
        table = self._record.table
        names = [column.name for column in table.c if column.name != RECORD_KEY]
        columns = [table.c[RECORD_KEY], *(table.c[name] for name in names)]
        with self._record.engine.connect() as connection:
            return {
                key: dict(zip(names, values, strict=True))
                for key, *values in connection.execute(select(*columns))
            }

    def _read_quarantine(self) -> dict[str, str]:
        assert self._store is not None
        query = select(QUARANTINE.c.row_key, QUARANTINE.c.reason).where(
            QUARANTINE.c.row_key.is_not(None)
        )
        with self._store.connect() as connection:
            return {row.row_key: row.reason for row in connection.execute(query)}

    def _listen(self, entry: LedgerEntry) -> None:
        who, what = say_entry(entry)
        if what:
            self.tell(who, what)


class _Pager:
    """Pages the person on call in one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def page(self, alert: Alert) -> None:
        self._world.alerts.page(alert)


@dataclass(frozen=True, slots=True)
class Operator:
    """The person on call, who acts on what can be seen from outside."""

    world: World

    def reverses_what_is_wrong(self, after: timedelta = timedelta(hours=2)) -> None:
        """Some hours later somebody downstream complains; if they are right, the promotion is
        rolled back."""
        self.world.clock.sleep(after)
        wrong = self.world.record().wrong
        if not wrong:
            self.world.tell("operator", "compared the record with the rows: nothing is wrong")
            return
        self.world.tell("operator", f"noticed {len(wrong):,} wrong values, first {wrong[0]}")
        count = self.world.rollback()
        self.world.status, self.world.why = "rolled back", f"{len(wrong):,} wrong values"
        self.world.tell("operator", f"rolled the promotion back: {count:,} rows")


def make_client(api: Api) -> anthropic.Anthropic:
    """The official client on the in-process transport, deaf to the developer's environment."""
    with no_anthropic_environment():
        return anthropic.Anthropic(
            api_key="gameday",
            base_url="http://simulator.invalid",
            http_client=anthropic.DefaultHttpxClient(transport=SimulatorTransport(api)),
            max_retries=0,
        )


@contextmanager
def no_anthropic_environment() -> Iterator[None]:
    """Hide `ANTHROPIC_*` for a moment: keys and headers of a developer stay out of a drill."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if "ANTHROPIC_" in name}
    try:
        yield
    finally:
        os.environ.update(hidden)


def with_settings(stack: Stack, controls: Sequence[object]) -> Stack:
    """The stack with the settings of a drill in place of the job type's."""
    return replace(
        stack,
        controls=tuple(_setting(part, controls) for part in stack.controls),
        gate=_setting(stack.gate, controls),
        fence=_setting(stack.fence, controls),
        identity=_setting(stack.identity, controls),
    )


T = TypeVar("T")


def _setting(part: T, controls: Sequence[object]) -> T:
    """The control of the same kind that a drill brings, or the part as it is."""
    for given in controls:
        if isinstance(given, type(part)):
            return given
    return part


def bound(faults: Sequence[Fault], game: Game) -> tuple[Fault, ...]:
    """Faults with what only the job knows: where the label stands, and which labels there are."""
    return tuple(
        replace(fault, labels=known_labels(game), key=game.job_type.answer.label)
        if isinstance(fault, WrongButValid) and fault.labels == LABELS_OF_THE_JOB
        else fault
        for fault in faults
    )


def known_labels(game: Game) -> tuple[str, ...]:
    """The labels of the job's schema, or else those that its rows know."""
    column = game.job_type.rows.label_column
    if game.job_type.labels or column is None:
        return game.job_type.labels or ("yes", "no")
    return tuple(sorted({row.fields[column] for row in game.rowset.rows if row.fields[column]}))


def hash_of(text: str) -> int:
    """A number that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:4])


def _answers(job_type: JobType) -> Any:
    """A function that writes the model's answer in the shape of the job's schema."""
    properties = job_type.answer.schema["properties"]
    samples = {"string": "ok", "integer": 1, "boolean": True, "array": [], "object": {}}

    def answer(label: str, score: float, echoed: dict[str, str]) -> str:
        value: dict[str, Any] = dict(echoed)
        for name, schema in properties.items():
            kind = schema.get("type")
            if name == job_type.answer.label:
                value[name] = label
            elif kind == "number":
                value[name] = score
            elif "enum" in schema:
                value[name] = schema["enum"][0]
            else:
                value[name] = samples.get(str(kind))
        return msgspec.json.encode(value).decode()

    return answer
