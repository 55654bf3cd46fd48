"""Drawing plans: the same seed and number, the same plan, on any machine.

Swarm style: every plan goes without whole families, so that what is left can show what the others
would hide. Many plans are crowds (`crowds.py`); of the rest some are harsh in few ways,
others mild in many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, fields, replace
from datetime import timedelta
from functools import cache
from random import Random
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin

from scenarios.harness.fuzz.crowds import Turns, crowd_size, dealt, home_of
from scenarios.harness.fuzz.plan import MEANWHILE, Act, Deed, Kill, Mode, Plan, Size
from scenarios.harness.model import LABELS_OF_THE_JOB
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
from simulator import seconds
from simulator.errors import SimulatorError
from simulator.faults import CATALOGUE, Fault, Window
from simulator.faults.clashes import always, check_together
from simulator.faults.drift import DRIFTS
from simulator.faults.settings import settings_of
from simulator.wire import Endpoint

FAMILIES: Final[Mapping[str, tuple[type[Fault], ...]]] = {
    home: tuple(
        kind for name, kind in CATALOGUE.items() if home_of(kind) == home and name != "NoFault"
    )
    for home in dict.fromkeys(
        home_of(kind) for name, kind in CATALOGUE.items() if name != "NoFault"
    )
}
"""Faults by the page of the catalogue that they stand on."""
KINDS = tuple(kind for family in FAMILIES.values() for kind in family)

SHARES = (0.05, 0.1, 0.3, 0.5, 0.8, 1.0)
MILD_SHARES = (0.02, 0.05, 0.1)
WINDOWS = (
    Window(seconds(0), seconds(90)),
    Window(seconds(0), seconds(7200)),
    Window(seconds(300), seconds(90_000)),
)
SPANS = tuple(map(seconds, (1, 30, 300, 3600, 21_600, 90_000)))
WHOLE: Mapping[str, tuple[int, ...]] = {
    "size_bytes": (1_000, 100_000),
    "status": (404, 429, 500, 503, 529),
    "after_bytes": (0, 1, 100, 700),
    "piece_bytes": (1, 64),
    "count": (1, 2, 5),
    "by": (-3, -1, 1, 2),
    "after_requests": (0, 1, 7, 20),
}
TEXTS: Mapping[str, tuple[str, ...]] = {
    "error_type": (
        "overloaded_error",
        "api_error",
        "invalid_request_error",
        "timeout_error",
        "a_new_error",
    ),
    "details": ("user_facing", "null"),
    "request_id": ("worker", "absent", "null"),
    "status": ("finalizing", "validating"),
    "type": ("deferred", "pending"),
}
"""What a setting of this name may say; other texts keep their default."""
NAMED: Mapping[str, Callable[[Random], tuple[str, ...]]] = {
    "labels": lambda _dice: LABELS_OF_THE_JOB,
    "kinds": lambda dice: tuple(dice.sample(DRIFTS, len(DRIFTS))),
}
"""Settings that list names: all of them, in an order that matters where they take turns."""
SAYS_NOTHING_WAS_DONE = frozenset(range(400, 500)) - {408, 409} | {529}
"""Statuses that clients may take at their word: a service that answers so has not done its work."""
LIMITED: Mapping[tuple[str, str], Sequence[Any]] = {
    ("MissingFromList", "lasting"): tuple(map(seconds, (1, 10, 30))),
}
"""Settings beyond which no client can know what happened: a batch that the list hides for an hour
looks like one that was never made."""
CALLS = ((1,), (2,), (1, 2), (3,))


def draw(seed: int, number: int) -> Plan:
    """Plan so-and-so of a campaign: every other of the first ones is a crowd, then every fourth."""
    dice = Random(f"{seed}/{number}")
    turn, apart = divmod(number, 2 if number < FIRST else 4)
    return plan_of(dice) if apart else crowd_of(dice, dealt(GENTLE, seed, turn))


FIRST: Final = 200
"""A crowd is twice as dear as another plan; what it can find, it mostly finds early."""


def crowd_of(dice: Random, kinds: Sequence[type[Fault]]) -> Plan:
    """A plan in which faults of all these kinds meet, as far as they can be true together."""
    seed, turns = dice.randrange(2**31), Turns(dice)
    return Plan(
        seed,
        crowd_size(dice),
        _together(fault_of(kind, dice, timing=turns.of(kind)) for kind in kinds),
        (),
        _kills(dice) if dice.random() < 0.5 else (),
        _acts(dice) if dice.random() < 0.2 else (),
    )


def plan_of(dice: Random) -> Plan:
    """A plan, from any source of chance."""
    seed = dice.randrange(2**31)
    if dice.random() < CALM:
        return Plan(seed, Size(rows=_rows(dice), first=dice.randrange(1_000)))
    mild = dice.random() < MILD
    faults = _faults(dice, mild=mild)
    sabotage = _sabotage(dice) if dice.random() < 0.3 else ()
    return sound(
        Plan(
            seed,
            _size(dice),
            faults,
            sabotage,
            _kills(dice) if dice.random() < 0.4 else (),
            _acts(dice) if dice.random() < 0.3 else (),
        )
    )


CALM = 0.02
MILD = 0.4
"""So many plans have many faults, each of them rare or bounded."""


POISONED_ROWS: Final = 30
"""A model that does not see the text of one row guesses its label right in a third of the cases."""


def sound(plan: Plan) -> Plan:
    """The plan, so cut that every invariant may be asked of it: a poisoned template meets the
    canary of the job type, on so many rows that guessing them right is no accident; and rows that
    nobody has meet a ceiling that they exceed."""
    size = plan.size
    poisoned = any(isinstance(act, WrongColumn | BrokenDelimiter) for act in plan.sabotage)
    runaway = any(isinstance(act, RunawayJoin | OversizePrompt) for act in plan.sabotage)
    if poisoned:
        size = replace(size, canary=0, rows=max(size.rows, POISONED_ROWS))
    if runaway and not 0 < size.budget <= 1:
        size = replace(size, budget=1.0)
    return replace(plan, size=size)


def _rows(dice: Random) -> int:
    return dice.choice((1, 5, 12, 20, 24, 30, 40, 60))


def _size(dice: Random) -> Size:
    return Size(
        rows=_rows(dice),
        first=dice.randrange(1_000),
        requests=dice.choice((20_000, 20_000, 25, 9)),
        canary=dice.choice((0, 1, 3, 5, 10)),
        ramp=dice.choice(((), (), (0.5,), (0.2, 0.6))),
        rounds=dice.choice((0, 1, 2, 2, 3)),
        budget=dice.choice((0.0, 0.0, 0.0, 0.8, 1.5, 2.0)),
        keeps_all=dice.random() < 0.5,
        released=dice.random() < 0.93,
    )


def _faults(dice: Random, *, mild: bool) -> tuple[Fault, ...]:
    """Some faults of some families, such as can be true together."""
    on = [kinds for kinds in FAMILIES.values() if dice.random() < (0.6 if mild else 0.35)]
    pool = [kind for kinds in on for kind in kinds if not (mild and kind.__name__ in FATAL)]
    count = min(dice.randrange(5, 26) if mild else dice.choice((1, 1, 2, 3, 4)), len(pool))
    return _together(fault_of(kind, dice, mild=mild) for kind in dice.sample(pool, count))


def _together(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Those that can be true together with the ones before them."""
    chosen: list[Fault] = []
    for fault in faults:
        with suppress(SimulatorError):
            if always(fault):  # no other can clash
                check_together([*chosen, fault])
            chosen.append(fault)
    return tuple(chosen)


FATAL: Final = frozenset(
    {
        *("OnHold", "Unauthorized", "PaymentRequired", "Forbidden", "SpendCapReached"),
        *("EdgeTooLarge", "NoBatchSupport", "UnknownRows", "NeverEnds", "ArchivedEarly"),
        *("DeletedByAnotherOperator", "CreditExhausted", "AnswersSwapped"),
    }
)
"""Faults that rightly stop a job; where many faults meet they would hide all others."""


GENTLE: Final = tuple(kind for kind in KINDS if kind.__name__ not in FATAL)
"""The kinds of which crowds are made."""


def fault_of(
    kind: type[Fault],
    dice: Random,
    *,
    mild: bool = False,
    timing: Mapping[str, Any] | None = None,
) -> Fault:
    """A fault of this kind with random settings, such as it takes; when and how often it strikes
    may be given."""
    for _ in range(TRIES):
        with suppress(SimulatorError):
            return kind(**_settings(kind, dice, mild=mild, timing=timing))
    raise SimulatorError(
        f"No settings were found that {kind.__name__} takes.", fix="Give its settings in dice.py."
    )


TRIES = 50


def _settings(
    kind: type[Fault], dice: Random, *, mild: bool, timing: Mapping[str, Any] | None
) -> dict[str, Any]:
    hints, found = _hints(kind.__name__), dict(timing or {})
    for part in fields(kind):
        needed = part.default is MISSING or part.name in ALWAYS
        if part.name in _SHARED:
            found |= _SHARED[part.name](kind, dice, mild) if timing is None else {}
        elif needed or dice.random() < OWN:
            found |= _own(kind, part.name, hints[part.name], dice)
    return found


@cache
def _hints(name: str) -> Mapping[str, Any]:
    return settings_of(CATALOGUE[name])


ALWAYS: Final = frozenset({"kinds"})
"""Settings whose first value alone would be seen, where a fault strikes seldom."""
OWN = 0.3
"""So often a setting of a fault's own is drawn; else it has its default."""


def _share(kind: type[Fault], dice: Random, mild: bool) -> dict[str, Any]:  # noqa: FBT001
    counted = kind.family.value in {"wire", "lifecycle"}
    if mild and not counted:
        return {"share": dice.choice(MILD_SHARES)}
    return {"share": 1.0 if counted and dice.random() < 0.6 else dice.choice(SHARES)}


def _times(kind: type[Fault], dice: Random, mild: bool) -> dict[str, Any]:  # noqa: FBT001
    bounded = 1.0 if mild else 0.75
    if kind.family.value in {"rows", "answers"} and not mild:
        bounded = 0.2
    if dice.random() >= bounded:
        return {"times": None}
    return {"times": dice.choice((1, 1, 2) if mild else (1, 2, 3, 6))}


def _sometimes(name: str, chance: float, *values: Any) -> Any:
    """A shared setting that most faults go without."""

    def drawn(_kind: type[Fault], dice: Random, _mild: bool) -> dict[str, Any]:  # noqa: FBT001
        return {name: dice.choice(values)} if dice.random() < chance else {}

    return drawn


def _on(kind: type[Fault], dice: Random, _mild: bool) -> dict[str, Any]:  # noqa: FBT001
    where = getattr(kind, "where", ()) or ENDPOINTS
    return {"on": dice.choice(where)} if dice.random() < 0.6 else {}


ENDPOINTS = (
    *(Endpoint.CREATE, Endpoint.RETRIEVE, Endpoint.RESULTS, Endpoint.LIST),
    *(Endpoint.COUNT_TOKENS, Endpoint.CANCEL, Endpoint.DELETE),
)
_SHARED: Mapping[str, Any] = {
    "share": _share,
    "times": _times,
    "during": _sometimes("during", 0.15, *WINDOWS),
    "spare_batches": _sometimes("spare_batches", 0.4, 1, 1, 2, 3),
    "on": _on,
    "calls": _sometimes("calls", 0.15, *CALLS),
    "attempts": _sometimes("attempts", 0.03, (1,)),
    "per_batch": _sometimes("per_batch", 0.1, 1, 2),
    "custom_ids": _sometimes("custom_ids", 0.0, ()),
}


def _own(kind: type[Fault], name: str, hint: Any, dice: Random) -> dict[str, Any]:
    """A value for a setting that only some faults have; nothing where its default is best."""
    if get_origin(hint) in {Union, UnionType}:
        (hint,) = (choice for choice in get_args(hint) if choice is not NoneType)
    if name in NAMED:
        return {name: NAMED[name](dice)}
    if (kind.__name__, name) in LIMITED:
        return {name: dice.choice(LIMITED[kind.__name__, name])}
    if name == "done" and getattr(kind, "status", 500) in SAYS_NOTHING_WAS_DONE:
        return {}
    if name in TEXTS and hint is str:
        return {name: dice.choice(TEXTS[name])}
    if name in WHOLE and hint is int:
        return {name: dice.choice(WHOLE[name])}
    if hint is bool:
        return {name: dice.random() < 0.5}
    if hint is float:
        return {name: dice.choice((0.0, 0.1, 0.5, 0.9))}
    if hint is timedelta:
        return {name: dice.choice(SPANS)}
    return {}


def _sabotage(dice: Random) -> tuple[Sabotage, ...]:
    accidents: Sequence[Sabotage] = (
        WrongColumn(),
        BrokenDelimiter(),
        RunawayJoin(rows=600),
        UncappedOutput(),
        OversizePrompt(),
        ColumnRidesAlong(),
        PlantedInstructions(share=dice.choice((0.08, 0.3, 1.0))),
    )
    return tuple(dice.choices(accidents, (3, 3, 1, 1, 1, 1, 2)))


def _kills(dice: Random) -> tuple[Kill, ...]:
    count = dice.choice((1, 1, 1, 2, 2, 3))
    return tuple(
        Kill(dice.randrange(1, 60 if not kill else 30), dice.choice(tuple(Mode)))
        for kill in range(count)
    )


def _acts(dice: Random) -> tuple[Act, ...]:
    acts: list[Act] = []
    if dice.random() < 0.5:
        acts.append(Act(dice.choice(MEANWHILE), dice.randrange(1, 30)))
        if dice.random() < 0.8:
            acts.append(Act(Deed.RESUME))
    still = tuple(deed for deed in Deed if deed not in {Deed.HALT_TEAM, Deed.CANCEL})
    acts += [Act(dice.choice(still)) for _ in range(dice.choice((0, 1, 2)))]
    return tuple(acts)
