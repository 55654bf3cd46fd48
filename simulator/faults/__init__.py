"""The vocabulary of what can go wrong: one name, one small class; `CATALOGUE` has them all.

Five families: *wire* (a call), *lifecycle* (a batch), *rows* (the fate of a request), *answers*
(what a succeeded row says), *results file* (a download). Each fault can be written as a value,
as a table of a TOML plan (`load_plan`) and as a document (`from_dict`), under the same name.
The classes are loaded when one of them is asked for: a service without faults needs none.
"""

# ruff: isort: skip_file

from typing import TYPE_CHECKING

from simulator.faults.fault import Family, Fault, Window, first
from simulator.faults.none import NoFault
from simulator.faults.plan import FaultPlan
from simulator.wire import Endpoint

# fmt: off
if TYPE_CHECKING:
    from simulator.faults.answers import (
        RunsOn, SchemaDrift, WrongButValid,
    )
    from simulator.faults.batch_object import (
        ClockSkew, CountsDoNotAddUp, GradualCounts, KeysMissing, UnknownKeys, UnknownStatus,
        ZuluTimestamps,
    )
    from simulator.faults.catalogue import (
        CATALOGUE, by_family,
    )
    from simulator.faults.download import (
        EmptyResults, Gzipped, NoContentType, RedirectedResults, ResultsUnavailable, WrongGzip,
    )
    from simulator.faults.drift import (
        DRIFTS,
    )
    from simulator.faults.edge import (
        BadGateway, EdgeError, EdgeTooLarge, GatewayTimeout, NoBatchSupport,
    )
    from simulator.faults.envelope import (
        ArrayReply, EmptyReply, ErrorDetails, HtmlReply, NoRequestIdHeader, NoRequestIdInBody,
        ShouldRetry, UntypedEnvelope,
    )
    from simulator.faults.files import (
        AbortedDownload, ByteOrderMark, CrlfLines, NoFinalNewline, ShortOfItsLength,
        TruncatedAtLine, TruncatedMidLine,
    )
    from simulator.faults.lifecycle import (
        CancelEndsAllSucceeded, CancelRacesTheEnd, CanceledByAnotherOperator,
        DeletedByAnotherOperator, EndsAtOnce, Expires, NeverEnds, Stall,
    )
    from simulator.faults.lines import (
        BlankLine, BrokenLines, HugeRow, InvalidUtf8, LineSeparatorsInside, ShapeVariations,
        UnknownResultType,
    )
    from simulator.faults.listing import (
        EmptyPageWithMore, MissingFromList, StuckPage,
    )
    from simulator.faults.messages import (
        CachedUsage, EmptyText, ModelDiffers, PauseTurn, Refusal, StopsAtMaxTokens,
        ThinkingFirst, ToolUseOnly, UsageKeysMissing,
    )
    from simulator.faults.presets import (
        PRESETS, preset,
    )
    from simulator.faults.results_file import (
        AnswersSwapped, Reshuffled, RowsDuplicated, RowsMissing, UnknownRows,
    )
    from simulator.faults.results_url import (
        ArchivedEarly, ForeignResultsUrl, RelativeResultsUrl, ResultsUrlMissing,
    )
    from simulator.faults.rows import (
        CreditExhausted, OverloadedAsApiError, RowsErrored, RowsExpired, VagueError,
    )
    from simulator.faults.settings import (
        from_dict, from_dicts, to_dict,
    )
    from simulator.faults.status import (
        Conflict, EventualNotFound, Forbidden, OnHold, Overloaded, PaymentRequired, RateLimited,
        RequestTimeout, ServerError, SpendCapReached, Unauthorized, Unavailable,
    )
    from simulator.faults.toml import (
        load_plan,
    )
    from simulator.faults.wire import (
        ConnectionReset, LostReply, Refused, ResetMidReply, SlowDrip, StallsBeforeHeaders,
        StallsMidBody, TlsFailure,
    )

__all__ = [  # noqa: RUF022 - packed
    "AbortedDownload", "AnswersSwapped", "ArchivedEarly", "ArrayReply", "BadGateway",
    "BlankLine", "BrokenLines", "ByteOrderMark", "CATALOGUE", "CachedUsage",
    "CancelEndsAllSucceeded", "CancelRacesTheEnd", "CanceledByAnotherOperator", "ClockSkew",
    "Conflict", "ConnectionReset", "CountsDoNotAddUp", "CreditExhausted", "CrlfLines", "DRIFTS",
    "DeletedByAnotherOperator", "EdgeError", "EdgeTooLarge", "EmptyPageWithMore", "EmptyReply",
    "EmptyResults", "EmptyText", "Endpoint", "EndsAtOnce", "ErrorDetails", "EventualNotFound",
    "Expires", "Family", "Fault", "FaultPlan", "Forbidden", "ForeignResultsUrl",
    "GatewayTimeout", "GradualCounts", "Gzipped", "HtmlReply", "HugeRow", "InvalidUtf8",
    "KeysMissing", "LineSeparatorsInside", "LostReply", "MissingFromList", "ModelDiffers",
    "NeverEnds", "NoBatchSupport", "NoContentType", "NoFault", "NoFinalNewline",
    "NoRequestIdHeader", "NoRequestIdInBody", "OnHold", "Overloaded", "OverloadedAsApiError",
    "PRESETS", "PauseTurn", "PaymentRequired", "RateLimited", "RedirectedResults", "Refusal",
    "Refused", "RelativeResultsUrl", "RequestTimeout", "ResetMidReply", "Reshuffled",
    "ResultsUnavailable", "ResultsUrlMissing", "RowsDuplicated", "RowsErrored", "RowsExpired",
    "RowsMissing", "RunsOn", "SchemaDrift", "ServerError", "ShapeVariations",
    "ShortOfItsLength", "ShouldRetry", "SlowDrip", "SpendCapReached", "Stall",
    "StallsBeforeHeaders", "StallsMidBody",
    "StopsAtMaxTokens", "StuckPage", "ThinkingFirst", "TlsFailure", "ToolUseOnly",
    "TruncatedAtLine", "TruncatedMidLine", "Unauthorized", "Unavailable", "UnknownKeys",
    "UnknownResultType", "UnknownRows", "UnknownStatus", "UntypedEnvelope", "UsageKeysMissing",
    "VagueError", "Window", "WrongButValid", "WrongGzip", "ZuluTimestamps", "by_family",
    "first", "from_dict", "from_dicts", "load_plan", "preset", "to_dict",
]
# fmt: on


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Load the catalogue when somebody asks for a part of it."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from simulator.faults import catalogue, drift, presets, settings, toml  # noqa: PLC0415

        for module in (catalogue, drift, presets, settings, toml):
            if hasattr(module, name):
                return getattr(module, name)
        return catalogue.CATALOGUE[name]
