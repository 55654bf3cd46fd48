"""Drill: both teams have a record number 17."""

from controls import BatchRunner
from scenarios import (
    Errand,
    EveryRowAnswered,
    EveryValueFromItsOwnRow,
    NoRowPaidTwice,
    NumbersItsRows,
    PastesNamesIntoIds,
    TeamRenamed,
    World,
    drill,
)
from simulator import seconds
from simulator.faults import ConnectionReset, Endpoint


@drill(
    defends_against="wrong source mapping",
    each={
        "same_numbers": [
            ConnectionReset(Endpoint.CREATE, times=1, spare_batches=1),
            NumbersItsRows(),
        ],
        "colons_in_names": [TeamRenamed("support:eu"), PastesNamesIntoIds()],
    },
    controls=[BatchRunner],
    checks=[EveryRowAnswered(), EveryValueFromItsOwnRow(), NoRowPaidTwice()],
    at_least=200,
)
def ids_of_two_teams_never_meet(world: World) -> None:
    """Two teams on one account never get each other's answers, whatever they are called.

    Both count their rows from nought. A create call of the second fails, it looks for its batch in
    the list, and takes the newest: that of the first team, whose ids are the same. Every answer
    fits, on the wrong row. Who puts the names of the teams into the ids as they are is refused by
    the service on the day when one of them has a colon.
    """
    rows = world.rows(200)
    world.run_together(Errand(rows[:100]), Errand(rows[100:], team="sales", after=seconds(5)))
