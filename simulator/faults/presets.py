"""Named plans, for a first run in one flag: `realistic`, `bad day`, `worst day`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from simulator.errors import SimulatorError
from simulator.faults.answers import RunsOn, SchemaDrift
from simulator.faults.fault import Fault, first
from simulator.faults.files import AbortedDownload, TruncatedAtLine
from simulator.faults.lifecycle import Stall
from simulator.faults.lines import BrokenLines, LineSeparatorsInside
from simulator.faults.messages import Refusal, StopsAtMaxTokens, ThinkingFirst
from simulator.faults.results_file import Reshuffled, RowsDuplicated, RowsMissing, UnknownRows
from simulator.faults.rows import OverloadedAsApiError, RowsErrored, RowsExpired
from simulator.faults.settings import nearest
from simulator.faults.status import EventualNotFound, Overloaded, RateLimited, ServerError
from simulator.faults.wire import ConnectionReset, LostReply
from simulator.wire import Endpoint

PRESETS: Final[Mapping[str, tuple[Fault, ...]]] = {
    "realistic": (
        EventualNotFound(share=0.02, per_batch=1),
        Overloaded(share=0.005),
        RateLimited(share=0.005, retry_after=2),
        RowsErrored(0.002),
        OverloadedAsApiError(0.001),
        Refusal(0.001),
        StopsAtMaxTokens(0.002),
        ThinkingFirst(0.05),
    ),
    "bad day": (
        EventualNotFound(per_batch=1),
        Overloaded(share=0.1, during=first(timedelta(hours=2))),
        RateLimited(share=0.05, retry_after=5),
        ServerError(share=0.02),
        LostReply(),
        RowsErrored(0.05),
        RowsExpired(0.02),
        SchemaDrift(0.03),
        Refusal(0.01),
        RowsMissing(0.01),
        AbortedDownload(0.7),
    ),
    "worst day": (
        EventualNotFound(per_batch=3),
        Overloaded(share=0.3, during=first(timedelta(hours=6))),
        ConnectionReset(share=0.1),
        LostReply(times=3),
        LostReply(Endpoint.CANCEL, times=1),
        Stall(after_share=0.5, lasting=timedelta(hours=25)),
        RowsErrored(0.2),
        OverloadedAsApiError(0.1),
        SchemaDrift(0.1),
        RunsOn(0.05),
        Refusal(0.05),
        Reshuffled(),
        RowsMissing(0.05),
        RowsDuplicated(0.02),
        UnknownRows(2),
        BrokenLines(3, times=1),
        LineSeparatorsInside(5),
        TruncatedAtLine(0.6),
    ),
}
"""The named plans: each a tuple of faults."""


def preset(name: str) -> tuple[Fault, ...]:
    """The faults of a named plan; `bad-day` and `bad_day` mean `bad day`."""
    found = PRESETS.get(str(name).replace("-", " ").replace("_", " ").strip().lower())
    if found is None:
        raise SimulatorError(
            f"There is no preset {name!r}.", fix=nearest(str(name), PRESETS, "one of")
        )
    return found
