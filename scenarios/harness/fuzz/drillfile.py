"""A plan as a drill file, as far as a drill can say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import timedelta
from enum import Enum
from typing import Any, Final

from scenarios.harness.fuzz.job import LENIENT
from scenarios.harness.fuzz.plan import Plan, Size
from simulator.faults import Fault, NoFault, Window

NAMED: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "conservation": (("Reconciliation", "QuarantineThreshold"), "EveryRowAccountedFor()"),
    "nothing-unvalidated": (("Quarantine",), "NothingUnvalidated()"),
    "own-row": (("RowBinding",), "EveryValueFromItsOwnRow()"),
    "spend": (("IdempotentSubmit",), "SpendWithinApproval()"),
    "canary-only": (("Canary",), "OnlyTheCanaryWasSent()"),
    "no-forbidden-field": (("FieldAllowlist",), "NoForbiddenValueSent()"),
    "ledger-first": (("IdempotentSubmit",), "NothingBeyondTheRows()"),
    "rollback": (("Staging",), "RecordCleanOrRestored()"),
    "purge": (("Staging",), "RecordCleanOrRestored()"),
    "alarm": (("Reconciliation",), "DamageIsHeard()"),
    "bounded-time": (("Requeue",), "EndsWithin(days(10))"),
}
"""By invariant: what the bare arm goes without, and the check that says nearly the same."""


def drill_name(name: str) -> str:
    """A plan's name as that of a function."""
    return f"fuzz_{name.replace('-', '_')}"


def drill_file(name: str, invariant: str, says: str, plan: Plan, replay: str) -> str:
    """The text of a drill file for a plan that broke this invariant."""
    controls, check = NAMED[invariant]
    given = [*(part for part in controls if part != "Canary" or not _canary(plan.size))]
    settings = list(_settings(plan.size))
    faults = [_python(fault) for fault in plan.faults]
    acts = [_python(act) for act in plan.sabotage]
    if not faults and not acts:
        faults = [_python(NoFault())]
    body = [
        *(f"    {line}" for line in _listed("faults", faults)),
        *(f"    {line}" for line in _listed("sabotage", acts)),
        *(f"    {line}" for line in _listed("controls", [*given, *settings])),
        f"    checks=[{check}],",
    ]
    text = "\n".join(body)
    unsaid = list(_unsaid(plan))
    story = [f"The smallest plan of faults that broke it: {replay}."]
    if unsaid:
        story.append(f"A drill cannot say {', '.join(unsaid)}; the plan does.")
    return "\n".join(
        [
            f'"""Drill, written by gameday fuzz: {says}."""',
            "",
            *_imports(text, plan),
            "",
            "",
            "@drill(",
            '    defends_against="a random plan of faults",',
            text,
            ")",
            f"def {drill_name(name)}(world: World) -> None:",
            f'    """{says[0].upper()}{says[1:]}.',
            "",
            *(f"    {line}" for line in story),
            '    """',
            f"    world.run(world.rows({plan.size.rows}))",
            "",
        ]
    )


def _listed(name: str, parts: list[str]) -> Iterator[str]:
    if parts:
        yield f"{name}=["
        yield from (f"    {part}," for part in parts)
        yield "],"


def _settings(size: Size) -> Iterator[str]:
    """Controls with the settings that the plan gives them."""
    if _canary(size):
        yield f"Canary({_canary(size)})"
    if size.rounds != Size().rounds:
        yield f"Requeue({size.rounds})"


def _canary(size: Size) -> str:
    if not size.canary and not size.ramp:
        return ""
    settings: dict[str, Any] = {"ramp": size.ramp}
    if size.canary:
        named = ("share", "confidence", "max_bad_share", "min_accuracy", "max_label_shift")
        settings |= {name: getattr(LENIENT, name) for name in named} | {"min_rows": size.canary}
    return f"CanaryPolicy({', '.join(f'{name}={_code(v)}' for name, v in settings.items())})"


def _unsaid(plan: Plan) -> Iterator[str]:
    """What of a plan stands in no drill."""
    size = plan.size
    if plan.kills:
        yield "when workers are killed"
    if plan.acts or not size.released:
        yield "what people do"
    if size.requests != Size().requests:
        yield f"that a batch has {size.requests} requests at most"
    if size.first:
        yield f"that row {size.first} is the first"
    if size.budget or size.keeps_all:
        yield "what the job type allows"


def _imports(text: str, plan: Plan) -> Iterator[str]:
    """One line for each room, with what the text uses."""
    from scenarios import __all__ as vocabulary  # noqa: PLC0415 - a list of names
    from scenarios.harness.naive import ALL_CONTROLS  # noqa: PLC0415

    def used(names: Iterator[str] | list[str]) -> str:
        return ", ".join(sorted({name for name in names if f"{name}" in _words(text)}))

    if "timedelta(" in text:
        yield "from datetime import timedelta\n"
    controls = used([kind.__name__ for kind in ALL_CONTROLS])
    yield f"from controls import {controls}"
    if "CanaryPolicy(" in text:
        yield "from controls.policy import CanaryPolicy"
    drills = [name for name in vocabulary if name in _words(text)]
    yield f"from scenarios import {', '.join([*sorted(drills), 'World', 'drill'])}"
    rest = [name for name in ("Endpoint", "days") if name in _words(text)]
    if rest:
        yield f"from simulator import {', '.join(rest)}"
    kinds = {fault.name for fault in plan.faults} or ({"NoFault"} if "NoFault(" in text else set())
    kinds |= {"Window"} if "Window(" in text else set()
    if kinds:
        yield f"from simulator.faults import {', '.join(sorted(kinds))}"


def _words(text: str) -> frozenset[str]:
    plain = "".join(letter if letter.isalnum() or letter == "_" else " " for letter in text)
    return frozenset(plain.split())


def _python(value: Any) -> str:
    """A fault or an accident as one writes it."""
    said = [
        f"{part.name}={_code(getattr(value, part.name))}"
        for part in fields(value)
        if part.default is MISSING or getattr(value, part.name) != part.default
    ]
    return f"{type(value).__name__}({', '.join(said)})"


def _code(value: Any) -> str:
    match value:
        case timedelta():
            return f"timedelta(seconds={value.total_seconds():g})"
        case Window():
            return f"Window({_code(value.start)}, {_code(value.end)})"
        case Enum():
            return f"{type(value).__name__}.{value.name}"
        case tuple():
            inner = ", ".join(map(_code, value))
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        case Fault():
            return _python(value)
        case _:
            return repr(value)
