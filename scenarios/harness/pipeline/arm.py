"""One arm: a service of its own, copies of its own, and the pipeline started against them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random

from controls import Alert
from reports import ArmName
from scenarios.harness.checks import EveryRowAnswered
from scenarios.harness.drill import Drill
from scenarios.harness.pipeline.evidence import OutsideRecord, told, values_of
from scenarios.harness.pipeline.model import Stranger
from scenarios.harness.pipeline.naive import TEMPERS
from scenarios.harness.pipeline.outside import faults_for, real
from scenarios.harness.pipeline.places import Contents, Copies, Place, contents_of
from scenarios.harness.pipeline.process import Ending, Pipeline
from scenarios.harness.pipeline.service import WatchedApi
from scenarios.harness.pipeline.sweep import STARTS, Crash, Kill
from scenarios.harness.pipeline.tracing import SLOWER, Tracing
from scenarios.harness.pipeline.trial import NAIVE, Trial, write_rows
from scenarios.harness.sabotage import NoSabotage, Sabotage
from scenarios.harness.shapes import Shape
from scenarios.harness.task import RowSource, Spoiled, Task
from simulator.faults import Fault
from simulator.server import Server
from simulator.wire import Endpoint

KEY = "gameday"
"""The API key that the simulator's clients get. No other key of the user's reaches a pipeline."""
NAIVE_BATCHES = 2
KILL = "SIGKILL"
"""What the fault of a crash sweep is called."""
UNTIL_ALL_ENDED = timedelta(hours=25)
LOOPBACK = "127.0.0.1,localhost"


@dataclass(frozen=True, slots=True)
class Staged:
    """What one arm is to be: everything that is decided before it begins."""

    trial: Trial
    drill: Drill
    arm: ArmName
    rows: int | None = None
    """How many of the rows it takes; None for all."""
    batches: int = 1
    """How many batches the pipeline makes on a calm day."""
    temper: str = TEMPERS[0]
    """Which of the naive pipelines the bare arm runs."""
    crash: Crash | None = None
    """When the pipeline is killed."""
    counts: bool = False
    """Whether its durable writes are counted."""
    folder: Path = field(kw_only=True)
    """Where the arm may make a folder of its own."""


@dataclass(frozen=True, slots=True)
class Played:
    """What an arm left behind."""

    record: OutsideRecord
    faults: tuple[Fault, ...]
    """As they were armed."""
    spoiled: tuple[tuple[Sabotage, Spoiled], ...]
    started_at: datetime
    struck: tuple[str, ...] = ()
    """Where the pipeline was killed, in words; names of files in them are untrusted."""
    writes: int = 0
    """Durable writes of its last start, if they were counted."""


def play(staged: Staged) -> Played:
    """Run one arm from its copies to its record; nothing of it is left behind."""
    number = next(_numbers)
    folder = staged.folder / f"{os.getpid()}-{number}"
    folder.mkdir()
    try:
        with closing(Copies(folder, number)) as copies:
            return _Stage(staged, folder, copies).play()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_numbers = count(1)


class _Stage:
    """One arm while it is played."""

    def __init__(self, staged: Staged, folder: Path, copies: Copies) -> None:
        self.staged, self.folder = staged, folder
        trial, drill = staged.trial, staged.drill
        self.trial = trial
        self.rows = trial.rowset.rows[: staged.rows]
        self.calm = staged.arm is ArmName.CALM
        self.bare = staged.arm is ArmName.BARE
        self.faults = (
            ()
            if self.calm
            else faults_for(drill, trial, NAIVE_BATCHES if self.bare else staged.batches)
        )
        self.spoiled: list[tuple[Sabotage, Spoiled]] = []
        self.task = self._spoil(Task(trial.job, self.rows, RowSource(self.rows), planted={}))
        self.rows_file = folder / f"rows{trial.rows_file.suffix}"
        self.sink, self.quarantine = self._places(copies)
        self.keys = (trial.sink_key, trial.key) if not self.bare else (trial.key,)
        self.shape = Shape.of(trial.job.answer.schema)
        self.model = Stranger(
            self.rows,
            trial.job.text_field,
            trial.schema,
            trial.seed,
            self.task.planted,
            self.task.rows,
        )
        self.struck: list[str] = []
        self.old_keys: frozenset[str] = frozenset()
        self._patience = trial.timeout
        self._kill: Kill | None = None
        self._killed = False
        self._heard = 0
        self._writes = 0
        self._write = ""

    def play(self) -> Played:
        trial = self.trial
        write_rows(trial, self.task.rows, self.rows_file)
        (self.folder / "state").mkdir()
        before = contents_of(self.sink, self.keys)
        self.old_keys = frozenset(before.rows)
        held_back = self._aside().rows
        api = WatchedApi(
            seed=trial.seed, responder=self.model, faults=self.faults, watcher=self._watch
        )
        start = api.clock.now()
        with Server(api) as server:
            endings = self._run(server.url)
        lasted = api.clock.now() - start
        api.clock.sleep(UNTIL_ALL_ENDED)
        books = api.books()
        after = contents_of(self.sink, self.keys)
        aside = self._aside()
        news = {key: _reason(row) for key, row in aside.rows.items() if row != held_back.get(key)}
        status, why = told(endings[-1], self._patience)
        if self._killed:
            status, why = "halted", f"killed {len(self.struck)} times, at every start"
        names = {fault.describe(): fault for fault in real(self.faults)}
        fired = {firing.fault for firing in books.firings.values() if firing.count}
        sabotages = [type(act).__name__ for act, each in self.spoiled if each.fired]
        crash = (KILL,) if self.staged.crash is not None else ()
        record = OutsideRecord(
            job_type=trial.job,
            rows=self.rows,
            planted=self.task.planted,
            books=books,
            before=values_of(before, self.shape),
            after=values_of(after, self.shape),
            quarantined=news,
            status=status,
            why=why,
            alarms=tuple(self._alarms(endings, news, start + lasted)),
            lasted=lasted,
            approved_usd=trial.budget if trial.budget is not None else books.billed_usd,
            sabotaged=sum(each.fired for _, each in self.spoiled),
            subjects=self.model.subjects,
            live=tuple(self.model.live),
            formless=self.model.formless,
            endings=tuple(endings),
            sink=after,
            aside=aside,
            met=(*sorted(fired & names.keys()), *sabotages, *(crash if self.struck else ())),
            missed=(*sorted(names.keys() - fired), *(() if self.struck else crash)),
            calls=api.calls,
        )
        spoiled, struck = tuple(self.spoiled), tuple(self.struck)
        return Played(record, self.faults, spoiled, start, struck, self._writes)

    def _aside(self) -> Contents:
        if self.quarantine is None:
            return Contents()
        return contents_of(self.quarantine, (self.trial.quarantine_key, *self.keys))

    def _run(self, url: str) -> list[Ending]:
        """Start the pipeline; again after a kill, and once more if it stopped in a drill that is
        about recovery."""
        crash = self.staged.crash
        recovers = any(isinstance(check, EveryRowAnswered) for check in self.staged.drill.checks)
        endings: list[Ending] = []
        chances = 0 if self.calm or not recovers else 1
        while True:
            self._kill = None if crash is None else crash.of(len(endings))
            self._killed = False
            self._heard = 0
            self._writes = 0
            self._write = ""
            ending = self._start(url)
            endings.append(ending)
            if self._killed:
                self.struck.append(f"{self._kill}{self._at()}")
                if len(endings) < STARTS:
                    continue
                return endings
            stopped = told(ending, 0)[0] in {"halted", "crashed"}
            if not stopped or not chances:
                return endings
            chances -= 1

    def _start(self, url: str) -> Ending:
        command = self.trial.command
        if self.bare:
            naive = [str(NAIVE), self.trial.key, self.trial.job.text_field, self.staged.temper]
            command = [sys.executable, "-I", "-S", *naive]
        traced = self.staged.counts or (self._kill is not None and self._kill.write > 0)
        tracing = Tracing(self.folder, self._names, self._written) if traced else None
        self._patience = self.trial.timeout * (SLOWER if traced else 1)
        self._pipeline = Pipeline(command, self._environment(url), tracing)
        return self._pipeline.run(self._patience, self._enough)

    @property
    def _names(self) -> Mapping[Path, str]:
        """What to call the places of durable writes; the rows are ours."""
        files = {self.rows_file: "", self.folder / "state": "GAMEDAY_STATE"}
        for name, place in (("sink", self.sink), ("quarantine", self.quarantine)):
            file = None if place is None else place.file
            if file is not None:
                files[file] = name
        return files

    def _written(self, what: str) -> bool:
        """Whether this durable write is the one at which the pipeline is killed."""
        self._writes += 1
        if self._kill is not None and self._writes == self._kill.write:
            self._write = what
            self._killed = True
        return self._killed

    def _at(self) -> str:
        """The write at which the pipeline was killed, and how many others were done meanwhile, as
        happens with threads that write at the same moment."""
        if self._kill is None or not self._write:
            return ""
        late = self._writes - self._kill.write
        return f" ({self._write}{f', and {late:,} more' if late > 0 else ''})"

    def _enough(self) -> bool:
        """Whether as many rows are in the sink as the next kill waits for."""
        if self._kill is None or not self._kill.rows or self._killed:
            return False
        news = contents_of(self.sink, self.keys).rows.keys() - self.old_keys
        self._killed = len(news) >= self._kill.rows
        return self._killed

    def _environment(self, url: str) -> Mapping[str, str]:
        """The contract with a command under test (docs/verify.md)."""
        ours = {
            name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")
        }
        return ours | {
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": KEY,
            "GAMEDAY_ROWS": str(self.rows_file),
            "GAMEDAY_SINK": self.sink.address,
            "GAMEDAY_TABLE": self.sink.table,
            "GAMEDAY_QUARANTINE": _address(self.quarantine),
            "GAMEDAY_STATE": str(self.folder / "state"),
            "GAMEDAY_SEED": str(self.trial.seed),
            "GAMEDAY_DRILL": self.staged.drill.name,
            "GAMEDAY_ARM": self.staged.arm.value,
            "NO_PROXY": LOOPBACK,
            "no_proxy": LOOPBACK,
        }

    def _places(self, copies: Copies) -> tuple[Place, Place | None]:
        if self.bare:
            return Place(str(self.folder / "naive.jsonl")), None
        quarantine = self.trial.quarantine
        return copies.of(self.trial.sink), None if quarantine is None else copies.of(quarantine)

    def _spoil(self, task: Task) -> Task:
        if self.calm:
            return task
        for number, act in enumerate(self.staged.drill.sabotage):
            if isinstance(act, NoSabotage):
                continue
            spoiled = act.spoil(task, Random(f"{self.trial.seed}/sabotage/{number}"))
            self.spoiled.append((act, spoiled))
            task = spoiled.task
        return task

    def _watch(self, number: int, endpoint: Endpoint, moment: str) -> bool:
        """The rows file yields another order once the batch is made; and the pipeline is killed
        when its moment has come."""
        del number
        if endpoint is Endpoint.CREATE and moment == "after":
            for _, spoiled in self.spoiled:
                if spoiled.source is not None and not spoiled.source.read_again:
                    write_rows(self.trial, spoiled.source.again(), self.rows_file)
        self._heard += moment == "before"
        if self._kill is not None and (self._heard, moment) == (self._kill.call, self._kill.moment):
            self._killed = True
            self._pipeline.kill()
        return self._killed

    def _alarms(
        self, endings: Sequence[Ending], news: Mapping[str, str], at: datetime
    ) -> Iterator[Alert]:
        """What a person gets to hear from outside: a bad exit code, and rows in quarantine."""
        for ending in endings[len(self.struck) :]:
            status, why = told(ending, self._patience)
            if status != "done":
                yield Alert(at, "its author", "pipeline", f"{status}: {why}")
        if news:
            what = f"{len(news):,} rows were put into quarantine"
            yield Alert(at, "its author", "pipeline", what)


def _address(place: Place | None) -> str:
    if place is None:
        return ""
    return place.address if place.is_file else f"{place.address}#{place.table}"


def _reason(row: Mapping[str, object]) -> str:
    found = next((row[name] for name in ("reason", "reason_code", "error") if name in row), "")
    return str(found)[:200]
