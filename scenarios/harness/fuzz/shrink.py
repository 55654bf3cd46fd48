"""Shrinking: the smallest plan that still breaks the same invariant.

Parts are left out, first many at once, then one by one; what stays is made simpler. Every attempt
is a whole play, and the order of attempts is fixed: the same plan shrinks to the same plan on any
machine. (Hypothesis shrinks only what it has drawn itself, and draws otherwise with each of its
versions; a plan that was found elsewhere has to be shrunk as the value that it is.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, Final

from scenarios.harness.fuzz.dice import sound
from scenarios.harness.fuzz.plan import Act, Kill, Mode, Plan, Size
from simulator.errors import SimulatorError
from simulator.faults import Fault

MOST_ATTEMPTS: Final = 400
PARTS: Final = ("acts", "kills", "sabotage", "faults")
"""What takes longest to play comes first."""
FEWER_ROWS: Final = (1, 3, 8, 20)


@dataclass(slots=True)
class Shrinking:
    """How far it came."""

    plan: Plan
    attempts: int = 0
    tried: set[Plan] = field(default_factory=set)
    """What does not break; nobody has to try it twice."""


def shrink(plan: Plan, breaks: Callable[[Plan], bool]) -> Shrinking:
    """The smallest plan found for which `breaks` still says yes, as it does for this one."""
    found = Shrinking(plan)
    simpler = True
    while simpler and found.attempts < MOST_ATTEMPTS:
        simpler = False
        for turn in (_fewer_parts, _simpler_size, _simpler_faults, _simpler_rest):
            simpler = turn(found, breaks) or simpler
    return found


def _tried(found: Shrinking, candidate: Plan, breaks: Callable[[Plan], bool]) -> bool:
    """Take a candidate if it still breaks."""
    candidate = sound(candidate)
    known = candidate == found.plan or candidate in found.tried
    if known or found.attempts >= MOST_ATTEMPTS:
        return False
    found.attempts += 1
    if not breaks(candidate):
        found.tried.add(candidate)
        return False
    found.plan = candidate
    return True


def _fewer_parts(found: Shrinking, breaks: Callable[[Plan], bool]) -> bool:
    """Without whole kinds of parts, halves of one, quarters, single ones."""
    simpler = False
    for name in PARTS:
        size = len(getattr(found.plan, name))
        while size:
            place = 0
            while place < len(getattr(found.plan, name)):
                parts = getattr(found.plan, name)
                fewer = replace(found.plan, **{name: parts[:place] + parts[place + size :]})
                if _tried(found, fewer, breaks):
                    simpler = True
                else:
                    place += size
            size //= 2
    return simpler


def _simpler_size(found: Shrinking, breaks: Callable[[Plan], bool]) -> bool:
    simpler = False
    for part in fields(Size):
        if part.name != "rows":
            plain: Any = part.default
            size = replace(found.plan.size, **{part.name: plain})
            simpler = _tried(found, replace(found.plan, size=size), breaks) or simpler
    for rows in FEWER_ROWS:
        if rows >= found.plan.size.rows:
            break
        size = replace(found.plan.size, rows=rows)
        if _tried(found, replace(found.plan, size=size), breaks):
            return True
    return simpler


def _simpler_faults(found: Shrinking, breaks: Callable[[Plan], bool]) -> bool:
    """Settings at their defaults, one by one; what has none as large as it goes."""
    simpler = False
    for place in range(len(found.plan.faults)):
        for plainer in _plainer(found.plan.faults[place]):
            faults = _with(found.plan.faults, place, plainer(found.plan.faults[place]))
            simpler = _tried(found, replace(found.plan, faults=faults), breaks) or simpler
    return simpler


def _plainer(fault: Fault) -> Iterator[Callable[[Fault], Fault]]:
    for part in fields(fault):
        name: str = part.name
        default = part.default
        if name == "share":
            default = 1.0
        if default is not MISSING and getattr(fault, name) != default:
            yield _setting(name, default)


def _setting(name: str, value: Any) -> Callable[[Fault], Fault]:
    def plainer(fault: Fault) -> Fault:
        try:
            return replace(fault, **{name: value})
        except SimulatorError:
            return fault

    return plainer


def _simpler_rest(found: Shrinking, breaks: Callable[[Plan], bool]) -> bool:
    """Earlier kills, acts as soon as possible, and the simplest seed."""
    simpler = _tried(found, replace(found.plan, seed=0), breaks)
    for place, kill in enumerate(found.plan.kills):
        for mode in _MODES[: _MODES.index(kill.mode)]:
            kills = _with(found.plan.kills, place, Kill(kill.step, mode))
            if _tried(found, replace(found.plan, kills=kills), breaks):
                simpler = True
                break
        for step in range(1, min(found.plan.kills[place].step, MOST_STEPS)):
            kills = _with(found.plan.kills, place, replace(found.plan.kills[place], step=step))
            if _tried(found, replace(found.plan, kills=kills), breaks):
                simpler = True
                break
    for place, act in enumerate(found.plan.acts):
        if act.before_call:
            acts = _with(found.plan.acts, place, Act(act.deed))
            simpler = _tried(found, replace(found.plan, acts=acts), breaks) or simpler
    return simpler


_MODES: Final = (Mode.AFTER, Mode.BEFORE, Mode.TORN)
"""The simplest first."""
MOST_STEPS: Final = 20
"""So many earlier steps are tried for a kill."""


def _with(parts: Sequence[Any], place: int, other: Any) -> tuple[Any, ...]:
    return (*parts[:place], other, *parts[place + 1 :])
