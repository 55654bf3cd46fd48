"""A drill: a declaration over a plain function.

What is fixed stands above as values, what happens below as plain Python. The function's name is
the drill's name, the first line of its docstring is the claim. With `each` it is a family: one
drill per variant, all with the same claim, named `function.variant`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeGuard, overload

from scenarios.harness.checks import Check
from scenarios.harness.errors import UsageError
from scenarios.harness.naive import ALL_CONTROLS, BESIDE_THE_STACK, StandIn
from scenarios.harness.sabotage import NoSabotage, Sabotage
from simulator.faults import Fault, NoFault

if TYPE_CHECKING:
    from scenarios.harness.world import World

Script = Callable[["World"], None]
Part = Fault | Sabotage | StandIn
"""What can differ from variant to variant: what goes wrong, and what the bare arm does instead."""
Each = Mapping[str, Part | Sequence[Part]] | Sequence[Part | Sequence[Part]]


ENOUGH = 150
"""Rows on which a drill proves what it proves on more, unless it says that it takes more."""


@dataclass(frozen=True, slots=True)
class Drill:
    """Faults + controls + checks + a story, and the claim it proves."""

    name: str
    claim: str
    story: str
    defends_against: str
    """The failure mode, in the words of the incident."""
    faults: tuple[Fault, ...]
    sabotage: tuple[Sabotage, ...]
    controls: tuple[object, ...]
    """What the bare arm goes without. A class stands for the control with the job type's
    settings, a value also replaces its settings in the calm and the guarded arm; a function is
    something that somebody does every day."""
    checks: tuple[Check, ...]
    script: Script
    slow: bool = False
    """Not run unless it is named or `--slow` is given."""
    file: str = ""
    """The file it came from, as the user wrote it; empty for one that ships."""
    instead: tuple[StandIn, ...] = ()
    """What stands in the bare arm where the controls stood, if not the usual."""
    borne: bool = False
    """What goes wrong is weather: it harms no pipeline, and must wake nobody up."""
    at_least: int = 0
    """With fewer rows than so many it proves nothing, and is not run; see `needs`."""

    @property
    def family(self) -> str:
        """The name that all variants of this drill share; its own, if there are none."""
        return self.name.partition(".")[0]

    @property
    def variant(self) -> str:
        """What its own name adds to that of the family; empty for a drill without variants."""
        return self.name.partition(".")[2]

    @property
    def count(self) -> int | None:
        """How many of the rows its story takes, as far as the story says so; None for all."""
        counts = [value for value in self.script.__code__.co_consts if type(value) is int]
        return min(counts, default=None)

    @property
    def needs(self) -> int:
        """The fewest rows it is run on: for a drill that ships as many as its story takes, or
        `ENOUGH`, where it does not say otherwise."""
        return self.at_least or (0 if self.file else min(self.count or 0, ENOUGH))

    @property
    def replay(self) -> str:
        """What to type in a shell to run it; with all others of its file if it came from one."""
        return shlex.join(["gameday", "run", self.file or self.name])

    @property
    def control_types(self) -> tuple[Any, ...]:
        """The classes of the named controls, and the functions as they are."""
        return tuple(
            part if isinstance(part, type | FunctionType) else type(part) for part in self.controls
        )

    @property
    def is_good_day(self) -> bool:
        """Nothing harmful happens in this drill: it proves that the controls do no harm."""
        if self.borne:
            return True
        return all(isinstance(fault, NoFault) for fault in self.faults) and all(
            isinstance(act, NoSabotage) for act in self.sabotage
        )


@overload
def drill(
    *,
    defends_against: str,
    controls: Sequence[object],
    checks: Sequence[Check],
    faults: Sequence[Fault] = (),
    sabotage: Sequence[Sabotage] = (),
    instead: Sequence[StandIn] = (),
    borne: bool = False,
    slow: bool = False,
    at_least: int = 0,
) -> Callable[[Script], Drill]: ...


@overload
def drill(
    *,
    defends_against: str,
    controls: Sequence[object],
    checks: Sequence[Check],
    each: Each,
    faults: Sequence[Fault] = (),
    sabotage: Sequence[Sabotage] = (),
    instead: Sequence[StandIn] = (),
    borne: bool = False,
    slow: bool = False,
    at_least: int = 0,
) -> Callable[[Script], tuple[Drill, ...]]: ...


def drill(
    *,
    defends_against: str,
    controls: Sequence[object],
    checks: Sequence[Check],
    each: Each | None = None,
    faults: Sequence[Fault] = (),
    sabotage: Sequence[Sabotage] = (),
    instead: Sequence[StandIn] = (),
    borne: bool = False,
    slow: bool = False,
    at_least: int = 0,
) -> Callable[[Script], Drill] | Callable[[Script], tuple[Drill, ...]]:
    """Declare a drill. See `scenarios/expired_rows_are_resent.py` for a whole one.

    Args:
        each: the variants, each a fault or several parts; named by a mapping, or after the class
            of their first part. See `scenarios/odd_bytes_lose_no_row.py`.

    Raises:
        UsageError: the declaration could not prove anything.
    """

    def one(script: Script, name: str, parts: Sequence[Part] = ()) -> Drill:
        claim, _, story = cleandoc(script.__doc__ or "").partition("\n")
        made = Drill(
            name,
            claim.strip(),
            story.strip(),
            defends_against,
            (*faults, *(part for part in parts if isinstance(part, Fault))),
            (*sabotage, *filter(_is_sabotage, parts)),
            tuple(controls),
            tuple(checks),
            script,
            slow,
            instead=(*instead, *(part for part in parts if isinstance(part, StandIn))),
            borne=borne,
            at_least=at_least,
        )
        for broken, what, fix in _rules(made):
            if broken:
                raise UsageError(f"The drill {name!r} {what}.", fix=fix)
        return made

    def declare(script: Script) -> Drill:
        return one(script, script.__name__)

    def declare_each(script: Script) -> tuple[Drill, ...]:
        variants = list(_variants(script.__name__, each or ()))
        return tuple(one(script, f"{script.__name__}.{name}", parts) for name, parts in variants)

    return declare if each is None else declare_each


def _variants(family: str, each: Each) -> Iterator[tuple[str, Sequence[Part]]]:
    """Each variant with its name.

    Raises:
        UsageError: there is none, two have one name, or a name could not be typed in a shell.
    """
    named: list[tuple[str, Sequence[Part]]] = []
    for entry in each.items() if isinstance(each, Mapping) else enumerate(each):
        name, parts = entry[0], _listed(entry[1])
        named.append((name if isinstance(name, str) else _snake(type(parts[0]).__name__), parts))
    if not named:
        raise UsageError(f"The drill {family!r} has no variants.", fix="Fill `each`, or leave it.")
    seen: set[str] = set()
    for name, parts in named:
        if name in seen:
            raise UsageError(
                f"The drill {family!r} has two variants named {name!r}.",
                fix="Write `each` as a mapping that gives each of them a name.",
            )
        if not _NAME(name) or name == "py":
            raise UsageError(
                f"The drill {family!r} has a variant named {name!r}.",
                fix="Use lower case letters, digits and underscores.",
            )
        seen.add(name)
        yield name, parts


_NAME = re.compile(r"[a-z][a-z0-9_]*").fullmatch


def _listed(parts: Part | Sequence[Part]) -> Sequence[Part]:
    return parts if isinstance(parts, Sequence) else (parts,)


def _is_sabotage(part: Part) -> TypeGuard[Sabotage]:
    return hasattr(part, "spoil")


def _snake(name: str) -> str:
    """InvalidUtf8 -> invalid_utf8."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _rules(drill: Drill) -> Sequence[tuple[bool, str, str]]:
    """Each rule as (is it broken, what is wrong, how to mend it)."""
    controls = (*ALL_CONTROLS, *BESIDE_THE_STACK)
    strangers = [kind.__name__ for kind in drill.control_types if kind not in controls]
    known = ", ".join(kind.__name__ for kind in controls)
    return (
        (not drill.claim, "has no docstring", "Write the claim as its first line."),
        (not drill.checks, "checks nothing", "Give it at least one check."),
        (not drill.controls, "names no control", "Name what the bare arm goes without."),
        (
            not drill.faults and not drill.sabotage,
            "injects nothing",
            "Give it a fault or a sabotage; a good day says so with NoFault().",
        ),
        (bool(strangers), f"names {', '.join(strangers)}", f"The controls are: {known}."),
    )
