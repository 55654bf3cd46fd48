"""The world of one arm: clock, service, client, tables and pipeline, wired once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Protocol, TypeVar

import msgspec
from sqlalchemy import Engine

from controls import (
    Alerts,
    Approval,
    BatchRunner,
    Chunking,
    Deduplicated,
    Job,
    JobType,
    Ledger,
    LedgerEntry,
    Pager,
    Polling,
    Register,
    Router,
    Row,
    Stack,
    Staging,
    SystemOfRecord,
    Telemetry,
    default_stack,
    open_store,
)
from controls.core.moment import Estimate
from controls.ids import Namespace
from controls.retention import BEFORE_IMAGES
from reports import ArmName, Entry
from scenarios.harness.client import Wire, make_client, make_http
from scenarios.harness.drill import Drill
from scenarios.harness.field import FieldPipeline, FieldWorker, Hung, Tools
from scenarios.harness.live import LiveRunner
from scenarios.harness.mishaps import Gear, Killed, Mishap, befall_all
from scenarios.harness.model import bound, known_labels, simulated_model
from scenarios.harness.naive import without
from scenarios.harness.people import Operator
from scenarios.harness.record import Act, JobEnd, Record
from scenarios.harness.response import Diary
from scenarios.harness.rota import Rota
from scenarios.harness.rows import RowSet
from scenarios.harness.sabotage import PlantedInstructions, Sabotage
from scenarios.harness.shapes import Shape, Value
from scenarios.harness.shelf import SMALL, Shelf
from scenarios.harness.tables import (
    fill_record,
    give_record_back,
    read_quarantine,
    read_record,
    take_record,
)
from scenarios.harness.task import Errand, RowSource, Spoiled, Task
from scenarios.harness.telling import say_entry
from scenarios.harness.till import Till
from scenarios.harness.witness import Witness
from simulator import Api, VirtualClock
from simulator.faults import Fault

T = TypeVar("T")
Runner = BatchRunner | FieldWorker | LiveRunner
JOB = "game_1"
RELEASED = Approval("game day", Decimal(0))
"""Somebody has looked at the answers of the first run: it goes on after its canary."""
UNTIL_ALL_ENDED = timedelta(hours=25)
"""A batch ends 24 hours after its creation at the latest."""
UNTIL_STARTED_AGAIN = timedelta(minutes=1)
"""What a supervisor takes to start a worker again."""
WORST = ("done", "not run", "waiting for approval", "halted", "crashed", "hung")
"""How several jobs ended together: as the worst of them."""
STORE = "store"
STORES: Shelf[Engine] = Shelf(lambda engine: engine)
"""The stores of worlds that are over."""
SELDOM = Polling(timedelta(minutes=45), timedelta(hours=12), growth=4, at_once=False)
"""As a rule nothing is learnt from the looks at a batch, and each takes real time."""
OFTEN = Polling(longest=timedelta(hours=1), growth=4)
"""Where it matters how soon somebody sees what becomes of a batch."""
ENOUGH_FOR_A_RAMP = 2_000
"""Fewer rows go at once after the canary."""
WATCHED = timedelta(days=2)
"""A pipeline that waits for longer counts as hung."""


def in_memory() -> Engine:
    """A database of its own."""
    return open_store("sqlite://")


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


@dataclass(slots=True)
class Hired:
    """One job, and whoever works on it at present."""

    job: Job
    rows: tuple[Row, ...]
    runner: Runner
    began_at: datetime
    ended_at: datetime
    status: str = "not run"
    why: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that stands once the rows are known."""

    rows: tuple[Row, ...]
    """As the user has them."""
    task: Task
    """As the pipeline gets them."""
    api: Api
    wire: Wire
    gear: Gear
    store: Engine
    ledger: Ledger
    record: SystemOfRecord
    before: Mapping[str, Value]
    hired: list[Hired]
    """The jobs of this arm, in their order."""
    batches_of: int | None
    polling: Polling
    subjects: Mapping[str, str]
    truths: Mapping[str, str]

    @property
    def runner(self) -> Runner:
        """That of the first job."""
        return self.hired[0].runner

    @property
    def job(self) -> Job:
        """The first."""
        return self.hired[0].job


class Refit(Protocol):
    """Puts something else in the place of a control: given a stack, of one in it."""

    def __call__(self, part: T, /) -> T: ...


def as_it_is(part: T, /) -> T:
    """Nothing is put in its place. The neutral refit."""
    return part


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
    witness: Witness = field(default_factory=Witness)
    status: str = "not run"
    why: str = ""
    refit: Refit = as_it_is
    """What is done to every control before it is used, in all arms but the bare one."""
    remains: list[str] = field(default_factory=list)
    """Where payload was still kept when its time was over."""
    told_usd: dict[str, Decimal] = field(default_factory=dict)
    """What each team was told that it has spent."""
    diary: Diary = field(default_factory=Diary)
    deeds: list[Act] = field(default_factory=list)
    """What people did, in order of time."""
    started_at: datetime = field(init=False)
    rota: Rota = field(init=False)
    """Who acts when; the clock of the pipeline, unless that is wrong."""
    pager: Pager = field(init=False)
    till: Till = field(default_factory=Till)
    telemetry: Telemetry = field(init=False)
    """What listens to the ledger in a drill that names it."""
    _ended_at: datetime | None = None
    _stage: Stage | None = None
    _first: list[Callable[[], None]] = field(default_factory=list)
    _later: list[tuple[timedelta, Callable[[], None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.started_at = self.clock.now()
        self.rota = Rota(self.clock)
        self.telemetry = self.witness.listener(self.refit(Telemetry(meters=self.till)))
        named = Deduplicated in self.drill.control_types
        self.pager = self.alerts
        if named and self.has(Deduplicated):
            self.pager = self.witness.pager(self.refit(Deduplicated(self.alerts)))

    @property
    def operator(self) -> Operator:
        """The person on call."""
        return Operator(self)

    def rows(self, count: int | None = None) -> tuple[Row, ...]:
        """The first so many of the user's rows, all by default."""
        return self.game.rowset.rows[:count]

    def has(self, control: object) -> bool:
        """Whether this arm has a control that the drill may name."""
        return self.arm is not ArmName.BARE or control not in self.drill.control_types

    def beside(self, control: T) -> T | None:
        """A control from beside the stack, to be called at once; None where it is missing."""
        if not self.has(control):
            return None
        self.witness.used(control)
        return self.refit(control)

    def run(
        self, rows: Sequence[Row], *, batches_of: int | None = None, polling: Polling = SELDOM
    ) -> None:
        """Give these rows to the pipeline under test, and wait until it ends.

        Args:
            batches_of: so many requests at most, in every arm.
            polling: how often batches are looked at; `OFTEN` where it matters how soon somebody
                sees what becomes of them.
        """
        self.run_together(Errand(rows), batches_of=batches_of, polling=polling)

    def run_together(
        self, *errands: Errand, batches_of: int | None = None, polling: Polling = SELDOM
    ) -> None:
        """Give several jobs to the pipeline, which runs them side by side; wait for all."""
        if self._stage is not None:
            raise RuntimeError("A world runs one job; the books of a second would hide the first.")
        rows = [row for errand in errands for row in errand.rows]
        stage = self.prepare(rows, errands, batches_of=batches_of, polling=polling)
        for act in self._first:
            act()
        first, *others = stage.hired
        for hired in others:
            self.rota.begin(hired.began_at - self.clock.now(), partial(self.work, hired))
        for after, act in (*self._later, *stage.gear.later):
            self.rota.begin(after, act)
        self.work(first)
        self.rota.finish()
        worst = max(stage.hired, key=lambda hired: WORST.index(hired.status))
        self.status, self.why = worst.status, worst.why

    def run_in_time(self, rows: Sequence[Row], deadline: timedelta) -> None:
        """Give these rows to the pipeline, whose answers are needed so long from now."""
        if self.has(Router):
            self.before_it_begins(partial(self._choose_the_way, deadline))
        self.run(rows)

    def _choose_the_way(self, deadline: timedelta) -> None:
        """Ask the router, and do as it says."""
        (hired,), stage = self.stage.hired, self.stage
        job_type, count = hired.job.type, len(hired.rows)
        output = count * (job_type.prompt.max_tokens or 0)
        price = stage.gear.prices.price(job_type.prompt.model)
        worst = price.worst(0, output, largest_prompt=0)
        router = self.witness.router(self.refit(Router.of(job_type)))
        route = router.route(Estimate(count, 0, output, worst, 0), deadline)
        self.tell("control", f"{route.kind}: {route.why}")
        if route.kind == "synchronous":
            client, stack = make_client(stage.wire), self._stack(hired.job, stage)
            speed = router.live_rows_per_minute
            hired.runner = LiveRunner(
                client, stage.gear.clock, stack, stage.record, self.secret, speed
            )

    @property
    def secret(self) -> bytes:
        """What fences and references are made with."""
        return hashlib.sha256(f"{self.game.seed}/secret".encode()).digest()

    def work(self, hired: Hired) -> None:
        """Run a job until it ends; a worker that is killed or crashes may be started again."""
        gear, lives = self.stage.gear, 0
        while True:
            lives += 1
            gear.at_work = True
            self.witness.saw(hired.runner)
            try:
                outcome = hired.runner.run(hired.job, hired.rows)
            except Hung as endless:
                hired.status, hired.why = "hung", str(endless)
                self.tell("pipeline", f"hung: {hired.why}")
                break
            except Killed:
                died = "killed: the process is gone"
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a crash of the pipeline is a finding
                died = f"{type(error).__name__}: {str(error)[:300]}"
            else:
                hired.status, hired.why = outcome.status, outcome.why
                break
            finally:
                gear.at_work = False
            self.tell("pipeline", f"crashed: {died}")
            if lives > gear.restarts:
                hired.status, hired.why = "crashed", died
                break
            self.rota.sleep(UNTIL_STARTED_AGAIN)
            hired.runner = self._runner(hired.job)
        hired.ended_at = self.clock.now()

    def before_it_begins(self, act: Callable[[], None]) -> None:
        """Have somebody act when everything stands and nothing runs yet."""
        self._first.append(act)

    def later(self, after: timedelta, act: Callable[[], None]) -> None:
        """Have somebody act so long after the beginning, whatever runs then."""
        self._later.append((after, act))

    def prepare(
        self,
        rows: Sequence[Row],
        errands: Sequence[Errand] = (),
        *,
        batches_of: int | None = None,
        polling: Polling = SELDOM,
    ) -> Stage:
        """Sabotage the task, start the service and lay the tables; nothing runs yet."""
        mine = tuple(rows)
        game = self.game
        task = self._spoil(Task(game.job_type, mine, RowSource(mine), planted={}))
        model = simulated_model(task, game.job_type, mine, game.labels)
        faults = () if self.arm is ArmName.CALM else game.bound(self.drill.faults)
        store = STORES.take(STORE, partial(open_store, "sqlite://"))
        gear = Gear(clock=self.rota, store=store, approvals=(RELEASED,))
        befall_all(self.spoiled, gear, game.seed)
        api = Api(
            seed=game.seed,
            clock=self.clock,
            responder=model.responder,
            faults=faults,
            limits=gear.limits,
        )
        record = take_record(game.job_type)
        fill_record(record, game.job_type, mine, game.seed)
        wire = Wire(api, gear.bent)
        gear.client = partial(make_client, wire)
        self._stage = Stage(
            rows=mine,
            task=task,
            api=api,
            wire=wire,
            gear=gear,
            store=gear.store,
            ledger=Ledger(gear.store, gear.clock.now, self._listen),
            record=record,
            before=read_record(record, Shape.of(game.job_type.answer.schema)),
            hired=[],
            batches_of=batches_of,
            polling=polling,
            subjects=model.subjects,
            truths=model.truths,
        )
        self._hire(errands or [Errand(mine)])
        return self._stage

    def _hire(self, errands: Sequence[Errand]) -> None:
        """Somebody for each errand; each policy is approved once."""
        stage, begins = self.stage, self.clock.now()
        approved: list[JobType] = []
        for errand in (errand for errand in errands for _ in range(1 + stage.gear.copies)):
            number = len(stage.hired) + 1
            job_type = _type_of(errand, stage.task)
            job = Job(f"game_{number}", job_type, stage.gear.approvals, self.game.seed)
            if job_type not in approved:
                approved.append(job_type)
                stage.gear.approve(Register(stage.ledger), job_type)
            theirs = _rows_of(errand, stage.task, alone=len(errands) == 1)
            at = begins + errand.after
            stage.hired.append(Hired(job, theirs, self._runner(job), at, at))

    def _runner(self, job: Job) -> Runner:
        """A worker with nothing in its memory."""
        stage = self.stage
        client, clock = make_client(stage.wire), stage.gear.clock
        if self.arm is ArmName.BARE and BatchRunner in self.drill.control_types:
            http, until = make_http(stage.wire), self.clock.now() + WATCHED
            tools = Tools(client, http, clock, job.type, stage.record, until)
            return FieldWorker(self._habit(), tools)
        return BatchRunner(
            client,
            stage.ledger,
            clock,
            self._stack(job, stage),
            pager=self.pager,
            secret=self.secret,
            prices=stage.gear.prices,
        )

    @property
    def stage(self) -> Stage:
        """What stands since the rows are known."""
        if self._stage is None:
            raise RuntimeError(f"The script of {self.drill.name} has not run anything.")
        return self._stage

    def rollback(self) -> int:
        """Have the pipeline undo its promotions, the last one first; the number of rows it says it
        put back."""
        return sum(hired.runner.rollback(hired.job) for hired in reversed(self.stage.hired))

    @property
    def purged(self) -> bool:
        """Whether what stood in the record before was removed on schedule."""
        purged = self.stage.ledger.entries(kind="purged")
        return any(entry.body["what"] == BEFORE_IMAGES for entry in purged)

    def did(self, kind: str, what: str) -> None:
        """Note what a person did."""
        self.deeds.append(Act(self.clock.now(), kind, what))
        self.tell("operator", what)

    def give_back(self) -> None:
        """Nobody looks at this world any more: its databases may serve another one."""
        befallen = any(isinstance(act, Mishap) for act, _ in self.spoiled)
        if self._stage is not None and not befallen and len(self._stage.task.rows) <= SMALL:
            STORES.give_back(STORE, self._stage.store)
            give_record_back(self.game.job_type, self._stage.record)

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
            redacted=self.game.rowset.redacted,
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
            acts=tuple(self.deeds),
            secrets=stage.task.secrets,
            live_calls=tuple(stage.wire.live),
            remains=tuple(self.remains),
            told_usd=dict(self.told_usd),
            mishaps={type(act).__name__: spoiled.places for act, spoiled in self.spoiled},
            jobs=tuple(map(_end_of, stage.hired)),
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

    def _stack(self, job: Job, stage: Stage) -> Stack:
        policy = _policy_of(self.game.job_type, job.type)
        if len(stage.task.rows) < ENOUGH_FOR_A_RAMP:
            policy = without_ramp(policy)
        stack = default_stack(policy, Staging(stage.store, stage.record))
        stack = replace(stack, polling=stage.polling)
        if stage.batches_of is not None:
            stack = replace(stack, chunking=Chunking(max_requests=stage.batches_of))
        if self.arm is not ArmName.BARE:
            stack = _befitted(self.refit(with_settings(stack, self.drill.controls)), stage.gear)
            return self.witness.behind(stack)
        stack = without(
            stack,
            self.drill.control_types,
            instead=self.drill.instead,
            label=job.type.answer.label,
            read_again=stage.task.source.again,
            record=stage.record,
        )
        return _befitted(stack, stage.gear)

    def _listen(self, entry: LedgerEntry) -> None:
        if Telemetry in self.drill.control_types and self.has(Telemetry):
            self.telemetry(entry)
        who, what = say_entry(entry)
        if what:
            self.tell(who, what)
            self.diary.note(entry, self.timeline[-1])


def _type_of(errand: Errand, task: Task) -> JobType:
    """The job type of one of several jobs: another one for another team or priority."""
    job_type = task.job_type
    if not errand.team and not errand.priority:
        return job_type
    schedule = msgspec.structs.replace(job_type.schedule, priority=errand.priority)
    team = errand.team or job_type.team
    name = f"{job_type.name} of {team} at {errand.priority}"
    return msgspec.structs.replace(job_type, name=name, team=team, schedule=schedule)


def _policy_of(agreed: JobType, running: JobType) -> JobType:
    """What was agreed before any sabotage, for the job that runs."""
    return msgspec.structs.replace(
        agreed, name=running.name, team=running.team, schedule=running.schedule
    )


def _rows_of(errand: Errand, task: Task, *, alone: bool) -> tuple[Row, ...]:
    """The rows of one job as the pipeline gets them, counted from 0."""
    if alone:
        return task.rows
    keys = {row.key for row in errand.rows}
    mine = (row for row in task.rows if row.key in keys)
    return tuple(replace(row, ordinal=ordinal) for ordinal, row in enumerate(mine))


def _end_of(hired: Hired) -> JobEnd:
    return JobEnd(
        hired.job.id,
        frozenset(row.key for row in hired.rows),
        hired.job.type.team,
        Namespace(hired.job.type.team, hired.job.id).prefix,
        hired.status,
        hired.why,
        hired.began_at,
        hired.ended_at,
    )


def _befitted(stack: Stack, gear: Gear) -> Stack:
    for fit in gear.fits:
        stack = fit(stack)
    return stack


def without_ramp(job_type: JobType) -> JobType:
    """The policy for few rows: they go at once after the canary. The steps of a ramp would be so
    small that one bad row in twenty could not be told from one in ten."""
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
        sink=_setting(stack.sink, controls),
        chunking=_setting(stack.chunking, controls),
    )


def _setting(part: T, controls: Sequence[object]) -> T:
    """The control of the same kind that a drill brings, or the part as it is."""
    for given in controls:
        if isinstance(given, type(part)):
            return given
    return part
