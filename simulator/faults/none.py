"""NoFault: the neutral member, and where a new fault starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from simulator.faults.fault import Family, Fault


@dataclass(frozen=True, slots=True)
class NoFault(Fault):
    """Nothing goes wrong."""

    family: ClassVar[Family] = Family.NONE

    def planned(self) -> str:
        """What it would strike: nothing."""
        return "nothing"
