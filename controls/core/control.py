"""The shape of every control."""

from __future__ import annotations

from typing import Protocol

from controls.core.decision import Decision
from controls.core.moment import Moment


class Control(Protocol):
    """Looks at one moment of a job and says what should happen next.

    `decide` is pure: asking twice gives the same answer. A control that has nothing to say of a
    moment answers `Proceed()`. One that raises is taken for `Halt`: controls fail closed.
    """

    def decide(self, moment: Moment, /) -> Decision:
        """The decision, with its reason."""
        ...
