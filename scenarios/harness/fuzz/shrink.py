"""Shrinking: the smallest plan that still breaks the same invariant.

Parts are left out, as many at once as can go; what helped others only by luck gives way to other
dice; what stays is made simpler. Every attempt is a whole play, and the order of attempts is
fixed: the same plan shrinks to the same plan on any machine. (Hypothesis shrinks only what it has
drawn itself, and draws otherwise with each of its versions; a plan that was found elsewhere has to
be shrunk as the value that it is.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from random import Random
from typing import Any, Final

from scenarios.harness.fuzz.dice import sound
from scenarios.harness.fuzz.plan import Act, Kill, Mode, Plan, Size
from simulator.errors import SimulatorError
from simulator.faults import Fault
from simulator.faults.fault import Family
from simulator.faults.seams import WireFault

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
    _single_parts(found, breaks)
    while _one_less_by_other_dice(found, breaks, plan.size, FIRST_DICE):
        _single_parts(found, breaks)
    while True:
        parts = found.plan.parts
        for turn in TURNS:
            turn(found, breaks)
        less = found.plan.parts < parts
        if not less and not _one_less_by_other_dice(found, breaks, plan.size, ALL_DICE):
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
    from the first on as many as can go; the next one is needed, and so on. Two thirds are tried
    where halves would do as well: a no is likelier then, and what comes after a no can be played
    at the same time."""
    for name in PARTS:
        _without(found, breaks, name, 0, len(getattr(found.plan, name)))
        needed = 0
        while needed < (most := len(getattr(found.plan, name))):
            most -= needed
            while most:
                many = most - most // 3
                gone = _without(found, breaks, name, needed, many)
                most = most - many if gone else many - 1
            needed += 1


def _single_parts(found: Shrinking, breaks: Callable[[Plan], bool]) -> None:
    """Without any one part, again and again: what one part did to others may have gone since."""
    parts = found.plan.parts + 1
    while found.plan.parts < parts:
        parts = found.plan.parts
        for name in PARTS:
            for place in reversed(range(len(getattr(found.plan, name)))):
                _without(found, breaks, name, place)


def _one_less_by_other_dice(
    found: Shrinking, breaks: Callable[[Plan], bool], first: Size, dice: Sequence[int]
) -> bool:
    """Where more than a few parts are left: without one of them, in a job as large as at first and
    with other dice. Some parts only help others to strike in time, by luck; faults that strike
    more, or have more batches to strike, need no help."""
    plan = found.plan
    if plan.parts <= FEW:
        return False
    for seed in dice:
        for name in PARTS:
            for place in range(len(getattr(plan, name))):
                less = _less(plan, name, place)
                if _tried(found, _by_other_dice(less, seed, first), breaks):
                    return True
    return False


def _by_other_dice(plan: Plan, seed: int, size: Size) -> Plan:
    """With this seed: every other one makes faults strong, the others only likelier; the later
    ones also have the kills at other steps."""
    kills, harder = plan.kills, _strong if seed % 2 else _likelier
    if seed not in FIRST_DICE:
        steps = Random(f"{seed}/kills")
        kills = tuple(Kill(steps.randrange(1, LAST_STEP), kill.mode) for kill in kills)
    faults = tuple(map(harder, plan.faults))
    return replace(plan, seed=seed, size=size, faults=faults, kills=kills)


def _likelier(fault: Fault) -> Fault:
    """The same fault, no less often than strong ones where it could strike."""
    return replace(fault, share=max(fault.share, STRONG))


def _strong(fault: Fault) -> Fault:
    """The same fault again and again, in more rows or in calls of any number."""
    if fault.family in {Family.ROWS, Family.ANSWERS}:
        return replace(fault, share=STRONG, times=None) if fault.share < STRONG else fault
    if isinstance(fault, WireFault):
        return replace(fault, share=STRONG, times=None, calls=(), spare_batches=0)
    return fault


FEW: Final = 3
FIRST_DICE: Final = (1, 2)
ALL_DICE: Final = (1, 2, 3, 4, 5, 6)
"""Seeds to be tried."""
STRONG: Final = 0.3
"""The share of rows or calls that strong faults strike; a few of them leave good answers over."""
LAST_STEP: Final = 40
"""Kills at other steps come before this one."""


def _without(
    found: Shrinking, breaks: Callable[[Plan], bool], name: str, start: int, count: int = 1
) -> bool:
    """Leave out so many parts of a kind from one place on, if it still breaks."""
    return _tried(found, _less(found.plan, name, start, count), breaks)


def _less(plan: Plan, name: str, start: int, count: int = 1) -> Plan:
    parts = getattr(plan, name)
    fewer: dict[str, Any] = {name: parts[:start] + parts[start + count :]}
    return replace(plan, **fewer)


def _simpler_size(found: Shrinking, breaks: Callable[[Plan], bool]) -> None:
    """Settings of the job at their defaults: those that seldom matter at once, then any by
    itself."""
    for names in (SELDOM_MATTER, *((name,) for name in (*SELDOM_MATTER, *OFTEN_MATTER))):
        plain: dict[str, Any] = {
            part.name: part.default for part in fields(Size) if part.name in names
        }
        size = replace(found.plan.size, **plain)
        _tried(found, replace(found.plan, size=size), breaks)


def _fewer_rows(found: Shrinking, breaks: Callable[[Plan], bool]) -> None:
    for rows in FEWER_ROWS:
        if rows >= found.plan.size.rows:
            break
        size = replace(found.plan.size, rows=rows)
        if _tried(found, replace(found.plan, size=size), breaks):
            break


SELDOM_MATTER: Final = ("first", "rounds", "budget", "released", "keeps_all")
OFTEN_MATTER: Final = ("ramp", "requests", "canary")
"""All settings of a size but its rows."""


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
    *(_simpler_size, _simpler_faults, _single_parts),
    *(_fewer_rows, _simpler_rest, _as_often_as_can_be),
)
"""A simpler job first, in which the other attempts are cheaper; in one of a few rows a fault that
strikes a share of them may strike none."""
