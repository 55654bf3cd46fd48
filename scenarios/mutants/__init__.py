"""The mutants that ship: one file per control, each a handful of ways to break it."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from scenarios.harness.mutants import Mutant


def all_mutants() -> tuple[Mutant, ...]:
    """Every mutant in this package, by control and in the order of its file."""
    found: list[Mutant] = []
    for module in pkgutil.iter_modules(__path__):
        found += mutants_in(importlib.import_module(f"{__name__}.{module.name}"))
    return tuple(sorted(found, key=lambda one: one.control.__name__))


def mutants_in(module: ModuleType) -> list[Mutant]:
    """The mutants that a module declares."""
    return [value for value in vars(module).values() if isinstance(value, Mutant)]
