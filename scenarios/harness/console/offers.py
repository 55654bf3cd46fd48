"""What a facilitator can inject: faults of the catalogue, presets, and the faults of drills."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from datetime import timedelta
from functools import cached_property
from inspect import getdoc
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin

from reports.untrusted import shown
from scenarios.harness.console.refusal import Refused
from simulator.errors import SimulatorError
from simulator.faults import CATALOGUE, PRESETS, Family, Fault, Window, WrongButValid
from simulator.faults.fault import shown as as_written
from simulator.faults.settings import nearest, read_setting, required, settings_of
from simulator.wire import Endpoint

if TYPE_CHECKING:
    from scenarios.harness.drill import Drill

Document = dict[str, Any]

LONGEST_VALUE: Final = 500
"""Characters of one setting as it is typed."""
FAMILIES: Final = {
    Family.WIRE: "Calls and connections",
    Family.LIFECYCLE: "The life of a batch",
    Family.ROWS: "What rows end with",
    Family.ANSWERS: "What the model says",
    Family.RESULTS_FILE: "The results file",
}
HINTS: Final[Mapping[str, str]] = {
    "share": "0 to 1: how much of what it could strike",
    "times": "how often at most; empty: no bound",
    "during": "a window from now on, such as 0s..1h",
    "spare_batches": "so many batches from now on are spared",
    "on": "which call; empty: any that it can strike",
    "custom_ids": "these rows only, separated by commas",
    "calls": "which of the calls, counted from 1, separated by commas",
    "attempts": "1 for a first try, 2 for the client's first retry",
    "per_batch": "how often at most on one batch",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """Faults that can be switched on in one act."""

    title: str
    faults: tuple[Fault, ...]


class Offers:
    """All of them, made from the catalogue and the drills that there are.

    Reading all drills takes a second, so that is done when somebody asks, and not at the start.
    """

    def __init__(self, drills: Callable[[], list[Drill]]) -> None:
        self._load = drills

    @cached_property
    def _drills(self) -> Mapping[str, Drill]:
        return {drill.name: drill for drill in self._load() if _is_of_the_service(drill)}

    @cached_property
    def document(self) -> Document:
        """What the page offers."""
        return {
            "families": [
                {
                    "title": title,
                    "faults": [
                        _fault(kind) for kind in CATALOGUE.values() if kind.family is family
                    ],
                }
                for family, title in FAMILIES.items()
            ],
            "presets": [
                {"name": name, "faults": [fault.describe() for fault in faults]}
                for name, faults in PRESETS.items()
            ],
            "drills": [
                {
                    "name": name,
                    "mode": drill.defends_against,
                    "claim": drill.claim,
                    "faults": [fault.describe() for fault in drill.faults],
                    "controls": [kind.__name__ for kind in drill.control_types],
                }
                for name, drill in self._drills.items()
            ],
        }

    def find(self, asked: object) -> Offer:
        """The faults that were asked for.

        Raises:
            Refused: there is nothing of this name, or a setting cannot be.
        """
        match asked:
            case {"drill": str(name)}:
                drill = self._drills.get(name)
                if drill is None:
                    raise Refused(
                        f"There is no drill {shown(name, 80)!r} with faults of the service."
                    )
                return Offer(f"faults of the drill {name}", drill.faults)
            case {"preset": str(name)}:
                if name not in PRESETS:
                    raise Refused(nearest(shown(name, 80), PRESETS, "one of"))
                return Offer(f"preset {name!r}", PRESETS[name])
            case {"fault": str(name), "settings": dict(settings)}:
                fault = _read(name, settings)
                return Offer(fault.name, (fault,))
        raise Refused("Name a drill, a preset or a fault with its settings.")


def from_now_on(fault: Fault, elapsed: timedelta, batches: int) -> Fault:
    """The same fault, its window and its spare batches counted from this moment."""
    changes: Document = {}
    if fault.during is not None:
        begun = timedelta(seconds=elapsed // timedelta(seconds=1))
        changes["during"] = Window(fault.during.start + begun, fault.during.end + begun)
    if fault.spare_batches:
        changes["spare_batches"] = fault.spare_batches + batches
    return replace(fault, **changes)


def story(fault: Fault) -> str:
    """What a fault does, in one sentence."""
    return (getdoc(type(fault)) or "").partition("\n")[0]


def _is_of_the_service(drill: Drill) -> bool:
    """Whether all that goes wrong in it goes wrong at the service."""
    return (
        bool(drill.faults)
        and not drill.sabotage
        and not any(map(_needs_the_job, drill.faults))
        and all(fault.family is not Family.NONE for fault in drill.faults)
    )


def _needs_the_job(fault: Fault) -> bool:
    """Whether only a job can say what its labels are; here there is none."""
    from scenarios.harness.model import LABELS_OF_THE_JOB  # noqa: PLC0415 - the drills have it

    return isinstance(fault, WrongButValid) and fault.labels == LABELS_OF_THE_JOB


def _fault(kind: type[Fault]) -> Document:
    needed = required(kind)
    defaults = {field.name: field.default for field in fields(kind)}
    hints = settings_of(kind)
    own = sorted(hints, key=lambda name: (name not in needed, name in HINTS))
    return {
        "name": kind.__name__,
        "says": (getdoc(kind) or "").partition("\n")[0],
        "settings": [
            {
                "name": name,
                "required": name in needed,
                "default": _default(defaults[name]),
                "choices": _choices(hints[name], kind),
                "hint": HINTS.get(name, _form(hints[name])),
            }
            for name in own
        ],
    }


def _default(value: object) -> str:
    if value is MISSING or value is None or value == ():
        return ""
    return as_written(value)


def _kinds(hint: Any) -> tuple[Any, ...]:
    """The types that a setting takes, without None; of a tuple, that of its parts."""
    if get_origin(hint) is tuple:
        return (get_args(hint)[0],)
    return tuple(kind for kind in get_args(hint) if kind is not type(None)) or (hint,)


def _choices(hint: Any, kind: type[Fault]) -> list[str]:
    (taken,) = _kinds(hint)
    if taken is bool:
        return ["true", "false"]
    if taken is Endpoint:
        where: tuple[Endpoint, ...] = getattr(kind, "where", ()) or tuple(Endpoint)
        return [endpoint.value for endpoint in where]
    return []


def _form(hint: Any) -> str:
    (taken,) = _kinds(hint)
    several = ", several separated by commas" if get_origin(hint) is tuple else ""
    return FORMS.get(taken, "text") + several


FORMS: Final[Mapping[Any, str]] = {
    timedelta: "a time such as 90s, 5min or 25h",
    int: "a whole number",
    float: "a number",
    Window: HINTS["during"],
}


def _read(name: str, settings: Mapping[str, object]) -> Fault:
    """The fault that was typed in. Every wrong setting is told, not the first one only."""
    kind = CATALOGUE.get(name)
    if kind is None or kind.family is Family.NONE:
        raise Refused(f"There is no fault {shown(name, 80)!r}.")
    hints = settings_of(kind)
    wrong: dict[str, str] = {}
    values: Document = {}
    for key, typed in settings.items():
        if key not in hints:
            raise Refused(f"{name} has no setting {shown(key, 80)!r}.")
        if not isinstance(typed, str) or len(typed) > LONGEST_VALUE:
            wrong[key] = f"Write a text of {LONGEST_VALUE} characters at most."
        elif typed.strip():
            try:
                values[key] = read_setting(kind, key, _plain(typed.strip(), hints[key]))
            except SimulatorError as refusal:
                wrong[key] = refusal.fix
    wrong |= {
        key: "This one is needed."
        for key in required(kind)
        if key not in values and key not in wrong
    }
    if wrong:
        raise Refused(f"{name} cannot be injected so.", wrong)
    try:
        return kind(**values)
    except SimulatorError as refusal:
        named = re.search(r"(\w+)=", refusal.what)
        where = {named[1]: refusal.fix} if named and named[1] in hints else {}
        raise Refused(str(refusal), where) from None


def _plain(typed: str, hint: Any) -> object:
    """What was typed, as a plan file would have it."""
    (taken,) = _kinds(hint)
    if get_origin(hint) is tuple:
        return [_one(part.strip(), taken) for part in typed.split(",") if part.strip()]
    return _one(typed, taken)


def _one(typed: str, taken: Any) -> object:
    if taken is bool:
        return {"true": True, "false": False}.get(typed.lower(), typed)
    for number, kinds in ((int, (int, float)), (float, (float, timedelta))):
        if taken in kinds and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", typed):
            try:
                return number(typed)
            except ValueError:
                continue
    return typed
