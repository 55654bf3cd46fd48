"""Drill: each reader has a byte of which it dies."""

from controls import BatchRunner
from scenarios import (
    ChecksTheContentType,
    DeletesAndInserts,
    DropsTheLastPiece,
    EveryRowAnswered,
    NoRowPaidTwice,
    ReadsRawBytes,
    ReadsWithoutTheClient,
    ResumesAtTheLine,
    World,
    drill,
)
from simulator.faults import (
    AbortedDownload,
    BlankLine,
    ByteOrderMark,
    Gzipped,
    NoContentType,
    NoFinalNewline,
    Reshuffled,
    RowsDuplicated,
    ThinkingFirst,
)


@drill(
    defends_against="odd results files",
    each={
        "blank_line": BlankLine(spare_batches=1),
        "byte_order_mark": [ByteOrderMark(spare_batches=1), ReadsWithoutTheClient()],
        "no_final_newline": [NoFinalNewline(spare_batches=1), DropsTheLastPiece()],
        "gzipped": [Gzipped(spare_batches=1), ReadsRawBytes()],
        "no_content_type": [NoContentType(spare_batches=1), ChecksTheContentType()],
        "rows_duplicated": [RowsDuplicated(0.05, spare_batches=1), DeletesAndInserts()],
        "reshuffled": [
            Reshuffled(spare_batches=1),
            AbortedDownload(spare_batches=1),
            ResumesAtTheLine(),
        ],
        "thinking_first": ThinkingFirst(0.1, spare_batches=1),
    },
    controls=[BatchRunner],
    checks=[EveryRowAnswered(), NoRowPaidTwice()],
)
def odd_results_lose_no_row(world: World) -> None:
    """Every row is read from a results file that is odd, and still says everything.

    A blank line, a byte order mark, none at the end; compressed, unnamed, twice
    the same, each time in another order; a thinking block before the text. Nothing is lost in the
    file; the official iterator, or the loop that somebody wrote in its place, loses it.
    """
    world.run(world.rows(200))
