"""Playing a plan: one job, its workers, the people around it, and what is left at the end.

The parts are those of a drill's guarded arm (`world.py`). What differs: workers are killed and
started again, people act in between, and when all is over everything is undone and purged, so
that both can be judged too.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

import msgspec
from sqlalchemy import Engine, func, select
from sqlalchemy.engine import Connection

from controls import (
    Alerts,
    BatchRunner,
    ControlError,
    Job,
    Ledger,
    Stack,
    Staging,
    SystemOfRecord,
    default_stack,
)
from controls.chunking import Chunking
from controls.core.columns import read_sent
from controls.core.store import METADATA, QUARANTINE, SENT, STAGING
from controls.ids import Namespace
from controls.polling import Polling
from controls.retention import purge
from controls.runbook import Runbook
from reports import ArmName
from scenarios.harness.client import make_client
from scenarios.harness.drill import Drill
from scenarios.harness.fuzz.job import fitting, game_of
from scenarios.harness.fuzz.lives import (
    CREATE,
    BoundedClock,
    Commits,
    Endless,
    Killed,
    Life,
    MortalWire,
)
from scenarios.harness.fuzz.plan import MEANWHILE, Deed, Kill, Plan
from scenarios.harness.fuzz.story import Epilogue, Story
from scenarios.harness.record import in_json
from scenarios.harness.world import JOB, RELEASED, Game, World
from simulator import Request

PERSON, WHY = "A. Person", "somebody should look"
LONGEST_WAIT = timedelta(hours=28)
"""The longest that one thing of the service takes: a batch to end, or a lost one to be found."""
SELDOM = Polling(timedelta(minutes=4), timedelta(hours=2))
"""An old batch is looked at seldom: looks only take time here."""
LIVES = 6
"""Beyond its kills and what people do, a job may need so many workers; more are no end."""
PURGES = (timedelta(days=15), timedelta(days=14))
"""Somebody purges so long after the story, when answers are due; and so long after that, when
all but the keys is."""
NO_EPILOGUE = Epilogue((), 0, (), 0)
SHORTEST_TEXT = 12
"""Shorter texts of rows occur elsewhere by chance, and are not searched for."""

Mutation = Callable[[Stack, Engine], Stack]
"""What a test does to the guardrails, to see whether somebody notices."""


def play(
    plan: Plan, game: Game, mutation: Mutation | None = None, *, epilogue: bool = True
) -> Story:
    """A fresh world, all that the plan says, and the evidence; without an epilogue nothing is
    undone and purged at the end."""
    return _Theatre(plan, game_of(plan, game), mutation).play(epilogue=epilogue)


class _Theatre:
    """One story while it is played."""

    def __init__(self, plan: Plan, game: Game, mutation: Mutation | None) -> None:
        self._plan, self._mutation = plan, mutation
        self._limit = _limit(plan)
        self._clock = BoundedClock(self._limit)
        sabotage = fitting(plan.sabotage, game)
        drill = Drill("fuzz", "", "", "", plan.faults, sabotage, (), (), _no_script)
        self._world = World(game, drill, ArmName.GUARDED, clock=self._clock)
        self._stage = self._world.prepare(game.rowset.rows)
        self._before = _content(self._stage.record)
        _count_writes(self._stage.record)
        self._life = Life()
        self._commits = (
            Commits(self._stage.store, lambda: self._life, _may_write),
            Commits(self._stage.record.engine, lambda: self._life, lambda _: True),
        )
        self._ledger = Ledger(self._stage.store, self._clock.now)
        self._runbook = Runbook(self._ledger)
        self._client = make_client(self._stage.wire)
        self._mortal = make_client(
            MortalWire(self._stage.wire, lambda: self._life, self._before_call)
        )
        self._namespace = Namespace(self._stage.job.type.team, JOB)
        self._meanwhile = {
            act.before_call: act.deed
            for act in plan.acts
            if act.before_call and act.deed in MEANWHILE
        }
        self._approved_usd = game.job_type.spend.ceiling_usd
        self._acts: list[Deed] = []
        self._put_back: set[str] = set()
        self._written: Counter[str] | None = None
        self._unannounced: list[str] = []
        self._announced = self._killed = self._steps = 0

    def play(self, *, epilogue: bool) -> Story:
        """The story and its epilogue."""
        try:
            return self._played(epilogue=epilogue)
        finally:
            for commits in self._commits:
                commits.close()
            self._world.give_back()

    def _played(self, *, epilogue: bool) -> Story:
        try:
            self._all_lives()
        except Endless as endless:
            self._world.status, self._world.why = "endless", f"it went on, {endless}"
        self._life = Life()
        self._clock.lift()
        self._world.close_books()
        written = self._written if self._written is not None else self._writes()
        content = _content(self._stage.record)
        with self._stage.store.connect() as connection:
            kept = Counter(connection.scalars(select(QUARANTINE.c.row_key)).all())
        return Story(
            plan=self._plan,
            record=replace(self._world.record(), approved_usd=self._approved_usd),
            written=written,
            kept={key: count for key, count in kept.items() if key is not None},
            unannounced=tuple(self._unannounced),
            announced=self._announced,
            put_back=frozenset(self._put_back),
            not_put_back=_different(self._before, content, self._put_back),
            epilogue=self._epilogue(len(written)) if epilogue else NO_EPILOGUE,
            limit=self._limit,
            killed=self._killed,
            acts=tuple(self._acts),
            steps=self._steps,
        )

    # Workers.

    def _all_lives(self) -> None:
        """One worker after the other, and what people do whenever none is at work."""
        kills = deque(self._plan.kills)
        deeds = deque(act.deed for act in self._plan.acts if not act.before_call)
        todo = self._run
        for _ in range(len(kills) + len(deeds) + LIVES):
            if not self._live(kills.popleft() if kills else None, todo):
                continue
            if not deeds:
                return
            todo = self._doing(deeds.popleft())
        raise Endless(f"after {len(self._plan.kills) + len(self._plan.acts) + LIVES} workers")

    def _live(self, kill: Kill | None, todo: Callable[[], None]) -> bool:
        """One worker from its start to its end; false if it was killed."""
        life = self._life = Life(kill)
        try:
            todo()
        except Killed:
            pass
        finally:
            self._life = Life()
            self._steps += life.steps
            self._killed += life.doomed
        return not life.doomed

    def _run(self) -> None:
        """Run the job as a new worker would."""
        world, stage = self._world, self._stage
        approvals = (RELEASED,) if self._plan.size.released else ()
        job = Job(JOB, stage.task.job_type, approvals, self._plan.seed)
        try:
            outcome = self._runner().run(job, stage.task.rows)
        except ControlError as refused:
            halted = "was halted" in refused.what
            world.status = "halted" if halted else "refused"
            world.why = refused.what
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a crash is a finding
            world.status, world.why = "crashed", f"{type(error).__name__}: {str(error)[:300]}"
        else:
            world.status, world.why = outcome.status, outcome.why

    def _runner(self) -> BatchRunner:
        return BatchRunner(
            self._mortal,
            Ledger(self._stage.store, self._clock.now),
            self._clock,
            self._stack(),
            pager=self._world.alerts,
            secret=hashlib.sha256(f"{self._plan.seed}/secret".encode()).digest(),
        )

    def _stack(self) -> Stack:
        store = self._stage.store
        stack = default_stack(self._world.game.job_type, Staging(store, self._stage.record))
        chunking = Chunking(max_requests=self._plan.size.requests)
        stack = replace(stack, chunking=chunking, polling=SELDOM)
        return self._mutation(stack, store) if self._mutation else stack

    # People.

    def _before_call(self, number: int, request: Request) -> None:
        """What is looked at, and what people do, just before a call of a worker."""
        if (request.method, request.path) == CREATE:
            self._look_up(bytes(request.body))
        deed = self._meanwhile.pop(number, None)
        if deed is not None:
            with self._nobody_dies():
                self._doing(deed, meanwhile=True)()

    @contextmanager
    def _nobody_dies(self) -> Iterator[None]:
        """What people do at the same time is no step of the worker."""
        life, self._life = self._life, Life()
        try:
            yield
        finally:
            self._life = life

    def _doing(self, deed: Deed, *, meanwhile: bool = False) -> Callable[[], None]:
        """What somebody does; and lets the job run again after it, where that is the point."""

        def do() -> None:
            self._acts.append(deed)
            with suppress(ControlError):  # a person is told, and that is all
                self._do(deed)
            if not meanwhile and deed in {
                Deed.RESUME,
                Deed.APPROVE,
                Deed.APPROVE_SPEND,
                Deed.RUN_AGAIN,
            }:
                self._run()

        return do

    def _do(self, deed: Deed) -> None:
        book, job, team = self._runbook, f"job {JOB}", f"team {self._stage.job.type.team}"
        match deed:
            case Deed.HALT:
                book.halt(job, by=PERSON, why=WHY)
            case Deed.HALT_TEAM:
                book.halt(team, by=PERSON, why=WHY)
            case Deed.CANCEL:
                book.halt(job, by=PERSON, why=WHY, client=self._client)
            case Deed.RESUME:
                with suppress(ControlError):
                    book.resume(team, by=PERSON)
                book.resume(job, by=PERSON)
            case Deed.APPROVE:
                book.approve(JOB, by=PERSON)
            case Deed.APPROVE_SPEND:
                spend = self._stage.job.type.spend
                usd = spend.approvable_usd or Decimal(0)
                self._approved_usd = max(self._approved_usd, usd)
                book.approve(JOB, by=PERSON, up_to_usd=usd)
            case Deed.ROLLBACK:
                self._roll_back(None)
            case Deed.ROLLBACK_SOME:
                dice = Random(f"{self._plan.seed}/some")
                self._roll_back([key for key in sorted(self._writes()) if dice.random() < 1 / 3])
            case Deed.RUN_AGAIN:
                pass

    def _roll_back(self, keys: list[str] | None) -> None:
        if self._written is None:
            self._written = self._writes() or None
        if keys == [] or self._written is None:
            return
        self._put_back.update(self._written if keys is None else keys)
        self._runbook.rollback(JOB, self._stack().sink, by=PERSON, why=WHY, ids=keys)

    # Looking.

    def _look_up(self, body: bytes) -> None:
        """Every id that is about to be sent must stand in the ledger."""
        with self._stage.store.connect() as connection:
            lists = connection.scalars(select(SENT.c.lines)).all()
        name = self._namespace.custom_id
        known = {name(ordinal) for lines in lists for ordinal in read_sent(lines).ordinals}
        sent = {request["custom_id"] for request in msgspec.json.decode(body)["requests"]}
        self._announced += len(sent)
        self._unannounced += sorted(sent - known)

    def _writes(self) -> Counter[str]:
        with self._stage.record.engine.connect() as connection:
            keys = connection.exec_driver_sql("SELECT key FROM fuzz_writes").scalars().all()
        return Counter(keys)

    # The end.

    def _epilogue(self, promoted: int) -> Epilogue:
        """Undo the promotion, then purge in two turns, and look at what is left."""
        stage = self._stage
        self._stack().sink.rollback(JOB)
        not_undone = _different(self._before, _content(stage.record))
        told = Alerts()
        left: list[str] = []
        for turn, later in enumerate(PURGES):
            self._clock.sleep(later)
            try:
                purge(self._client, self._ledger, told, record=stage.record)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a crash is a finding
                left.append(f"the purge crashed: {type(error).__name__}: {str(error)[:200]}")
            if not turn:
                left += self._batches_left(" ".join(alert.what for alert in told))
        left += self._payload_left()
        batches = len(stage.api.books().batches)
        return Epilogue(not_undone, promoted, tuple(left), batches + promoted)

    def _batches_left(self, told: str) -> Iterator[str]:
        """Batches that the service still has and that nobody was told of."""
        for batch in self._stage.api.books().batches:
            named = batch.id in told or "its id is not known" in told
            if batch.processing_status != "deleted" and not named:
                yield f"{batch.id} at the service"

    def _payload_left(self) -> Iterator[str]:
        """What of rows and answers is still in the tables."""
        store, record = self._stage.store, self._stage.record
        looks = (
            (store, select(func.count()).select_from(STAGING), "staged answers"),
            (
                store,
                select(func.count()).where(func.length(QUARANTINE.c.evidence) > 0),
                "answers in quarantine with their evidence",
            ),
            (record.engine, select(func.count()).select_from(record.before), "before-images"),
        )
        for engine, query, what in looks:
            with engine.connect() as connection:
                if count := connection.scalar(query):
                    yield f"{count} {what}"
        yield from self._texts_left()

    def _texts_left(self) -> Iterator[str]:
        name = self._world.game.job_type.text_field
        with self._stage.store.connect() as connection:
            everything = {
                table.name: b"\0".join(
                    cell if isinstance(cell, bytes) else str(cell).encode("utf-8", "replace")
                    for line in connection.execute(select(table))
                    for cell in line
                )
                for table in METADATA.sorted_tables
            }
        for row in self._stage.rows:
            text = row.fields[name]
            if len(text) < SHORTEST_TEXT:
                continue
            needles = {text.encode("utf-8", "replace"), in_json(text)}
            for table, cells in everything.items():
                if any(needle in cells for needle in needles):
                    yield f"the text of {row.key} in {table}"


def _may_write(connection: Connection) -> bool:
    """Whether a transaction of the store was begun as one that writes."""
    return bool(connection.get_execution_options().get("gameday_write"))


def _no_script(world: World) -> None:
    """A plan is played by what is written above."""
    del world


def _limit(plan: Plan) -> timedelta:
    """So long a job may take: each wait for each of its batches, one after the other, once more
    for each round and each stage, and some time for people."""
    size = plan.size
    batches = -(-size.rows // size.requests)
    turns = (batches + len(size.ramp) + 1) * (1 + size.rounds)
    return 2 * LONGEST_WAIT * turns + timedelta(days=3) * (1 + len(plan.acts))


def _content(record: SystemOfRecord) -> dict[str, str]:
    """Every row of the system of record as text, by key: values with their types."""
    with record.engine.connect() as connection:
        rows = connection.execute(select(record.key, *record.table.c)).all()
    return {row[0]: repr(tuple(row[1:])) for row in rows}


def _different(
    before: dict[str, str], after: dict[str, str], keys: set[str] | None = None
) -> tuple[str, ...]:
    """Keys of which two states differ; all keys are compared unless some are given."""
    some = before.keys() | after.keys() if keys is None else keys
    return tuple(sorted(key for key in some if before.get(key) != after.get(key)))


def _count_writes(record: SystemOfRecord) -> None:
    """Have the database note every write to the system of record, whoever makes it."""
    quote = record.engine.dialect.identifier_preparer.quote
    table, key = quote(record.table.name), quote(record.key.name)
    with record.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE fuzz_writes (key TEXT)")
        for what in ("INSERT", "UPDATE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER fuzz_on_{what} AFTER {what} ON {table} "  # noqa: S608 - quoted
                f"BEGIN INSERT INTO fuzz_writes VALUES (NEW.{key}); END"
            )
