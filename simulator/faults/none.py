"""NoFault: the neutral member, and where a new fault starts from."""

from __future__ import annotations

from typing import ClassVar

from simulator.faults.fault import Family, Fault


class NoFault(Fault):
    """Nothing goes wrong."""

    __slots__ = ()

    family: ClassVar[Family] = Family.NONE

    def planned(self) -> str:
        """What it would strike: nothing."""
        return "nothing"
