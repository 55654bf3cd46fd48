"""The catalogue: every fault by its name, in the order of the families.

The wire comes first (connections, statuses, envelopes, batch objects, lists), then the life of
a batch, rows, answers, and the results file.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Final

from simulator.faults import (
    answers,
    batch_object,
    download,
    edge,
    envelope,
    files,
    lifecycle,
    lines,
    listing,
    messages,
    none,
    results_file,
    results_url,
    rows,
    status,
    wire,
)
from simulator.faults.fault import Family, Fault

BASES: Final = frozenset(
    {
        "BatchFault",
        "BrokenOff",
        "DownloadFault",
        "ErrorFault",
        "FileFault",
        "HalfALine",
        "LineFault",
        "ListFault",
        "MessageFault",
        "OddReply",
        "ReplyFault",
        "Silence",
        "StatusFault",
        "TargetedFault",
    }
)
_MODULES: Final[tuple[ModuleType, ...]] = (
    none,
    wire,
    status,
    edge,
    envelope,
    batch_object,
    results_url,
    listing,
    lifecycle,
    rows,
    answers,
    messages,
    results_file,
    lines,
    files,
    download,
)


def _faults_of(module: ModuleType) -> dict[str, type[Fault]]:
    """The faults that are written down in a module, in its order."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Fault)
        and value.__module__ == module.__name__
        and name not in BASES
    }


CATALOGUE: Final[Mapping[str, type[Fault]]] = {
    name: fault for module in _MODULES for name, fault in _faults_of(module).items()
}
"""Every fault by its name, `NoFault` first."""


def by_family() -> Mapping[Family, Mapping[str, type[Fault]]]:
    """The catalogue by family."""
    return {
        family: {name: fault for name, fault in CATALOGUE.items() if fault.family is family}
        for family in Family
    }
