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
        NothingPromotedBeyond,
        NothingSentAfterTheStop,
        NothingSentTwice,
        NothingUnvalidated,
        NothingWasSent,
        NoTornJobPromoted,
        OnlyTheCanaryBeforeAPerson,
        OnlyTheCanaryWasSent,
        RecordCleanOrRestored,
        RetryAfterIsObeyed,
        RowsAnswered,
        SentAtMost,
        SpendWithinApproval,
        StopsWithin,
    )
    from scenarios.harness.drill import (
        Drill,
        drill,
    )
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
    from scenarios.harness.miscount import (
        TokensMiscounted,
    )
    from scenarios.harness.mishaps import (
        ApprovalExpired,
        ChangedSinceApproval,
        ClockIsOff,
        ControlBreaks,
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
    from scenarios.harness.task import (
        Errand,
    )
    from scenarios.harness.world import (
        World,
    )

__all__ = [
    "LABELS_OF_THE_JOB",
    "AddsUpTheCost",
    "AnsweredWithin",
    "ApprovalExpired",
    "BilledAtMost",
    "BrokenDelimiter",
    "ChangedSinceApproval",
    "ChecksTheContentType",
    "ClockIsOff",
    "ColumnRidesAlong",
    "ControlBreaks",
    "DamageIsHeard",
    "DeletesAndInserts",
    "Drill",
    "DropsTheLastPiece",
    "EndsWithin",
    "Errand",
    "EveryRowAccountedFor",
    "EveryRowAnswered",
    "EveryValueFromItsOwnRow",
    "ExpectsEveryKey",
    "FieldPipeline",
    "FirstOfItsKind",
    "FollowsTheUrl",
    "GateBreaks",
    "GoesByTheCounts",
    "GoesByTheServicesClock",
    "HeardWithin",
    "KeyStaysHome",
    "LooksAtFive",
    "LooksOnce",
    "MostRowsAnswered",
    "NeverApproved",
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
    "NothingPromotedBeyond",
    "NothingSentAfterTheStop",
    "NothingSentTwice",
    "NothingUnvalidated",
    "NothingWasSent",
    "OnlyTheCanaryBeforeAPerson",
    "OnlyTheCanaryWasSent",
    "OversizePrompt",
    "PlantedInstructions",
    "PricesRose",
    "ReadsIntoABuffer",
    "ReadsRawBytes",
    "ReadsWithoutTheClient",
    "RecordCleanOrRestored",
    "ResumesAtTheLine",
    "RetryAfterIsObeyed",
    "ReviewerMistypes",
    "RowsAnswered",
    "RowsReordered",
    "RunawayJoin",
    "SendsEverythingAgain",
    "SentAtMost",
    "SkipsWhatFails",
    "SmallAccount",
    "SpendWithinApproval",
    "StartedAgain",
    "StopsWithin",
    "StoreFails",
    "TakesIdsForKeys",
    "TokensMiscounted",
    "TrustsTheEstimate",
    "UncappedOutput",
    "WaitsToSeeItRun",
    "WaitsWhileInProgress",
    "WalksTheList",
    "WorkerDies",
    "WorkerKeepsDying",
    "World",
    "WrongColumn",
    "drill",
]

_HOMES = (
    "checks",
    "drill",
    "field",
    "miscount",
    "mishaps",
    "model",
    "naive",
    "sabotage",
    "task",
    "world",
)


def __getattr__(name: str) -> Any:
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"scenarios.harness.{home}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module 'scenarios' has no attribute {name!r}")
