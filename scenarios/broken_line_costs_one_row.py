"""Drill: one bad line, and ten thousand good ones behind it."""

from controls import BatchRunner
from scenarios import (
    DamageIsHeard,
    EveryRowAccountedFor,
    NoRowPaidTwice,
    ReadsIntoABuffer,
    ReadsWithoutTheClient,
    RowsAnswered,
    World,
    drill,
)
from simulator.faults import (
    BrokenLines,
    HugeRow,
    InvalidUtf8,
    LineSeparatorsInside,
    UnknownResultType,
)


@drill(
    defends_against="odd results files",
    each=[
        BrokenLines(2, spare_batches=1),
        InvalidUtf8(spare_batches=1),
        UnknownResultType(spare_batches=1),
        [LineSeparatorsInside(spare_batches=1), ReadsWithoutTheClient()],
        [HugeRow(spare_batches=1), ReadsIntoABuffer()],
    ],
    controls=[BatchRunner],
    checks=[EveryRowAccountedFor(), RowsAnswered(), NoRowPaidTwice(), DamageIsHeard()],
)
def broken_line_costs_one_row(world: World) -> None:
    """A line that cannot be read is set aside with a reason; all others are read.

    A line is cut, is no UTF-8, is of an unknown type, or longer than any buffer. The official
    iterator dies on the first one, and what stands behind it is paid for and never read.
    """
    world.run(world.rows(200))
