"""Mutants: controls that are broken on purpose, to see whether a drill says so.

A mutant is a class derived from the control with one wrong method, or a function that makes the
wrong control from the right one. `@mutant` declares it; its name is that of the class, its story
the first line of the docstring.

While a mutant is on trial the right control is asked beside it, and each difference is counted:
one that never acted differently has proved nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from inspect import cleandoc
from types import FunctionType
from typing import Any, TypeVar, cast

from controls import Stack
from scenarios.harness.errors import UsageError

T = TypeVar("T")
Part = Any
"""A control, a gate, a fence, an identity, a sink or a chunking: whatever stands in a stack; a
part that stands beside it; a function that somebody calls every day."""

ASKED = (
    "decide",
    "examine",
    "wrap",
    "notice",
    "reference",
    "request_echo",
    "row_of",
    "scrub",
    "chunks",
    "route",
    "look_over",
    "attribution",
    "verify_trail",
)
"""Methods that only answer: the right control is asked the same, and the answers are compared.
All others act; doing that twice would be another run, so a changed one counts when it is called."""
PATIENCE = 20_000
"""Decisions of one control in one run. More is a run that would never end."""


class Kind(StrEnum):
    """How a mutant is broken."""

    REMOVED = "removed"
    OFF_BY_ONE = "off by one"
    FAILS_OPEN = "fails open on its own error"
    TOO_LATE = "acts too late"
    WRONG_FIELD = "looks at the wrong field"
    WRONG_UNIT = "takes one unit for another"
    WRONG_WAY = "compares the wrong way"
    FORGETS = "forgets what was"
    HALF = "does half of it"
    TOO_STRICT = "stops what is in order"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A way to break one control."""

    control: Any
    """A class, or a function."""
    name: str
    kind: Kind
    story: str
    make: Callable[[Part], Part]
    """The broken control, with the settings of the right one."""

    @property
    def title(self) -> str:
        """How it is named in lists."""
        return f"{self.control.__name__}.{self.name}"


def mutant(control: Any, kind: Kind) -> Callable[[Callable[..., Any]], Any]:
    """Declare a mutant: above a class derived from the control, or above a function.

    Raises:
        UsageError: it does not say what it does wrong.
    """

    def declare(made: Any) -> Mutant:
        name: str = made.__name__
        story = cleandoc(made.__doc__ or "").partition("\n")[0].strip()
        if not story or made.__doc__ == control.__doc__:
            raise UsageError(
                f"The mutant {name!r} has no docstring.", fix="Write what it does wrong."
            )
        make = partial(recast, kind=made) if isinstance(made, type) else made
        return Mutant(control, name, kind, story, make)

    return declare


def recast(part: Part, kind: type) -> Part:
    """The same settings under another class, which must be derived from that of `part`."""
    made: Part = object.__new__(kind)
    for name in _slots(type(part)):
        if hasattr(part, name):
            object.__setattr__(made, name, getattr(part, name))
    for name, value in getattr(part, "__dict__", {}).items():
        object.__setattr__(made, name, value)
    return made


def _slots(kind: type) -> Iterator[str]:
    for each in kind.__mro__:
        slots = each.__dict__.get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots


class NeverEnds(Exception):  # noqa: N818 - it names what happened
    """A mutant that is asked for ever."""


@dataclass(slots=True)
class Witness:
    """What was seen of a mutant during one run."""

    differed: int = 0
    raised: str = ""
    """The first error of its own; the right control had none at that place."""
    _decided: int = field(default=0)

    def count(self) -> None:
        """Another decision; too many of them would never end."""
        self._decided += 1
        if self._decided > PATIENCE:
            self.raised = f"NeverEnds: it was asked for more than {PATIENCE:,} decisions"
            raise NeverEnds(self.raised)

    def compare(self, right: Callable[[], Any], broken: Callable[[], Any]) -> Any:
        """The answer of the mutant, compared with that of the control."""
        expected, refused = None, False
        try:
            expected = right()
        except Exception:  # noqa: BLE001 - what it raises is compared too
            refused = True
        try:
            answer = broken()
        except Exception as error:
            if not refused:
                self.raised = f"{type(error).__name__}: {str(error)[:200]}"
            raise
        self.differed += refused or answer != expected
        return answer

    def act(self) -> None:
        """A changed act was called."""
        self.differed += 1


def watched(right: Part, broken: Part, witness: Witness) -> Part:
    """The mutant, under the eyes of a witness."""
    namespace: dict[str, Any] = {"__slots__": ()}
    for name in ASKED:
        if hasattr(broken, name):
            namespace[name] = _compared(name, right, broken, witness)
    for name, made in vars(type(broken)).items():
        if type(broken) is not type(right) and isinstance(made, FunctionType):
            namespace.setdefault(name, _counted(name, broken, witness))
    return recast(broken, type(type(broken).__name__, (type(broken),), namespace))


def _compared(name: str, right: Part, broken: Part, witness: Witness) -> Callable[..., Any]:
    calls = _compared_calls(getattr(right, name), getattr(broken, name), witness)

    def asked(_self: Part, *given: Any, **named: Any) -> Any:
        if name == "decide":
            witness.count()
        return calls(*given, **named)

    return asked


def _compared_calls(right: Any, broken: Any, witness: Witness) -> Callable[..., Any]:
    def asked(*given: Any, **named: Any) -> Any:
        given = tuple(map(_settled, given))
        return witness.compare(
            lambda: _settled(right(*given, **named)), lambda: _settled(broken(*given, **named))
        )

    return asked


def _counted(name: str, broken: Part, witness: Witness) -> Callable[..., Any]:
    def done(_self: Part, *given: Any, **named: Any) -> Any:
        witness.act()
        return getattr(broken, name)(*given, **named)

    return done


def _settled(answer: Any) -> Any:
    return list(answer) if isinstance(answer, Iterator) else answer


@dataclass(frozen=True, slots=True)
class Infection:
    """Puts a mutant in the place of its control, wherever that comes into use."""

    sick: Mutant
    witness: Witness

    def __call__(self, part: T, /) -> T:
        """The mutant for its control, a stack with it for a stack; anything else as it is."""
        if isinstance(part, Stack):
            return cast("T", self._stack(part))
        if part is self.sick.control:
            return cast("T", self._function(part))
        if type(part) is not self.sick.control:
            return part
        return cast("T", watched(part, self.sick.make(copy.copy(part)), self.witness))

    def _stack(self, stack: Stack) -> Stack:
        return replace(
            stack,
            controls=tuple(map(self, stack.controls)),
            gate=self(stack.gate),
            fence=self(stack.fence),
            identity=self(stack.identity),
            sink=self(stack.sink),
            chunking=self(stack.chunking),
        )

    def _function(self, right: Any) -> Any:
        broken = self.sick.make(right)
        if right.__name__ in ASKED:
            return _compared_calls(right, broken, self.witness)

        def done(*given: Any, **named: Any) -> Any:
            self.witness.act()
            return broken(*given, **named)

        return done
