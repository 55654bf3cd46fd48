"""Checks: each judges the record of one arm, from the service's books and the tables themselves."""

from scenarios.harness.checks.alarms import (
    DamageIsHeard,
    HeardWithin,
    NoAlarm,
    PagesAtMost,
    StrangersAreTold,
    TamperingIsLocated,
)
from scenarios.harness.checks.check import (
    Check,
    found,
)
from scenarios.harness.checks.each_drill import (
    Ended,
    FairDay,
    RecordIsRight,
    ServiceWasReached,
)
from scenarios.harness.checks.money import (
    BilledAtMost,
    CostsAddUp,
    NoRowPaidTwice,
    SpendWithinApproval,
)
from scenarios.harness.checks.rows import (
    EveryRowAccountedFor,
    EveryRowAnswered,
    NoTornJobPromoted,
    RowsAnswered,
)
from scenarios.harness.checks.secrecy import (
    KeyStaysHome,
    NoForbiddenValueSent,
    NoPayloadLeft,
    NoSecretSent,
    OtherTextsUntouched,
)
from scenarios.harness.checks.sending import (
    NoRowSentTooOften,
    NothingBeyondTheRows,
    NothingSentTwice,
    NothingWasSent,
    OnlyTheCanaryBeforeAPerson,
    OnlyTheCanaryWasSent,
    RetryAfterIsObeyed,
    SentAtMost,
)
from scenarios.harness.checks.timing import (
    AnsweredWithin,
    EndsWithin,
    NothingSentAfterTheStop,
    StopsWithin,
)
from scenarios.harness.checks.values import (
    EveryValueFromItsOwnRow,
    NoCleanRowBlamed,
    NoInjectionPromoted,
    NothingCoerced,
    NothingPromotedBeyond,
    NothingUnvalidated,
    RecordCleanOrRestored,
    dump,
)

__all__ = [
    "AnsweredWithin",
    "BilledAtMost",
    "Check",
    "CostsAddUp",
    "DamageIsHeard",
    "Ended",
    "EndsWithin",
    "EveryRowAccountedFor",
    "EveryRowAnswered",
    "EveryValueFromItsOwnRow",
    "FairDay",
    "HeardWithin",
    "KeyStaysHome",
    "NoAlarm",
    "NoCleanRowBlamed",
    "NoForbiddenValueSent",
    "NoInjectionPromoted",
    "NoPayloadLeft",
    "NoRowPaidTwice",
    "NoRowSentTooOften",
    "NoSecretSent",
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
    "OtherTextsUntouched",
    "PagesAtMost",
    "RecordCleanOrRestored",
    "RecordIsRight",
    "RetryAfterIsObeyed",
    "RowsAnswered",
    "SentAtMost",
    "ServiceWasReached",
    "SpendWithinApproval",
    "StopsWithin",
    "StrangersAreTold",
    "TamperingIsLocated",
    "dump",
    "found",
]
