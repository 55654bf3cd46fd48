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
        KeyStaysHome,
        MostRowsAnswered,
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
        NoTornJobPromoted,
        OnlyTheCanaryWasSent,
        RecordCleanOrRestored,
        RetryAfterIsObeyed,
        RowsAnswered,
        SpendWithinApproval,
    )
    from scenarios.harness.drill import Drill, drill
    from scenarios.harness.field import (
        AddsUpTheCost,
        ChecksTheContentType,
        DeletesAndInserts,
        DropsTheLastPiece,
        ExpectsEveryKey,
        FieldPipeline,
        FollowsTheUrl,
        GoesByTheCounts,
        GoesByTheServicesClock,
        ReadsIntoABuffer,
        ReadsRawBytes,
        ReadsWithoutTheClient,
        ResumesAtTheLine,
        SkipsWhatFails,
        TakesIdsForKeys,
        WaitsToSeeItRun,
        WaitsWhileInProgress,
        WalksTheList,
    )
    from scenarios.harness.miscount import TokensMiscounted
    from scenarios.harness.model import LABELS_OF_THE_JOB
    from scenarios.harness.naive import (
        LooksAtFive,
        LooksOnce,
        SendsEverythingAgain,
        TrustsTheEstimate,
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
    from scenarios.harness.world import World

__all__ = [
    "LABELS_OF_THE_JOB",
    "AddsUpTheCost",
    "BrokenDelimiter",
    "ChecksTheContentType",
    "ColumnRidesAlong",
    "DamageIsHeard",
    "DeletesAndInserts",
    "Drill",
    "DropsTheLastPiece",
    "EndsWithin",
    "EveryRowAccountedFor",
    "EveryRowAnswered",
    "EveryValueFromItsOwnRow",
    "ExpectsEveryKey",
    "FieldPipeline",
    "FollowsTheUrl",
    "GoesByTheCounts",
    "GoesByTheServicesClock",
    "KeyStaysHome",
    "LooksAtFive",
    "LooksOnce",
    "MostRowsAnswered",
    "NoAlarm",
    "NoCleanRowBlamed",
    "NoForbiddenValueSent",
    "NoInjectionPromoted",
    "NoRowPaidTwice",
    "NoRowSentTooOften",
    "NoSabotage",
    "NoTornJobPromoted",
    "NothingBeyondTheRows",
    "NothingCoerced",
    "NothingUnvalidated",
    "NothingWasSent",
    "OnlyTheCanaryWasSent",
    "OversizePrompt",
    "PlantedInstructions",
    "ReadsIntoABuffer",
    "ReadsRawBytes",
    "ReadsWithoutTheClient",
    "RecordCleanOrRestored",
    "ResumesAtTheLine",
    "RetryAfterIsObeyed",
    "RowsAnswered",
    "RowsReordered",
    "RunawayJoin",
    "SendsEverythingAgain",
    "SkipsWhatFails",
    "SpendWithinApproval",
    "TakesIdsForKeys",
    "TokensMiscounted",
    "TrustsTheEstimate",
    "UncappedOutput",
    "WaitsToSeeItRun",
    "WaitsWhileInProgress",
    "WalksTheList",
    "World",
    "WrongColumn",
    "drill",
]

_HOMES = ("checks", "drill", "field", "miscount", "model", "naive", "sabotage", "world")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"scenarios.harness.{home}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module 'scenarios' has no attribute {name!r}")
