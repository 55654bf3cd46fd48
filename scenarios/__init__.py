"""The drills: one file, one drill; the file's name is the claim.

This module is the vocabulary of a drill file. The machinery is in `scenarios.harness`. Names are
imported when they are first used, so that `gameday serve` does not wait for the drills.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenarios.harness.checks import (
        AnsweredWithin,
        BilledAtMost,
        DamageIsHeard,
        EndsWithin,
        EveryRowAccountedFor,
        EveryRowAnswered,
        EveryValueFromItsOwnRow,
        HeardWithin,
        NoAlarm,
        NoCleanRowBlamed,
        NoForbiddenValueSent,
        NoInjectionPromoted,
        NoRowPaidTwice,
        NothingBeyondTheRows,
        NothingPromotedBeyond,
        NothingSentAfterTheStop,
        NothingSentTwice,
        NothingUnvalidated,
        OnlyTheCanaryBeforeAPerson,
        OnlyTheCanaryWasSent,
        OnlyTheFirstBatch,
        RecordCleanOrRestored,
        SentAtMost,
        SpendWithinApproval,
        StopsWithin,
    )
    from scenarios.harness.drill import (
        Drill,
        drill,
    )
    from scenarios.harness.mishaps import (
        ApprovalExpired,
        ChangedSinceApproval,
        ClockIsOff,
        ControlBreaks,
        CountsAreLow,
        FirstOfItsKind,
        GateBreaks,
        NeverApproved,
        PricesRose,
        ReviewerMistypes,
        SmallAccount,
        StartedAgain,
        StoreFails,
        WorkerDies,
        WorkerKeepsDying,
    )
    from scenarios.harness.model import (
        LABELS_OF_THE_JOB,
    )
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
    from scenarios.harness.task import (
        Errand,
    )
    from scenarios.harness.world import (
        World,
    )

__all__ = [
    "LABELS_OF_THE_JOB",
    "AnsweredWithin",
    "ApprovalExpired",
    "BilledAtMost",
    "BrokenDelimiter",
    "ChangedSinceApproval",
    "ClockIsOff",
    "ColumnRidesAlong",
    "ControlBreaks",
    "CountsAreLow",
    "DamageIsHeard",
    "Drill",
    "EndsWithin",
    "Errand",
    "EveryRowAccountedFor",
    "EveryRowAnswered",
    "EveryValueFromItsOwnRow",
    "FirstOfItsKind",
    "GateBreaks",
    "HeardWithin",
    "NeverApproved",
    "NoAlarm",
    "NoCleanRowBlamed",
    "NoForbiddenValueSent",
    "NoInjectionPromoted",
    "NoRowPaidTwice",
    "NoSabotage",
    "NothingBeyondTheRows",
    "NothingPromotedBeyond",
    "NothingSentAfterTheStop",
    "NothingSentTwice",
    "NothingUnvalidated",
    "OnlyTheCanaryBeforeAPerson",
    "OnlyTheCanaryWasSent",
    "OnlyTheFirstBatch",
    "OversizePrompt",
    "PlantedInstructions",
    "PricesRose",
    "RecordCleanOrRestored",
    "ReviewerMistypes",
    "RowsReordered",
    "RunawayJoin",
    "SentAtMost",
    "SmallAccount",
    "SpendWithinApproval",
    "StartedAgain",
    "StopsWithin",
    "StoreFails",
    "UncappedOutput",
    "WorkerDies",
    "WorkerKeepsDying",
    "World",
    "WrongColumn",
    "drill",
]

_HOMES = ("checks", "drill", "mishaps", "model", "sabotage", "task", "world")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"scenarios.harness.{home}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module 'scenarios' has no attribute {name!r}")
