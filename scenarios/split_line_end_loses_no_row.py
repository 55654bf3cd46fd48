"""Drill: two bytes of one line end, in two pieces of one stream."""

from controls import BatchRunner
from scenarios import EveryRowAnswered, NoRowPaidTwice, World, drill
from simulator.faults import CrlfLines


@drill(
    defends_against="odd results files",
    faults=[CrlfLines(spare_batches=1)],
    controls=[BatchRunner],
    checks=[EveryRowAnswered(), NoRowPaidTwice()],
    at_least=600,
)
def split_line_end_loses_no_row(world: World) -> None:
    """Lines that end with a carriage return and a newline are read, wherever the stream is cut.

    A proxy has changed the line ends. The official iterator takes the stream in pieces of 64 bytes;
    where a piece ends between the two it sees an empty line, and dies of it. That happens to every
    64th line, so a test with ten rows shows nothing.
    """
    world.run(world.rows(600))
