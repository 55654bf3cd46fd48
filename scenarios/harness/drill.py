"""A drill: a declaration over a plain function.

What is fixed stands above as values, what happens below as plain Python. The function's name is
the drill's name, the first line of its docstring is the claim.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from types import FunctionType
from typing import TYPE_CHECKING

from scenarios.harness.checks import Check
from scenarios.harness.errors import UsageError
from scenarios.harness.naive import ALL_CONTROLS, title_of
from scenarios.harness.sabotage import NoSabotage, Sabotage
from simulator.faults import Fault, NoFault

if TYPE_CHECKING:
    from scenarios.harness.world import World

Script = Callable[["World"], None]
Named = type | FunctionType


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

    @property
    def replay(self) -> str:
        """What to type in a shell to run it; with all others of its file if it came from one."""
        return shlex.join(["gameday", "run", self.file or self.name])

    @property
    def control_types(self) -> tuple[Named, ...]:
        """The classes of the named controls, and the functions as they are."""
        return tuple(
            part if isinstance(part, type | FunctionType) else type(part) for part in self.controls
        )

    @property
    def is_good_day(self) -> bool:
        """Nothing goes wrong in this drill: it proves that the controls do no harm."""
        return all(isinstance(fault, NoFault) for fault in self.faults) and all(
            isinstance(act, NoSabotage) for act in self.sabotage
        )


def drill(
    *,
    defends_against: str,
    controls: Sequence[object],
    checks: Sequence[Check],
    faults: Sequence[Fault] = (),
    sabotage: Sequence[Sabotage] = (),
    slow: bool = False,
) -> Callable[[Script], Drill]:
    """Declare a drill. See `scenarios/expired_rows_are_resent.py` for a whole one.

    Raises:
        UsageError: the declaration could not prove anything.
    """

    def declare(script: Script) -> Drill:
        name = script.__name__
        claim, _, story = cleandoc(script.__doc__ or "").partition("\n")
        made = Drill(
            name,
            claim.strip(),
            story.strip(),
            defends_against,
            tuple(faults),
            tuple(sabotage),
            tuple(controls),
            tuple(checks),
            script,
            slow,
        )
        for broken, what, fix in _rules(made):
            if broken:
                raise UsageError(f"The drill {name!r} {what}.", fix=fix)
        return made

    return declare


def _rules(drill: Drill) -> Sequence[tuple[bool, str, str]]:
    """Each rule as (is it broken, what is wrong, how to mend it)."""
    strangers = [kind.__name__ for kind in drill.control_types if kind not in ALL_CONTROLS]
    known = ", ".join(map(title_of, ALL_CONTROLS))
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
