"""Which drills can be run on a stranger's pipeline, and what becomes of them there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from inspect import getclosurevars

from scenarios.harness.checks import (
    Check,
    DamageIsHeard,
    EndsWithin,
    EveryRowAccountedFor,
    EveryRowAnswered,
    EveryValueFromItsOwnRow,
    NoAlarm,
    NoInjectionPromoted,
    NoRowPaidTwice,
    NothingBeyondTheRows,
    NothingUnvalidated,
    NoTornJobPromoted,
    RetryAfterIsObeyed,
    RowsAnswered,
    SpendWithinApproval,
)
from scenarios.harness.drill import Drill
from scenarios.harness.pipeline.model import telling_drifts
from scenarios.harness.pipeline.sweep import Killed
from scenarios.harness.pipeline.trial import Trial
from scenarios.harness.sabotage import (
    NoSabotage,
    OversizePrompt,
    PlantedInstructions,
    RowsReordered,
    RunawayJoin,
    Sabotage,
)
from scenarios.harness.task import RowSource, Task
from simulator.faults import Fault, NoFault, SchemaDrift, SlowDrip, WrongButValid
from simulator.faults.drift import DRIFTS
from simulator.faults.fault import Family

FROM_OUTSIDE: tuple[type, ...] = (
    DamageIsHeard,
    EndsWithin,
    EveryRowAccountedFor,
    EveryRowAnswered,
    EveryValueFromItsOwnRow,
    NoAlarm,
    NoInjectionPromoted,
    NoRowPaidTwice,
    NoTornJobPromoted,
    NothingBeyondTheRows,
    NothingUnvalidated,
    RowsAnswered,
    SpendWithinApproval,
)
"""The checks whose facts can be seen from outside."""
IN_THE_ROWS: tuple[type, ...] = (
    Killed,
    NoSabotage,
    OversizePrompt,
    PlantedInstructions,
    RowsReordered,
    RunawayJoin,
)
"""Accidents that can be made in the rows file; all others happen inside of a pipeline."""
STORY = frozenset({"rows", "run"})
"""What a story may ask of its world when the pipeline is a stranger's."""
TIMES = 20
"""A runaway join makes so many rows out of each: all with the key of their origin."""


BY_ROW = frozenset({Family.ROWS, Family.ANSWERS, Family.RESULTS_FILE})
ENOUGH = 6
"""Rows that a fault with a share should strike on average: few rows must not mean no fault."""


ENOUGH_ROWS = 150
"""With fewer rows, six of them are more than the shares that drills speak of."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A drill as it is run on this trial."""

    drill: Drill
    count: int | None
    """How many of the rows it takes; None for all."""
    unjudged: tuple[str, ...]
    """Its checks that nobody can judge from outside, each with the reason."""


def why_not(drill: Drill, trial: Trial) -> str:
    """Why a drill cannot be run on this trial; empty when it can."""
    asked = getclosurevars(drill.script).unbound - STORY
    if asked:
        return f"its story needs {', '.join(sorted(asked))}, which only our own pipeline has"
    inside = [type(act).__name__ for act in drill.sabotage if not isinstance(act, IN_THE_ROWS)]
    if inside:
        return (
            f"{', '.join(inside)} happens inside of a pipeline, which nobody reaches from outside"
        )
    if any(isinstance(fault, WrongButValid) for fault in drill.faults):
        return "a wrong answer of the right form can be told by known answers only"
    if any(isinstance(fault, SlowDrip) for fault in drill.faults) and not drill.borne:
        return "a body that drips for hours would have to be waited for"
    task = Task(trial.job, trial.rowset.rows, RowSource(trial.rowset.rows), planted={})
    why = "; ".join(reason for act in drill.sabotage if (reason := act.applies_to(task)))
    if why:
        return why
    if trial.schema is None and any(isinstance(fault, SchemaDrift) for fault in drill.faults):
        return "without --schema nobody knows what an accepted value looks like"
    if trial.budget is None and any(isinstance(act, OversizePrompt) for act in drill.sabotage):
        return "without --budget nobody knows what is too much"
    known, unknown = _checks(drill, trial)
    if any(isinstance(check, RetryAfterIsObeyed) for check in drill.checks):
        return "waits are cut short here, so nobody sees whether one was kept"
    return "" if known else "; ".join(unknown)


def fitted(drill: Drill, trial: Trial) -> Fitted:
    """The drill with the checks and the accidents that can be had from outside."""
    known, unknown = _checks(drill, trial)
    acts = tuple(_outside(act, trial) for act in drill.sabotage)
    return Fitted(replace(drill, checks=known, sabotage=acts), drill.count, unknown)


def _checks(drill: Drill, trial: Trial) -> tuple[tuple[Check, ...], tuple[str, ...]]:
    reasons = [(check, _blind(check, trial)) for check in drill.checks]
    known = tuple(check for check, why in reasons if not why)
    return known, tuple(f"{type(check).__name__}: {why}" for check, why in reasons if why)


def _blind(check: Check, trial: Trial) -> str:
    if not isinstance(check, FROM_OUTSIDE):
        return "what it looks at cannot be seen from outside"
    few = len(trial.rowset.rows) < ENOUGH_ROWS
    if isinstance(check, RowsAnswered) and few:
        return f"a share of fewer than {ENOUGH_ROWS} rows says little"
    if isinstance(check, NothingUnvalidated) and trial.schema is None:
        return "no --schema was given"
    if isinstance(check, SpendWithinApproval) and trial.budget is None:
        return "no --budget was given"
    return ""


def _outside(act: Sabotage, trial: Trial) -> Sabotage:
    if isinstance(act, RunawayJoin):
        most = TIMES * len(trial.rowset.rows)
        return replace(act, rows=min(act.rows or most, most))
    return act


def faults_for(drill: Drill, trial: Trial, batches: int) -> tuple[Fault, ...]:
    """The faults as they can meet a pipeline that makes so many batches on a calm day.

    A fault that spares the first batch, for trouble after the canary, would spare everything of a
    pipeline without one.
    """
    return tuple(_fault(fault, trial, batches) for fault in drill.faults)


def _fault(fault: Fault, trial: Trial, batches: int) -> Fault:
    if fault.spare_batches >= batches:
        fault = replace(fault, spare_batches=0)
    if fault.family in BY_ROW and 0 < fault.share < 1:
        fault = replace(fault, share=min(max(fault.share, ENOUGH / len(trial.rowset.rows)), 1))
    if isinstance(fault, SchemaDrift) and fault.kinds == DRIFTS and trial.schema is not None:
        kinds = telling_drifts(trial.schema)
        return replace(fault, kinds=kinds) if kinds else fault
    return fault


def real(faults: Sequence[Fault]) -> list[Fault]:
    """Without the neutral member."""
    return [fault for fault in faults if not isinstance(fault, NoFault)]
