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
from simulator.faults.fault import Family

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
    _fewer_parts(found, breaks)
    while True:
        parts = found.plan.parts
        for turn in TURNS:
            turn(found, breaks)
        if found.plan.parts == parts and not _one_less_by_other_dice(found, breaks, plan.size):
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


def _fewer_parts(found: Shrinking, breaks: Callable[[Plan], bool]) -> None:
    """Without the parts that are not needed, one kind of part after the other: all of them, else
    from the first on as many as can go, by halving; the next one is needed, and so on."""
    for name in PARTS:
        _without(found, breaks, name, 0, len(getattr(found.plan, name)))
        needed = 0
        while needed < (most := len(getattr(found.plan, name))):
            most -= needed
            while most:
                half = (most + 1) // 2
                gone = _without(found, breaks, name, needed, half)
                most = most - half if gone else half - 1
            needed += 1


def _single_parts(found: Shrinking, breaks: Callable[[Plan], bool]) -> None:
    """Without any one part, again and again: what one part did to others may have gone since."""
    parts = found.plan.parts + 1
    while found.plan.parts < parts:
        parts = found.plan.parts
        for name in PARTS:
            for place in reversed(range(len(getattr(found.plan, name)))):
                _without(found, breaks, name, place)


def _one_less_by_other_dice(found: Shrinking, breaks: Callable[[Plan], bool], first: Size) -> bool:
    """Where more than a few parts are left: without one of them, in a job as large as at first and
    with other dice. Some parts only help others to strike in time, by luck; faults that strike
    more rows, or have more batches to strike, need no help."""
    if found.plan.parts <= FEW:
        return False
    for name in PARTS:
        parts = getattr(found.plan, name)
        for place in range(len(parts)):
            less = replace(found.plan, **{name: parts[:place] + parts[place + 1 :]})
            for seed in OTHER_SEEDS:
                strong = tuple(map(_stronger, less.faults)) if seed % 2 else less.faults
                if _tried(found, replace(less, seed=seed, faults=strong, size=first), breaks):
                    return True
    return False


def _stronger(fault: Fault) -> Fault:
    """The same fault in more rows, if it strikes some."""
    by_rows = fault.family in {Family.ROWS, Family.ANSWERS} and fault.share < STRONG
    return replace(fault, share=STRONG, times=None) if by_rows else fault


FEW: Final = 3
OTHER_SEEDS: Final = (1, 2, 3)
STRONG: Final = 0.3
"""The share of rows that a stronger fault strikes; a few of these leave good answers over."""


def _without(
    found: Shrinking, breaks: Callable[[Plan], bool], name: str, start: int, count: int = 1
) -> bool:
    """Leave out so many parts of a kind from one place on, if it still breaks."""
    parts = getattr(found.plan, name)
    fewer = parts[:start] + parts[start + count :]
    return _tried(found, replace(found.plan, **{name: fewer}), breaks)


def _simpler_size(found: Shrinking, breaks: Callable[[Plan], bool]) -> None:
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


def _simpler_faults(found: Shrinking, breaks: Callable[[Plan], bool]) -> None:
    """Settings at their defaults, those of a fault at once or one by one; then each fault as large
    as it goes."""
    for place in range(len(found.plan.faults)):
        strange = _strange(found.plan.faults[place])
        strange.pop("times", None)
        if len(strange) > 1 and _plainer(found, breaks, place, strange):
            strange = {}
        for name, default in strange.items():
            _plainer(found, breaks, place, {name: default})
        _plainer(found, breaks, place, {"share": 1.0})


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


def _simpler_rest(found: Shrinking, breaks: Callable[[Plan], bool]) -> None:
    """Earlier kills, acts as soon as possible, and the simplest seed."""
    _tried(found, replace(found.plan, seed=0), breaks)
    for place, kill in enumerate(found.plan.kills):
        for mode in _MODES[: _MODES.index(kill.mode)]:
            kills = _with(found.plan.kills, place, Kill(kill.step, mode))
            if _tried(found, replace(found.plan, kills=kills), breaks):
                break
        for step in EARLY_STEPS:
            if step >= found.plan.kills[place].step:
                break
            kills = _with(found.plan.kills, place, replace(found.plan.kills[place], step=step))
            if _tried(found, replace(found.plan, kills=kills), breaks):
                break
    for place, act in enumerate(found.plan.acts):
        if act.before_call:
            acts = _with(found.plan.acts, place, Act(act.deed))
            _tried(found, replace(found.plan, acts=acts), breaks)


def _as_often_as_can_be(found: Shrinking, breaks: Callable[[Plan], bool]) -> None:
    """Faults that no number of times bounds, at the end: they may take long to play."""
    for place, fault in enumerate(found.plan.faults):
        if "times" in (strange := _strange(fault)):
            _plainer(found, breaks, place, {"times": strange["times"]})


_MODES: Final = (Mode.AFTER, Mode.BEFORE, Mode.TORN)
"""The simplest first."""
EARLY_STEPS: Final = (1, 2, 3, 5, 8, 13, 20)
"""These are tried for a kill."""


def _with(parts: Sequence[Any], place: int, other: Any) -> tuple[Any, ...]:
    return (*parts[:place], other, *parts[place + 1 :])


TURNS: Final = (
    *(_single_parts, _simpler_faults, _single_parts),
    *(_simpler_size, _simpler_rest, _as_often_as_can_be),
)
"""Parts go first: one that nobody needs may be needed in a job that was made simpler."""
