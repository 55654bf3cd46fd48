"""Plans as TOML: what `gameday fuzz` writes and `gameday replay` reads.

    seed = 8123

    [size]
    rows = 12

    [[fault]]
    name = "RowsExpired"
    share = 0.5

    [[kill]]
    step = 31
    mode = "torn"

Faults are written as in a plan for `gameday serve`. Left out is what has its default.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from scenarios.harness.errors import UsageError
from scenarios.harness.fuzz.plan import Act, Kill, Plan, Size
from scenarios.harness.sabotage import (
    BrokenDelimiter,
    ColumnRidesAlong,
    OversizePrompt,
    PlantedInstructions,
    RunawayJoin,
    Sabotage,
    UncappedOutput,
    WrongColumn,
)
from simulator.errors import SimulatorError
from simulator.faults.settings import from_dicts, to_dict

SABOTAGE: Mapping[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        WrongColumn,
        BrokenDelimiter,
        RunawayJoin,
        UncappedOutput,
        OversizePrompt,
        ColumnRidesAlong,
        PlantedInstructions,
    )
}
"""What can go wrong on the user's side. `RowsReordered` is not among it: it shows only to a
pipeline that reads its rows twice, and the guarded one does not."""
KEYS = ("seed", "rows_digest", "size", "fault", "sabotage", "kill", "act")
LIMITS = {"rows": (1, 100_000), "requests": (1, 100_000), "rounds": (0, 10), "canary": (0, 100_000)}

T = TypeVar("T")


def to_toml(plan: Plan, rows_digest: str = "", comment: str = "") -> str:
    """A plan as a file. `comment` may have several lines; `rows_digest` says on which rows."""
    head = [f"# {line}".rstrip() for line in comment.splitlines()]
    head += [f"seed = {plan.seed}"]
    head += [f"rows_digest = {_value(rows_digest)}"] if rows_digest else []
    tables = [("[size]", _document(plan.size))] if plan.size != Size() else []
    tables += [("[[fault]]", to_dict(fault)) for fault in plan.faults]
    tables += [
        ("[[sabotage]]", {"name": type(act).__name__} | _document(act)) for act in plan.sabotage
    ]
    tables += [("[[kill]]", _document(kill)) for kill in plan.kills]
    tables += [("[[act]]", _document(act)) for act in plan.acts]
    blocks = ["\n".join(head)]
    blocks += ["\n".join([title, *_lines(document)]) for title, document in tables]
    return "\n\n".join(blocks) + "\n"


def read_plan(path: Path) -> tuple[Plan, str]:
    """The plan of a file, and the digest of the rows it was found on; empty if it names none.

    Raises:
        UsageError: it cannot be read, or is no plan.
    """
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise UsageError(
            f"The plan {path} cannot be read: {error.strerror}.", fix="Check the path."
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"The plan {path} is not UTF-8.", fix="Give a TOML file.") from None
    try:
        return from_toml(text)
    except UsageError as wrong:
        raise UsageError(f"In {path}: {wrong.what}", fix=wrong.fix) from None


def from_toml(text: str) -> tuple[Plan, str]:
    """The same from the text of a file.

    Raises:
        UsageError: it is no plan.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as broken:
        raise UsageError(f"This is no TOML: {broken}.", fix="Correct that line.") from None
    strangers = [key for key in document if key not in KEYS]
    if strangers:
        raise UsageError(
            f"A plan has no {strangers[0]!r}.", fix=f"It has {', '.join(map(repr, KEYS))}."
        )
    try:
        faults = from_dicts(_tables(document, "fault"))
        sabotage = tuple(map(_sabotage, _tables(document, "sabotage")))
    except SimulatorError as wrong:
        raise UsageError(wrong.what, fix=wrong.fix) from None
    plan = Plan(
        _converted(document.get("seed", 0), int, "seed"),
        _size(document.get("size", {})),
        faults,
        sabotage,
        tuple(_converted(kill, Kill, "[[kill]]") for kill in _tables(document, "kill")),
        tuple(_converted(act, Act, "[[act]]") for act in _tables(document, "act")),
    )
    counts = [kill.step for kill in plan.kills] + [act.before_call + 1 for act in plan.acts]
    if any(count < 1 for count in counts):
        raise UsageError("Steps and calls are counted from 1.", fix="Use 1 or more.")
    return plan, _converted(document.get("rows_digest", ""), str, "rows_digest")


def _size(document: Any) -> Size:
    size: Size = _converted(document, Size, "[size]")
    for name, (least, most) in LIMITS.items():
        if not least <= getattr(size, name) <= most:
            raise UsageError(
                f"[size] {name} = {getattr(size, name)} cannot be.", fix=f"Use {least} to {most}."
            )
    shares = all(0 < share < 1 for share in size.ramp) and list(size.ramp) == sorted(size.ramp)
    if not shares or size.first < 0 or not 0 <= size.budget <= 10**6:
        raise UsageError(
            "[size] has a ramp, a first row or a budget that cannot be.",
            fix="A ramp has ascending shares between 0 and 1; the others are 0 or more.",
        )
    return size


def _sabotage(document: Mapping[str, Any]) -> Sabotage:
    settings = dict(document)
    name = settings.pop("name", None)
    if name not in SABOTAGE:
        raise UsageError(f"There is no sabotage {name!r}.", fix=f"There are {', '.join(SABOTAGE)}.")
    made: Sabotage = _converted(settings, SABOTAGE[name], name)
    return made


def _tables(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    tables = document.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"[{name}] is one table.", fix=f"Write [[{name}]], once for each.")
    return tables


def _converted(value: Any, kind: type[T], where: str) -> T:
    if isinstance(value, dict):
        known = [part.name for part in fields(kind)]  # type: ignore[arg-type] # tables are values
        if strangers := [key for key in value if key not in known]:
            raise UsageError(
                f"{where} has no {strangers[0]!r}.", fix=f"It has {', '.join(known) or 'nothing'}."
            )
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as wrong:
        raise UsageError(f"{where}: {wrong}.", fix="Correct it.") from None


def _document(value: Any) -> dict[str, Any]:
    """The settings of a value that differ from its defaults."""
    return {
        part.name: getattr(value, part.name)
        for part in fields(value)
        if part.default is MISSING or getattr(value, part.name) != part.default
    }


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    return (f"{name} = {_value(value)}" for name, value in document.items())


def _value(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case list() | tuple():
            return f"[{', '.join(map(_value, value))}]"
        case _:
            return msgspec.json.encode(str(value)).decode()
