"""The drills: one file, one drill; the file's name is the claim.

This module is the vocabulary of a drill file. The machinery is in `scenarios.harness`. Names are
imported when they are first used, so that `gameday serve` does not wait for the drills.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenarios.harness.checks import (
        DamageIsHeard,
        EndsWithin,
        EveryRowAccountedFor,
        EveryRowAnswered,
        EveryValueFromItsOwnRow,
        NoAlarm,
        NoCleanRowBlamed,
        NoForbiddenValueSent,
        NoInjectionPromoted,
        NoRowPaidTwice,
        NoRowSentTooOften,
        NothingBeyondTheRows,
        NothingCoerced,
        NothingUnvalidated,
        NothingWasSent,
        OnlyTheCanaryWasSent,
        RecordCleanOrRestored,
        RowsAnswered,
        SpendWithinApproval,
    )
    from scenarios.harness.drill import Drill, drill
    from scenarios.harness.model import LABELS_OF_THE_JOB
    from scenarios.harness.sabotage import (
        BrokenDelimiter,
        ColumnRidesAlong,
        NoSabotage,
        OversizePrompt,
        PlantedInstructions,
        RowsReordered,
        RunawayJoin,
        UncappedOutput,
        WrongColumn,
    )
    from scenarios.harness.world import World

__all__ = [
    "LABELS_OF_THE_JOB",
    "BrokenDelimiter",
    "ColumnRidesAlong",
    "DamageIsHeard",
    "Drill",
    "EndsWithin",
    "EveryRowAccountedFor",
    "EveryRowAnswered",
    "EveryValueFromItsOwnRow",
    "NoAlarm",
    "NoCleanRowBlamed",
    "NoForbiddenValueSent",
    "NoInjectionPromoted",
    "NoRowPaidTwice",
    "NoRowSentTooOften",
    "NoSabotage",
    "NothingBeyondTheRows",
    "NothingCoerced",
    "NothingUnvalidated",
    "NothingWasSent",
    "OnlyTheCanaryWasSent",
    "OversizePrompt",
    "PlantedInstructions",
    "RecordCleanOrRestored",
    "RowsAnswered",
    "RowsReordered",
    "RunawayJoin",
    "SpendWithinApproval",
    "UncappedOutput",
    "World",
    "WrongColumn",
    "drill",
]

_HOMES = ("checks", "drill", "model", "sabotage", "world")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"scenarios.harness.{home}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module 'scenarios' has no attribute {name!r}")
