"""Who was asked, and who acted: a witness behind each guardrail of an arm.

A control that stands in the stack and is never asked proves nothing, however green its drill is.
Each part of the stack is replaced by a twin: the same settings, and a class of the same name that
does the same and counts. The twin says with `watches` what it stands for, so that what is quick
for the real part stays quick for its twin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, TypeVar

from controls import Stack
from controls.core.answer import Quarantined
from controls.core.decision import Proceed
from reports import Asked

T = TypeVar("T")
Acts = Callable[[Any], bool]
"""Whether what a method returned is an act, and not merely consent."""


def _decided(decision: Any) -> bool:
    return not isinstance(decision, Proceed)


def _refused(verdict: Any) -> bool:
    return isinstance(verdict, Quarantined)


def _always(_: Any) -> bool:
    return True


CONTROL: Mapping[str, Acts] = {"decide": _decided}
GATE: Mapping[str, Acts] = {"examine": _refused}
FENCE: Mapping[str, Acts] = {"wrap": _always}
IDENTITY: Mapping[str, Acts] = {"examine": _always}
"""Whatever it says, an answer is on a row then because of it."""
CHUNKING: Mapping[str, Acts] = {"chunks": _always}
SINK: Mapping[str, Acts] = dict.fromkeys(("stage", "promote", "rollback"), _always)


@dataclass(frozen=True, slots=True)
class Witness:
    """Counts by the name of the part."""

    asked: Counter[str] = field(default_factory=Counter)
    acted: Counter[str] = field(default_factory=Counter)

    def behind(self, stack: Stack) -> Stack:
        """The same stack, of twins."""
        return replace(
            stack,
            controls=tuple(self._twin(part, CONTROL) for part in stack.controls),
            gate=self._twin(stack.gate, GATE),
            fence=self._twin(stack.fence, FENCE),
            identity=self._twin(stack.identity, IDENTITY),
            sink=self._twin(stack.sink, SINK),
            chunking=self._twin(stack.chunking, CHUNKING),
        )

    def pager(self, part: T) -> T:
        """The same pager, as a twin."""
        return self._twin(part, {"page": _always})

    def router(self, part: T) -> T:
        """The same router, as a twin."""
        return self._twin(part, {"route": _always})

    def listener(self, part: T) -> T:
        """The same listener, as a twin."""
        return self._twin(part, {"__call__": _always})

    def used(self, control: Any) -> None:
        """Note that somebody has called a control that stands beside the stack."""
        self.asked[control.__name__] += 1
        self.acted[control.__name__] += 1

    def saw(self, part: object) -> None:
        """Note that a part without a twin, or a function, was called and did its work."""
        name = str(getattr(part, "__name__", type(part).__name__))
        self.asked[name] += 1
        self.acted[name] += 1

    def of(self, kinds: Collection[Any]) -> tuple[Asked, ...]:
        """What it saw of these controls."""
        names = [kind.__name__ for kind in kinds]
        return tuple(Asked(name, self.asked[name], self.acted[name]) for name in names)

    def _twin(self, part: T, methods: Mapping[str, Acts]) -> T:
        kind: type = type(part)
        body: dict[str, Any] = {
            name: self._counting(kind.__name__, getattr(kind, name), acts)
            for name, acts in methods.items()
        }
        if "examine" in methods:
            body |= self._quick(kind, acts=methods["examine"])
        same = {"__slots__": (), "__module__": kind.__module__, "__qualname__": kind.__qualname__}
        twin = copy(part)
        body |= same | {"watches": kind}
        object.__setattr__(twin, "__class__", type(kind)(kind.__name__, (kind,), body))
        return twin

    def _counting(self, name: str, method: Callable[..., Any], acts: Acts) -> Callable[..., Any]:
        asked, acted = self.asked, self.acted

        @wraps(method)
        def counted(*given: Any, **named: Any) -> Any:
            asked[name] += 1
            said = method(*given, **named)
            if acts(said):
                acted[name] += 1
            return said

        return counted

    def _quick(self, kind: type, acts: Acts) -> dict[str, Any]:
        """The short way of an answer that is beyond doubt; see `controls/core/swift.py`."""
        quick: dict[str, Any] = {}
        plain = _always if acts is _always else _never
        if isinstance(valid := getattr(kind, "is_valid", None), property):
            quick["is_valid"] = property(
                lambda part: self._counting(kind.__name__, valid.__get__(part), plain)
            )
        return quick


def _never(_: Any) -> bool:
    return False
