"""Finding drills: every `Drill` value in the `scenarios` package, or in a file of the user's."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import scenarios
from scenarios.harness.drill import Drill
from scenarios.harness.errors import UsageError


def all_drills() -> tuple[Drill, ...]:
    """The drills that ship, by failure mode and name."""
    found: list[Drill] = []
    for module in pkgutil.iter_modules(scenarios.__path__):
        if not module.ispkg:
            found += drills_in(importlib.import_module(f"scenarios.{module.name}"))
    return tuple(sorted(found, key=lambda drill: (drill.defends_against, drill.name)))


def drills_in(module: ModuleType) -> list[Drill]:
    """The drills that a module declares; each variant of a family is one."""
    values = [value for value in vars(module).values() if isinstance(value, Drill | tuple)]
    return [
        drill
        for value in values
        for drill in (value if isinstance(value, tuple) else (value,))
        if isinstance(drill, Drill)
    ]


def select(names: Sequence[str], *, slow: bool = False) -> tuple[Drill, ...]:
    """The drills of these names or files; without any, all that are not slow.

    The name of a family stands for all of its variants.

    Raises:
        UsageError: there is no such drill, or a file cannot be loaded or declares none.
    """
    known = {drill.name: drill for drill in all_drills()}
    if not names:
        return tuple(drill for drill in known.values() if slow or not drill.slow)
    chosen: dict[str, Drill] = {}
    for name in names:
        for drill in load_file(name) if name.endswith(".py") else named(name, known):
            other = chosen.setdefault(drill.name, drill)
            if other.file != drill.file:
                places = " and ".join(
                    sorted(each.file or "gameday itself" for each in (other, drill))
                )
                raise UsageError(
                    f"There are two drills named {drill.name!r}: in {places}.",
                    fix="Give one of them another name, or run them apart.",
                )
    return tuple(chosen.values())


def named(name: str, known: dict[str, Drill]) -> list[Drill]:
    """The drill of this name, or all variants of this family; dashes count as underscores.

    Raises:
        UsageError: there is none.
    """
    plain = name.replace("-", "_")
    if plain in known:
        return [known[plain]]
    if family := [drill for drill in known.values() if drill.family == plain]:
        return family
    names = {*known, *(drill.family for drill in known.values())}
    near = get_close_matches(plain, sorted(names), n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}?" if near else "See: gameday list"
    raise UsageError(f"There is no drill named {name!r}.", fix=hint)


class _LeavesNothing(SourceFileLoader):
    """Writes no bytecode beside the file: the folder is the user's."""

    def set_data(self, *_what: object, **_how: object) -> None:
        """Keep nothing."""


def load_module(name: str) -> ModuleType:
    """A Python file of the user's, run.

    Raises:
        UsageError: it is not there, or cannot be loaded.
    """
    path = Path(name)
    if path.suffix != ".py" or not path.is_file():
        raise UsageError(f"There is no drill file {path}.", fix="Check the path.")
    loader = _LeavesNothing(f"gameday_file_{path.stem}", str(path))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        loader.exec_module(module)
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"The drill file {path} cannot be loaded: {type(error).__name__}: {error}.",
            fix="Mend it; python FILE shows the whole story.",
        ) from error
    return module


def load_file(name: str) -> Sequence[Drill]:
    """The drills of a Python file.

    Raises:
        UsageError: it is not there, cannot be loaded, or declares no drill or two of one name.
    """
    found = drills_in(load_module(name))
    if not found:
        raise UsageError(
            f"The file {name} declares no drill.",
            fix="Put @drill(...) above a function that takes a world.",
        )
    distinct = {id(drill): drill for drill in found}.values()
    twice = [name for name, count in Counter(d.name for d in distinct).items() if count > 1]
    if twice:
        raise UsageError(
            f"The file {name} declares two drills named {twice[0]!r}.",
            fix="A drill's name is that of its function: give one of them another.",
        )
    return [replace(drill, file=name) for drill in distinct]
