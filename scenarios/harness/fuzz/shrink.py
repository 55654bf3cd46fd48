"""Shrinking: the smallest plan that still breaks the same invariant.

Parts are left out by halving, as many at once as can go; what stays is made simpler, all at once
where that will do. Every attempt is a whole play, and the order of attempts is fixed: the same plan
shrinks to the same plan on any machine. (Hypothesis shrinks only what it has drawn itself, and
draws otherwise with each of its versions; a plan that was found elsewhere has to be shrunk as the
value that it is.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
        for turn in TURNS:
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
    """Without the parts that are not needed, one kind of part after the other: all of them, else
    from the first on as many as can go, by halving; the next one is needed, and so on."""
    before = found.plan
    for name in PARTS:
        _without(found, breaks, name, len(getattr(found.plan, name)), 0)
        needed = 0
        while needed < (most := len(getattr(found.plan, name))):
            most -= needed
            while most:
                half = (most + 1) // 2
                gone = _without(found, breaks, name, half, needed)
                most = most - half if gone else half - 1
            needed += 1
    return found.plan != before


def _without(
    found: Shrinking, breaks: Callable[[Plan], bool], name: str, count: int, start: int
) -> bool:
    """Leave out so many parts of a kind from one place on, if it still breaks."""
    parts = getattr(found.plan, name)
    fewer = parts[:start] + parts[start + count :]
    return _tried(found, replace(found.plan, **{name: fewer}), breaks)


def _simpler_size(found: Shrinking, breaks: Callable[[Plan], bool]) -> bool:
    before = found.plan
    if not _tried(found, replace(found.plan, size=Size(found.plan.size.rows)), breaks):
        for part in fields(Size):
            if part.name != "rows":
                plain: Any = part.default
                size = replace(found.plan.size, **{part.name: plain})
                _tried(found, replace(found.plan, size=size), breaks)
    for rows in FEWER_ROWS:
        if rows >= found.plan.size.rows:
            break
        size = replace(found.plan.size, rows=rows)
        if _tried(found, replace(found.plan, size=size), breaks):
            break
    return found.plan != before


def _simpler_faults(found: Shrinking, breaks: Callable[[Plan], bool]) -> bool:
    """Settings at their defaults, those of a fault at once or one by one; then each fault as large
    as it goes."""
    before = found.plan
    for place in range(len(found.plan.faults)):
        strange = _strange(found.plan.faults[place])
        if len(strange) > 1 and _plainer(found, breaks, place, strange):
            strange = {}
        for name, default in strange.items():
            _plainer(found, breaks, place, {name: default})
        _plainer(found, breaks, place, {"share": 1.0})
    return found.plan != before


def _strange(fault: Fault) -> dict[str, Any]:
    """The settings that a fault could do without, each with its default; not how often it strikes,
    which is a matter of its own."""
    return {
        part.name: part.default
        for part in fields(fault)
        if part.default is not MISSING
        and part.name != "share"
        and getattr(fault, part.name) != part.default
    }


def _plainer(
    found: Shrinking, breaks: Callable[[Plan], bool], place: int, settings: dict[str, Any]
) -> bool:
    """A fault with these settings, if it takes them and still breaks it."""
    try:
        plainer = replace(found.plan.faults[place], **settings)
    except SimulatorError:
        return False
    faults = _with(found.plan.faults, place, plainer)
    return _tried(found, replace(found.plan, faults=faults), breaks)


def _simpler_rest(found: Shrinking, breaks: Callable[[Plan], bool]) -> bool:
    """Earlier kills, acts as soon as possible, and the simplest seed."""
    simpler = _tried(found, replace(found.plan, seed=0), breaks)
    for place, kill in enumerate(found.plan.kills):
        for mode in _MODES[: _MODES.index(kill.mode)]:
            kills = _with(found.plan.kills, place, Kill(kill.step, mode))
            if _tried(found, replace(found.plan, kills=kills), breaks):
                simpler = True
                break
        for step in EARLY_STEPS:
            if step >= found.plan.kills[place].step:
                break
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
EARLY_STEPS: Final = (1, 2, 3, 5, 8, 13, 20)
"""These are tried for a kill."""


def _with(parts: Sequence[Any], place: int, other: Any) -> tuple[Any, ...]:
    return (*parts[:place], other, *parts[place + 1 :])


TURNS: Final = (_fewer_parts, _simpler_size, _fewer_parts, _simpler_faults, _simpler_rest)
"""A part that nobody needs may become dear once its settings are plain: parts go first."""
