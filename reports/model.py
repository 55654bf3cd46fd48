"""The one model of a game day; every format is rendered from it and from nothing else.

All values are frozen. Nothing here reads a clock, a file or the environment: two runs with
the same seed build the same report, byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum

from reports.kills import KillMatrix

SCHEMA_VERSION = "2.0"
"""Version of `report.json`. A reader takes its own first number and no key it does not know."""


class Verdict(IntEnum):
    """The outcome of a drill; that of a game day is the worst of its drills."""

    PASS = 0
    INCONCLUSIVE = 1
    FAIL = 2
    ERROR = 3


class ArmName(StrEnum):
    """One of the three runs that every drill consists of."""

    CALM = "calm"
    """Controls, no fault. Must hold."""
    BARE = "bare"
    """Fault, without the drill's controls. Must break."""
    GUARDED = "guarded"
    """Fault and controls. Must hold."""


class Outcome(StrEnum):
    """What a check found."""

    HELD = "held"
    BROKE = "broke"
    NOT_EXERCISED = "not exercised"
    """There was nothing to judge, so nothing was proved."""
    RAISED = "raised"
    """The check itself failed; the harness, not the pipeline, is at fault."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says about one arm."""

    check: str
    """The check's name, e.g. `EveryRowAccountedFor`."""
    outcome: Outcome
    says: str
    """One clause with counts, e.g. `41 of 3000 rows are nowhere, first ticket-17`."""
    examined: int
    """How many things the check looked at. Zero means that it saw nothing."""
    offenders: int = 0
    """How many of them broke the rule."""
    evidence: tuple[str, ...] = ()
    """The first offenders, two hundred at most. Text from rows and models: untrusted."""


@dataclass(frozen=True, slots=True)
class Injection:
    """Proof that something went wrong on purpose: one fault or sabotage in one arm."""

    name: str
    """The fault as it is written in the drill, e.g. `Stall(after_requests=1500, lasting=25h)`."""
    story: str
    """What it does, in one sentence."""
    planned: str
    """How often it was meant to strike, e.g. `2% of the rows`."""
    fired: int
    where: tuple[str, ...] = ()
    """The first places it struck: calls, batches or `custom_id`s. Untrusted text."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Proof that a named control took part in an arm."""

    control: str
    """Its class, e.g. `Requeue`."""
    asked: int
    """How often it was asked for a decision, a verdict or its part of the work."""
    acted: int
    """How often it did more than to agree."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline."""

    at: timedelta
    """Virtual time since the start of the arm."""
    who: str
    """`pipeline`, `service`, `control`, `fault` or `operator`."""
    what: str
    """Untrusted: may quote a row or a model."""


@dataclass(frozen=True, slots=True)
class Response:
    """What was done about the harm of one arm, in virtual time since the arm began.

    Each is the moment, whose doing it was, and what it was. None where it did not happen, or
    where nothing that an arm leaves behind says when. The calm arm has at most `detected`: a false
    alarm.
    """

    struck: Entry | None = None
    """What went wrong first met the pipeline, by the service's books; what was changed on the
    user's side counts from the start of the arm."""
    detected: Entry | None = None
    """The first sign that somebody or something had noticed: an alarm, or a first act against it,
    whichever came first."""
    mitigated: Entry | None = None
    """The last act that held harm back: a control that stopped, kept back or repaired, a person who
    stopped or rolled back, a cancel call, rows put into quarantine. After it nothing more had to be
    held back. None if nobody acted, or if harm got past whoever did: the job believes itself done,
    and a check broke."""
    recovered: Entry | None = None
    """The rows were whole again: the job is done and every check held; or the system of record was
    as before the job, verified row by row. A rollback by the runbook is done when the arm has
    ended, and counts from there."""

    @property
    def time_to_detect(self) -> timedelta | None:
        """From the first strike to the first sign; None if one of them is not known."""
        return self._since_struck(self.detected)

    @property
    def time_to_mitigate(self) -> timedelta | None:
        """From the first strike to the last act that held harm back."""
        return self._since_struck(self.mitigated)

    @property
    def time_to_recover(self) -> timedelta | None:
        """From the first strike until the rows were whole again."""
        return self._since_struck(self.recovered)

    def _since_struck(self, moment: Entry | None) -> timedelta | None:
        return None if self.struck is None or moment is None else moment.at - self.struck.at


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """How far the damage of one arm travelled. Rows are the user's rows, counted once."""

    rows: int
    """Rows that the job was given."""
    sent: int
    """Requests that reached the service in batches, resubmissions included."""
    promoted: int
    """Rows whose value reached the system of record."""
    wrong: int
    """Rows whose value in the system of record is none that the service answered for them."""
    lost: int
    """Rows that the pipeline believes done and that are nowhere."""
    quarantined: int
    waiting: int
    """Rows that a stopped job still holds back, visibly."""
    leaked: int
    """Requests that carried a value of a column that is not allowed."""
    billed_usd: Decimal
    """By the service's meter."""
    approved_usd: Decimal
    paid_twice: int = 0
    """Further rows, neither wrong nor lost, that were billed more than once."""
    paid_again_usd: Decimal = Decimal(0)
    """Billed for rows, whatever became of them, that had been billed before."""


@dataclass(frozen=True, slots=True)
class ArmReport:
    """One arm of one drill, judged."""

    arm: ArmName
    held: bool
    """Every check held."""
    expected_to_hold: bool
    ended: str
    """How the pipeline ended, e.g. `done` or `halted: the worst case of $35.20 exceeds …`."""
    lasted: timedelta
    """Virtual time from start to end."""
    blast: BlastRadius
    findings: tuple[Finding, ...]
    injections: tuple[Injection, ...]
    alarms: tuple[str, ...]
    timeline: tuple[Entry, ...]
    asked: tuple[Asked, ...] = ()
    """The drill's controls, in the arms that have them; empty where nobody can see them, as in a
    pipeline of the user's own."""
    response: Response = Response()

    @property
    def detected_after(self) -> timedelta | None:
        """Virtual time until somebody noticed; None if nobody did."""
        return None if self.response.detected is None else self.response.detected.at


class Phase(StrEnum):
    """The three questions of an incident, in their order."""

    STOP = "Stop the bleeding"
    ASSESS = "Count the affected rows"
    REVERSE = "Reverse exactly those"


class Moment(StrEnum):
    """What people have to come to when something goes wrong, in this order."""

    NOTICED = "noticed"
    STOPPED = "stopped"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Word:
    """That one of the moments had come, and on whose word."""

    moment: Moment
    after: timedelta
    """In the service's time, since the injection."""
    waited: timedelta
    """On the wall, since the injection."""
    by: str
    """Who did it, as was said or as the books have it: a name, or a client. Untrusted."""
    from_books: bool
    """Read from the service's books; else a person said so."""
    note: str = ""
    """Untrusted."""


@dataclass(frozen=True, slots=True)
class People:
    """What a live game day asks: how people met what was made to go wrong."""

    injected_by: str
    """Untrusted."""
    injected_after: timedelta
    """In the service's time, since the game day was opened."""
    lasted: timedelta
    """In the service's time, from the injection to the end of the game day."""
    waited: timedelta
    """The same on the wall."""
    injections: tuple[Injection, ...]
    words: tuple[Word, ...]
    """One for each moment at most, in the order of the moments."""
    timeline: tuple[Entry, ...]
    """Since the injection."""


@dataclass(frozen=True, slots=True)
class RunbookStep:
    """One of the questions of an incident, with its answer."""

    phase: Phase
    command: str
    """What to type in production."""
    result: str
    """What the drill saw when it executed this step after the guarded arm; empty if it did not."""
    worked: bool | None = None
    """Whether the step did what it is for. None if it was not executed, or could not be any more,
    such as a rollback whose before-images were purged on schedule."""


@dataclass(frozen=True, slots=True)
class DrillReport:
    """One drill, judged."""

    name: str
    claim: str
    """The sentence the drill sets out to prove."""
    story: str
    """The paragraphs after the claim."""
    failure_mode: str
    """What it defends against, e.g. `silent partial drop`."""
    controls: tuple[str, ...]
    """The controls that the bare arm goes without, as written in the drill."""
    verdict: Verdict
    because: str
    """Why this verdict, in one clause."""
    arms: tuple[ArmReport, ...]
    """Calm, bare, guarded, in this order. Empty when the harness broke before."""
    runbook: tuple[RunbookStep, ...]
    replay: str
    """The command that repeats exactly this drill."""
    error: str = ""
    """The traceback when the verdict is ERROR; else empty."""
    borne: bool = False
    """What went wrong is weather: it harms no pipeline, so the bare arm must hold too."""
    people: People | None = None
    """An incident of a live game day. It has no arms: nobody played the same day without the
    fault, or without the people."""

    @property
    def restored(self) -> bool | None:
        """Whether the rollback put the system of record back as it was, row by row; None if there
        was no rollback. The proof is the result of that step."""
        steps = (step.worked for step in self.runbook if step.phase is Phase.REVERSE)
        return next(steps, None)

    def arm(self, name: ArmName) -> ArmReport | None:
        """The arm of this name, or None when the harness broke before it ran."""
        return next((arm for arm in self.arms if arm.arm is name), None)


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """A drill that was planned and not run, such as on rows that it cannot use."""

    name: str
    claim: str
    why: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the appendix, e.g. `anthropic` / `2.11.0`."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the coverage matrix: a fault at a moment, and a control that stood against it."""

    fault: str
    """A fault of the catalogue, or what went wrong on the user's side."""
    moment: str
    """When it struck, e.g. `create`, `download`, `answers`."""
    control: str
    drills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which faults and controls the drills cover, and which they do not."""

    cells: tuple[Cell, ...] = ()
    """In the order of a job's life."""
    faults: int = 0
    """How many faults there are in the catalogue."""
    controls: int = 0
    """How many controls a drill can go without."""
    open_faults: tuple[str, ...] = ()
    """Faults of the catalogue in no drill."""
    open_controls: tuple[str, ...] = ()
    """Controls in no drill."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who closes a gap, and by when, as somebody has written it down. See `reports.gaps`."""

    gap: str
    """The gap's name, e.g. `drill expired_rows_are_resent` or `fault Stall`."""
    owner: str
    due: str = ""
    """A day, as `2027-01-31`; empty if none was agreed."""


@dataclass(frozen=True, slots=True)
class GameDayReport:
    """One game day."""

    seed: int
    started_at: datetime
    """Virtual, aware: where the simulated clock began. Never the wall clock."""
    command: str
    """The command that repeats the whole game day."""
    job: str
    """The job type's name and policy version."""
    rows_source: str
    """A file's name, or `seeded support tickets`."""
    rows: int
    drills: tuple[DrillReport, ...]
    not_applicable: tuple[NotApplicable, ...]
    appendix: tuple[Fact, ...]
    """Versions, digests, licences."""
    coverage: Coverage = Coverage()
    """By the drills that passed; empty where a pipeline of the user's own was judged."""
    owner: str = ""
    """Who is paged for this job, by its job type; empty if nobody is named."""
    assignments: tuple[Assignment, ...] = ()
    kills: KillMatrix | None = None
    """What `gameday prove` found, if the run was given it."""

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all drills; INCONCLUSIVE when none was run."""
        return max((drill.verdict for drill in self.drills), default=Verdict.INCONCLUSIVE)

    def count(self, verdict: Verdict) -> int:
        """How many drills ended with this verdict."""
        return sum(drill.verdict is verdict for drill in self.drills)
