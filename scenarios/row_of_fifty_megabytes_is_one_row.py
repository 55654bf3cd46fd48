"""Drill: one answer is longer than all others together."""

from controls import BatchRunner
from scenarios import (
    DamageIsHeard,
    EveryRowAccountedFor,
    NoRowPaidTwice,
    ReadsIntoABuffer,
    RowsAnswered,
    World,
    drill,
)
from simulator.faults import HugeRow


@drill(
    defends_against="odd results files",
    faults=[HugeRow(size_bytes=50_000_000, spare_batches=1)],
    controls=[BatchRunner],
    instead=[ReadsIntoABuffer()],
    checks=[EveryRowAccountedFor(), RowsAnswered(), NoRowPaidTwice(), DamageIsHeard()],
    slow=True,
)
def row_of_fifty_megabytes_is_one_row(world: World) -> None:
    """A row of 50 MB is set aside with a reason, and the others are read.

    Nothing in the format says how long a line may be. A reader with a buffer of a fixed size dies
    of this one, with all rows behind it paid for; of what is set aside two kilobytes are kept.
    """
    world.run(world.rows(200))
