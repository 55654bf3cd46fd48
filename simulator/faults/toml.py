"""Plans of faults in TOML, for `gameday serve --faults plan.toml`.

    [[fault]]
    name = "Stall"
    after_share = 0.5
    lasting = "25h"

A plan may begin with `preset = "bad day"`; its own faults are added to those.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from simulator.errors import SimulatorError
from simulator.faults.clashes import check_together
from simulator.faults.fault import Fault
from simulator.faults.presets import preset
from simulator.faults.settings import from_dict, nearest

KEYS = ("fault", "preset")


def load_plan(source: str | Path) -> tuple[Fault, ...]:
    """The faults of a plan: a path, or its text (anything that has a line break or a `=`)."""
    text = source if isinstance(source, str) and is_text(source) else _read(Path(source))
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        raise SimulatorError(f"This plan is no TOML: {broken}.", fix="Correct that line.") from None
    return _plan(document)


def is_text(source: str) -> bool:
    """Whether it is a plan and not the name of one."""
    return "\n" in source or "=" in source or not source.strip()


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise SimulatorError(f"There is no plan {path}.", fix="Give the path of one.") from None
    except (OSError, UnicodeDecodeError) as failed:
        raise SimulatorError(f"{path} cannot be read: {failed}.", fix="Give a TOML file.") from None


def _plan(document: dict[str, Any]) -> tuple[Fault, ...]:
    for key in document:
        if key not in KEYS:
            raise SimulatorError(
                f"A plan has no {key!r}.", fix=nearest(key, KEYS, "[[fault]] or preset")
            )
    chosen = document.get("preset")
    faults = list(preset(chosen)) if chosen is not None else []
    tables = document.get("fault", [])
    if not isinstance(tables, list):
        raise SimulatorError("[fault] is one table.", fix="Write [[fault]], once for each fault.")
    for number, table in enumerate(tables, start=1):
        try:
            faults.append(from_dict(table))
        except SimulatorError as wrong:
            raise SimulatorError(f"Fault {number}: {wrong.what}", fix=wrong.fix) from None
    check_together(faults)
    return tuple(faults)
