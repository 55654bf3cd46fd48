"""Drill: half a file looks like a whole one."""

from controls import Reconciliation
from scenarios import DamageIsHeard, EveryRowAnswered, NoRowPaidTwice, World, drill
from simulator import hours
from simulator.faults import (
    AbortedDownload,
    EmptyResults,
    Endpoint,
    EventualNotFound,
    RedirectedResults,
    ResetMidReply,
    ResultsUnavailable,
    RowsMissing,
    ShortOfItsLength,
    SlowDrip,
    StallsBeforeHeaders,
    StallsMidBody,
    TruncatedAtLine,
    TruncatedMidLine,
    WrongGzip,
)


@drill(
    defends_against="silent partial drop",
    each=[
        TruncatedAtLine(spare_batches=1),
        TruncatedMidLine(spare_batches=1),
        AbortedDownload(spare_batches=1),
        ShortOfItsLength(spare_batches=1),
        RowsMissing(0.05, spare_batches=1),
        EmptyResults(times=1, spare_batches=1),
        ResultsUnavailable(times=1, spare_batches=1),
        RedirectedResults(times=1, spare_batches=1),
        WrongGzip(times=1, spare_batches=1),
        EventualNotFound(Endpoint.RESULTS, spare_batches=1),
        ResetMidReply(Endpoint.RESULTS, after_bytes=20_000, times=1, spare_batches=1),
        StallsBeforeHeaders(Endpoint.RESULTS, times=1, spare_batches=1),
        StallsMidBody(Endpoint.RESULTS, after_bytes=20_000, times=1, spare_batches=1),
        SlowDrip(Endpoint.RESULTS, lasting=hours(1), times=1, spare_batches=1),
    ],
    controls=[Reconciliation],
    checks=[EveryRowAnswered(), NoRowPaidTwice(), DamageIsHeard()],
)
def short_download_is_read_again(world: World) -> None:
    """A download that brings less than was sent is made again until every row is there.

    The connection closes at the end of a line, in the middle of one, or before the first, with a
    length that was told before or without one; the status is 503, 404 or 200 with nothing in it.
    Some of that is no error to any client, and all of it has been taken for "no more results".
    """
    world.run(world.rows(200))
