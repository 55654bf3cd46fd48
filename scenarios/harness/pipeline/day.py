"""A trial from its first calm day to its report."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version

from reports import (
    ArmName,
    ArmReport,
    DrillReport,
    Fact,
    GameDayReport,
    Injection,
    NotApplicable,
    Outcome,
    Verdict,
)
from reports.verdict import held, judge_arms
from scenarios.harness.arms import ArmResult, blast_of, first_line, judged, where
from scenarios.harness.drill import Drill
from scenarios.harness.errors import UsageError
from scenarios.harness.pipeline.arm import KILL, Played, Staged, play
from scenarios.harness.pipeline.judging import BROKEN_PIPELINE, NOBODY_CALLED, common_checks
from scenarios.harness.pipeline.naive import TEMPERS
from scenarios.harness.pipeline.outside import Fitted, faults_for, fitted, real, why_not
from scenarios.harness.pipeline.places import Place, drop_forgotten
from scenarios.harness.pipeline.scratch import new_folder, remove
from scenarios.harness.pipeline.sweep import (
    SWEEPS,
    Counted,
    Crash,
    planned_of,
    points,
    summed,
)
from scenarios.harness.pipeline.tracing import why_not as why_not_traced
from scenarios.harness.pipeline.trial import Trial
from scenarios.harness.response import Diary, response_of
from scenarios.harness.telling import merged
from scenarios.harness.workers import Died, Workers
from simulator import VirtualClock

NOT_FOUND = frozenset({126, 127})
"""What a shell says when there is no such command, or it may not be run."""

COMMAND = "Check --pipeline; it is run by /bin/sh in this folder."


@dataclass(frozen=True, slots=True)
class Errand:
    """What a worker is asked for: one arm, judged by the checks of these drills."""

    names: tuple[str, ...]
    arm: ArmName
    batches: int = 1
    crash: Crash | None = None
    counts: bool = False
    """Whether durable writes are counted."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What it brings back."""

    results: dict[str, ArmResult]
    batches: int = 1
    calls: int = 0
    writes: int = 0
    ended: str = "done"
    """The status of the pipeline, and why."""
    hopeless: str = ""
    """Why this pipeline cannot do anything, calm days included."""
    refused: tuple[str, str] | None = None
    """What the user did wrong, and how to mend it."""


def _status(brought: Brought) -> str:
    return brought.ended.partition(":")[0]


def _harmed(report: ArmReport | None) -> bool:
    """Whether a bare arm shows that its faults are real, and every check saw something."""
    return (
        report is not None
        and not report.held
        and all(injection.fired for injection in report.injections)
        and all(finding.outcome is not Outcome.NOT_EXERCISED for finding in report.findings)
    )


class Day:
    """All drills of one trial. Close it, and nothing of it is left."""

    def __init__(self, trial: Trial, drills: Sequence[Drill]) -> None:
        self.trial = trial
        self._folder = new_folder()
        reasons = {drill.name: why_not(drill, trial) for drill in drills}
        self.fitted = {d.name: fitted(d, trial) for d in drills if not reasons[d.name]}
        self._calm: dict[str, Brought] = {}
        self.left_out = ""
        """Why durable writes were no kill points of a sweep; empty if they were."""
        self._swept: list[Fact] = []
        self.not_applicable = [
            NotApplicable(d.name, d.claim, reasons[d.name]) for d in drills if reasons[d.name]
        ]

    def close(self) -> None:
        """Remove the copies of arms that were broken off, too."""
        remove(self._folder)
        drop_forgotten(self._places)

    @property
    def _places(self) -> tuple[Place, ...]:
        places = (self.trial.sink, self.trial.quarantine)
        return tuple(place for place in places if place is not None)

    def begin(self, workers: int) -> None:
        """Run the calm days, and see whether there is a pipeline at all.

        Raises:
            UsageError: the command of the pipeline is none, or there is no copy of the sink.
        """
        drop_forgotten(self._places)
        calm = [Errand(names, ArmName.CALM) for names in self._by_count()]
        hopeless = ""
        for errand, brought in self._run(calm, workers):
            if brought.refused is not None:
                what, fix = brought.refused
                raise UsageError(what, fix=fix)
            hopeless = hopeless or brought.hopeless
            for name in errand.names:
                self._calm[name] = brought
        if hopeless:
            self._keep_one(hopeless)

    def finish(self, workers: int) -> Generator[DrillReport, None, None]:
        """Run all other arms; reports come as they are finished."""
        arms = {name: {ArmName.CALM: self._calm[name].results[name]} for name in self.fitted}
        rest = [
            Errand((name,), arm, self._calm[name].batches)
            for name in self.fitted
            for arm in (ArmName.GUARDED, ArmName.BARE)
        ]
        for errand, brought in self._run(rest, workers):
            (name,) = errand.names
            arms[name][errand.arm] = brought.results[name]
            if len(arms[name]) == len(ArmName):
                yield self._report(self.fitted[name], arms[name])

    def sweep(self, workers: int) -> Generator[DrillReport, None, None]:
        """Kill the pipeline at each of its calls and durable writes; one report per way of doing
        so."""
        counted = self._counted()
        for name, each in self.fitted.items():
            arms = {ArmName.CALM: self._calm[name].results[name]}
            for arm, count in counted.items():
                crashes = points(SWEEPS[name], count)
                errands = [Errand((name,), arm, crash=crash) for crash in crashes]
                brought = [
                    (errand.crash, result.results[name])
                    for errand, result in self._run(errands, workers)
                ]
                brought.sort(key=lambda one: crashes.index(one[0]))
                problem = next((result.problem for _, result in brought if result.problem), "")
                reports = [(c, r.report) for c, r in brought if c is not None and r.report]
                possible = sum(map(len, count.kills()))
                report = None if problem else summed(arm, reports, possible)
                arms[arm] = ArmResult(report, problem=problem)
                if arm is ArmName.GUARDED:
                    self._swept.append(Fact(f"{name}, killed at", planned_of(reports, possible)))
            yield self._report(each, arms)

    def _counted(self) -> dict[ArmName, Counted]:
        """What each arm does when nobody kills it. The pipeline is started once more for it, under
        strace; where that cannot be done, or changes what it does, `left_out` says so."""
        name, rows = next(iter(self.fitted)), len(self.trial.rowset.rows)
        self.left_out = why_not_traced()
        found = {
            arm: self._work(Errand((name,), arm, counts=not self.left_out))
            for arm in (ArmName.BARE, ArmName.GUARDED)
            if not self.left_out or arm is ArmName.BARE
        }
        calm = self._calm[name]
        guarded = found.get(ArmName.GUARDED)
        if guarded is not None and (problem := guarded.results[name].problem):
            self.left_out = f"they could not be counted: {problem}"
        elif guarded is not None and _status(guarded) != _status(calm):
            self.left_out = f"under strace the pipeline ends otherwise: {guarded.ended}"
        seen = 0 if guarded is None or self.left_out else guarded.writes
        bare = found[ArmName.BARE]
        self._swept.append(
            Fact("durable writes of the pipeline", self.left_out or f"{seen:,} seen by strace")
        )
        return {
            ArmName.BARE: Counted(bare.calls, rows, bare.writes if seen else 0),
            ArmName.GUARDED: Counted(calm.calls, rows, seen),
        }

    def _by_count(self) -> list[tuple[str, ...]]:
        """Drills with the same rows have one calm day together."""
        groups: dict[int, list[str]] = {}
        total = len(self.trial.rowset.rows)
        for name, each in self.fitted.items():
            groups.setdefault(min(each.count or total, total), []).append(name)
        return [tuple(names) for names in groups.values()]

    def _keep_one(self, why: str) -> None:
        """One drill shows what is wrong; the others would show the same, each after a timeout."""
        good = [name for name, each in self.fitted.items() if each.drill.is_good_day]
        kept = (good or list(self.fitted))[0]
        for name, each in self.fitted.items():
            if name != kept:
                says = f"the pipeline cannot do a calm day: {why}"
                self.not_applicable.append(NotApplicable(name, each.drill.claim, says))
        self.fitted = {kept: self.fitted[kept]}

    def _run(
        self, errands: list[Errand], workers: int
    ) -> Generator[tuple[Errand, Brought], None, None]:
        if workers <= 1 or not errands or sys.platform != "linux":
            yield from ((errand, self._work(errand)) for errand in errands)
            return
        pool: Workers[Errand, Brought] = Workers(self._work, min(workers, len(errands)))
        with closing(pool.results(errands)) as results:
            for errand, brought in results:
                if isinstance(brought, Died):
                    problem = f"the process that ran the {errand.arm.value} arm {brought.how}"
                    lost = dict.fromkeys(errand.names, ArmResult(None, problem=problem))
                    yield errand, Brought(lost)
                else:
                    yield errand, brought

    def _work(self, errand: Errand) -> Brought:
        """One arm. What breaks in the harness is told, not raised."""
        each = self.fitted[errand.names[0]]
        tempers = TEMPERS if errand.arm is ArmName.BARE and errand.crash is None else TEMPERS[:1]
        try:
            for temper in tempers:
                staged = Staged(
                    self.trial,
                    each.drill,
                    errand.arm,
                    each.count,
                    errand.batches,
                    temper,
                    errand.crash,
                    errand.counts,
                    folder=self._folder,
                )
                played = play(staged)
                results = {
                    name: ArmResult(self._judge(self.fitted[name].drill, staged, played))
                    for name in errand.names
                }
                if each.drill.is_good_day or _harmed(results[errand.names[0]].report):
                    break
        except UsageError as error:
            failed = dict.fromkeys(errand.names, ArmResult(None, problem=str(error)))
            return Brought(failed, refused=(error.what, error.fix))
        except Exception as problem:  # noqa: BLE001 - the harness broke, and the report says so
            return Brought(dict.fromkeys(errand.names, ArmResult(None, problem=where(problem))))
        record = played.record
        ending = record.endings[0]
        refused = None
        if ending.refused or (ending.code in NOT_FOUND and not record.calls):
            refused = (f"The pipeline cannot be started: {ending.refused or ending.said}.", COMMAND)
        hopeless = ""
        if errand.arm is ArmName.CALM:
            if record.status in BROKEN_PIPELINE or (record.status != "done" and not record.calls):
                hopeless = f"{record.status}: {record.why}"
            elif not record.calls:
                hopeless = NOBODY_CALLED
        ended = f"{record.status}: {record.why}" if record.why else record.status
        return Brought(
            results,
            max(len(record.books.batches), 1),
            record.calls,
            played.writes,
            ended,
            hopeless,
            refused,
        )

    def _judge(self, drill: Drill, staged: Staged, played: Played) -> ArmReport:
        record, arm, start = played.record, staged.arm, played.started_at
        findings = tuple(judged(check, record) for check in (*common_checks(arm), *drill.checks))
        at_start = any(each.times and each.source is None for _, each in played.spoiled)
        return ArmReport(
            arm=arm,
            held=held(findings),
            expected_to_hold=arm is not ArmName.BARE or drill.is_good_day,
            ended=f"{record.status}: {record.why}" if record.why else record.status,
            lasted=record.lasted,
            blast=blast_of(record),
            findings=findings,
            injections=self._injections(drill, staged, played),
            alarms=tuple(alarm.what for alarm in record.alarms),
            timeline=merged([], record.books, start),
            response=response_of(
                record, start, Diary(), held=held(findings), spoiled_at_start=at_start
            ),
        )

    def _injections(self, drill: Drill, staged: Staged, played: Played) -> tuple[Injection, ...]:
        """Planned against fired, for every fault and sabotage of this arm."""
        if staged.arm is ArmName.CALM:
            return ()
        struck = {firing.fault: firing for firing in played.record.books.firings.values()}
        asked = real(faults_for(drill, self.trial, 1))
        if staged.crash is not None:
            return (Injection(KILL, "", str(staged.crash), len(played.struck), played.struck),)
        found = []
        for fault, armed in zip(asked, real(played.faults), strict=True):
            firing = struck.get(armed.describe())
            found.append(
                Injection(
                    name=fault.describe(),
                    story=first_line(fault),
                    planned=armed.planned(),
                    fired=firing.count if firing else 0,
                    where=firing.places[:5] if firing else (),
                )
            )
        for act, spoiled in played.spoiled:
            name, story = type(act).__name__, first_line(act)
            found.append(Injection(name, story, act.planned(), spoiled.fired, spoiled.where))
        return tuple(found)

    def _report(self, each: Fitted, arms: dict[ArmName, ArmResult]) -> DrillReport:
        drill, results = each.drill, [arms[name] for name in ArmName]
        reports = tuple(result.report for result in results if result.report is not None)
        problem = next((result.problem for result in results if result.problem), "")
        if problem:
            verdict, because = Verdict.ERROR, f"the harness broke: {problem.partition(':')[0]}"
        else:
            verdict, because = judge_arms(*reports, good_day=drill.is_good_day)
        again = "--crash-sweep" if drill.name in SWEEPS else f"--drills {drill.file or drill.name}"
        return DrillReport(
            name=drill.name,
            claim=drill.claim,
            story=drill.story,
            failure_mode=drill.defends_against,
            controls=tuple(kind.__name__ for kind in drill.control_types),
            verdict=verdict,
            because=because,
            arms=() if problem else reports,
            runbook=(),
            replay=f"gameday verify{self.trial.options} {again}",
            error=problem,
            borne=drill.borne,
        )

    def report(self, drills: Iterable[DrillReport], command: str) -> GameDayReport:
        """The report of the trial."""
        trial = self.trial
        by_name = {drill.name: drill for drill in drills}
        unjudged = sorted({why for each in self.fitted.values() for why in each.unjudged})
        return GameDayReport(
            seed=trial.seed,
            started_at=VirtualClock().now(),
            command=command,
            job=f"pipeline under test: {trial.name}",
            rows_source=trial.rowset.source,
            rows=len(trial.rowset.rows),
            drills=tuple(by_name[name] for name in self.fitted if name in by_name),
            not_applicable=tuple(self.not_applicable),
            appendix=(
                Fact("batch-gameday", version("batch-gameday")),
                Fact("anthropic, of the harness", version("anthropic")),
                Fact("Python, of the harness", sys.version.split()[0]),
                *trial.facts,
                Fact("rows, SHA-256", trial.rowset.digest),
                Fact("rows, licence", trial.rowset.licence),
                Fact("text column", trial.job.text_field),
                Fact("bare arm", "a naive pipeline of gameday's own"),
                Fact("clock", "poll: looking at a batch moves time on"),
                *self._swept,
                *(Fact("not judged", why) for why in unjudged),
            ),
        )
