"""The world of one arm: clock, service, client, tables and pipeline, wired once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import TypeVar

import msgspec
from sqlalchemy import Engine

from controls import (
    Alerts,
    Approval,
    BatchRunner,
    Job,
    JobType,
    Ledger,
    LedgerEntry,
    Register,
    Row,
    Stack,
    Staging,
    SystemOfRecord,
    default_stack,
    open_store,
)
from reports import ArmName, Entry
from scenarios.harness.client import Wire, make_client, make_http
from scenarios.harness.drill import Drill
from scenarios.harness.field import FieldPipeline, FieldWorker, Hung, Tools
from scenarios.harness.model import bound, known_labels, simulated_model
from scenarios.harness.naive import without
from scenarios.harness.record import Record
from scenarios.harness.rows import RowSet
from scenarios.harness.sabotage import PlantedInstructions, Sabotage
from scenarios.harness.shapes import Shape, Value
from scenarios.harness.shelf import SMALL, Shelf
from scenarios.harness.tables import empty_record, fill_record, read_quarantine, read_record
from scenarios.harness.task import RowSource, Spoiled, Task
from scenarios.harness.telling import say_entry
from simulator import Api, VirtualClock
from simulator.faults import Fault

JOB = "game_1"
RELEASED = Approval("game day", Decimal(0))
"""Somebody has looked at the answers of the first run: it goes on after its canary."""
UNTIL_ALL_ENDED = timedelta(hours=25)
"""A batch ends 24 hours after its creation at the latest."""
STORE = "store"
STORES: Shelf[Engine] = Shelf(lambda engine: engine)
RECORDS: Shelf[SystemOfRecord] = Shelf(lambda record: record.engine)
"""The databases of worlds that are over."""
WATCHED = timedelta(days=2)
"""A pipeline that waits for longer counts as hung."""


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

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that an answer can have."""
        return known_labels(self.job_type, self.rowset)

    def bound(self, faults: Sequence[Fault]) -> tuple[Fault, ...]:
        """Faults with what only the job knows."""
        return bound(faults, self.job_type, self.labels)


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that stands once the rows are known."""

    rows: tuple[Row, ...]
    """As the user has them."""
    task: Task
    """As the pipeline gets them."""
    api: Api
    wire: Wire
    store: Engine
    record: SystemOfRecord
    before: Mapping[str, Value]
    runner: BatchRunner | FieldWorker
    job: Job
    subjects: Mapping[str, str]
    truths: Mapping[str, str]


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
    acts: list[Callable[[], None]] = field(default_factory=list)
    """What the operator does whenever the pipeline waits."""
    status: str = "not run"
    why: str = ""
    started_at: datetime = field(init=False)
    _ended_at: datetime | None = None
    _stage: Stage | None = None

    def __post_init__(self) -> None:
        self.started_at = self.clock.now()

    @property
    def operator(self) -> Operator:
        """The person on call."""
        return Operator(self)

    def rows(self, count: int | None = None) -> tuple[Row, ...]:
        """The first so many of the user's rows, all by default."""
        return self.game.rowset.rows[:count]

    def run(self, rows: Sequence[Row]) -> None:
        """Give these rows to the pipeline under test, and wait until it ends."""
        if self._stage is not None:
            raise RuntimeError("A world runs one job; the books of a second would hide the first.")
        stage = self.prepare(rows)
        try:
            outcome = stage.runner.run(stage.job, stage.task.rows)
        except Hung as endless:
            self.status, self.why = "hung", str(endless)
            self.tell("pipeline", f"hung: {self.why}")
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a crash of the pipeline is a finding
            self.status, self.why = "crashed", f"{type(error).__name__}: {str(error)[:300]}"
            self.tell("pipeline", f"crashed: {self.why}")
        else:
            self.status, self.why = outcome.status, outcome.why

    def prepare(self, rows: Sequence[Row]) -> Stage:
        """Sabotage the task, start the service and lay the tables; nothing runs yet."""
        mine = tuple(rows)
        game = self.game
        task = self._spoil(Task(game.job_type, mine, RowSource(mine), planted={}))
        model = simulated_model(task, game.job_type, mine, game.labels)
        faults = () if self.arm is ArmName.CALM else game.bound(self.drill.faults)
        api = Api(seed=game.seed, clock=self.clock, responder=model.responder, faults=faults)
        store = STORES.take(STORE, partial(open_store, "sqlite://"))
        record = RECORDS.take(self._record_kind(), partial(empty_record, game.job_type))
        fill_record(record, game.job_type, mine, game.seed)
        ledger = Ledger(store, self.clock.now, self._listen)
        Register(ledger).note(task.job_type, by=task.job_type.approved_by)
        wire = Wire(api)
        client = make_client(wire)
        clock = WatchedClock(self.clock, self.acts)
        runner: BatchRunner | FieldWorker
        if self.arm is ArmName.BARE and BatchRunner in self.drill.control_types:
            http, until = make_http(wire), self.clock.now() + WATCHED
            tools = Tools(client, http, clock, task.job_type, record, until)
            runner = FieldWorker(self._habit(), tools)
        else:
            runner = BatchRunner(
                client,
                ledger,
                clock,
                self._stack(task, store, record),
                pager=self.alerts,
                secret=hashlib.sha256(f"{game.seed}/secret".encode()).digest(),
            )
        self._stage = Stage(
            rows=mine,
            task=task,
            api=api,
            wire=wire,
            store=store,
            record=record,
            before=read_record(record, Shape.of(game.job_type.answer.schema)),
            runner=runner,
            job=Job(JOB, task.job_type, (RELEASED,), game.seed),
            subjects=model.subjects,
            truths=model.truths,
        )
        return self._stage

    @property
    def stage(self) -> Stage:
        """What stands since the rows are known."""
        if self._stage is None:
            raise RuntimeError(f"The script of {self.drill.name} has not run anything.")
        return self._stage

    def rollback(self) -> int:
        """Have the pipeline undo its promotion; the number of rows it says it put back."""
        return self.stage.runner.rollback(self.stage.job)

    def give_back(self) -> None:
        """Nobody looks at this world any more: its databases may serve another one."""
        if self._stage is not None and len(self._stage.task.rows) <= SMALL:
            STORES.give_back(STORE, self._stage.store)
            RECORDS.give_back(self._record_kind(), self._stage.record)

    def _record_kind(self) -> bytes:
        return msgspec.json.encode(self.game.job_type.answer.schema)

    def tell(self, who: str, what: str) -> None:
        """Add a line to the timeline."""
        self.timeline.append(Entry(self.clock.now() - self.started_at, who, what))

    def close_books(self) -> None:
        """Let the service finish and bill whatever it still works on."""
        self._ended_at = self.clock.now()
        self.clock.sleep(UNTIL_ALL_ENDED)

    def record(self) -> Record:
        """The evidence as it stands now."""
        stage = self.stage
        return Record(
            job_type=self.game.job_type,
            rows=stage.rows,
            planted=stage.task.planted,
            books=stage.api.books(),
            besides=tuple(stage.wire.besides),
            strangers=tuple(stage.wire.strangers),
            told_to_wait=stage.wire.told_to_wait,
            hurried=tuple(stage.wire.hurried),
            before=stage.before,
            after=read_record(stage.record, Shape.of(self.game.job_type.answer.schema)),
            truths=stage.truths,
            quarantined=read_quarantine(stage.store),
            status=self.status,
            why=self.why,
            alarms=tuple(self.alerts),
            lasted=(self._ended_at or self.clock.now()) - self.started_at,
            approved_usd=self.game.job_type.spend.ceiling_usd,
            sabotaged=sum(spoiled.fired for _, spoiled in self.spoiled),
            subjects=stage.subjects,
        )

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

    def _habit(self) -> FieldPipeline:
        """The pipeline that runs in the place of the runner."""
        given = (part for part in self.drill.instead if isinstance(part, FieldPipeline))
        return next(given, FieldPipeline())

    def _stack(self, task: Task, store: Engine, record: SystemOfRecord) -> Stack:
        job_type = self.game.job_type
        if len(task.rows) < len(self.game.rowset.rows):
            job_type = without_ramp(job_type)
        stack = default_stack(job_type, Staging(store, record))
        if self.arm is not ArmName.BARE:
            return with_settings(stack, self.drill.controls)
        return without(
            stack,
            self.drill.control_types,
            instead=self.drill.instead,
            label=task.job_type.answer.label,
            read_again=task.source.again,
            record=record,
        )

    def _listen(self, entry: LedgerEntry) -> None:
        who, what = say_entry(entry)
        if what:
            self.tell(who, what)


@dataclass(frozen=True, slots=True)
class WatchedClock:
    """The clock of the pipeline: when it waits, others get to act."""

    clock: VirtualClock
    acts: Sequence[Callable[[], None]]

    def now(self) -> datetime:
        """The present."""
        return self.clock.now()

    def sleep(self, duration: timedelta, /) -> None:
        """Wait, and let the others act."""
        self.clock.sleep(duration)
        for act in self.acts:
            act()


@dataclass(frozen=True, slots=True)
class Operator:
    """The person on call, who acts on what can be seen from outside."""

    world: World

    def cancels_doubles(self) -> None:
        """When a batch of the same size was made after one that runs, the older one is canceled:
        whoever sent the second waits for that one."""
        self.world.acts.append(self._cancel_doubles)

    def _cancel_doubles(self) -> None:
        batches = self.world.stage.api.books().batches
        newest = {batch.requests: batch.id for batch in batches}
        for batch in batches:
            if batch.processing_status == "in_progress" and newest[batch.requests] != batch.id:
                make_client(self.world.stage.wire).messages.batches.cancel(batch.id)
                self.world.tell("operator", f"canceled {batch.id}, which looked like a double")

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


def without_ramp(job_type: JobType) -> JobType:
    """The policy for a part of the rows: they go at once after the canary. The steps of a ramp
    would be so small that one bad row in twenty could not be told from one in ten."""
    return msgspec.structs.replace(
        job_type, canary=msgspec.structs.replace(job_type.canary, ramp=())
    )


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
