"""Drill: `succeeded` says that it ended, not that it answered."""

from controls import Quarantine
from scenarios import (
    DamageIsHeard,
    EveryRowAccountedFor,
    EveryValueFromItsOwnRow,
    NothingUnvalidated,
    World,
    drill,
)
from simulator.faults import EmptyText, PauseTurn, Refusal, StopsAtMaxTokens, ToolUseOnly


@drill(
    defends_against="schema drift in outputs",
    each=[
        Refusal(0.04, spare_batches=1),
        StopsAtMaxTokens(0.04, spare_batches=1),
        PauseTurn(0.04, spare_batches=1),
        ToolUseOnly(0.04, spare_batches=1),
        EmptyText(0.04, spare_batches=1),
    ],
    controls=[Quarantine],
    checks=[
        NothingUnvalidated(),
        EveryValueFromItsOwnRow(),
        EveryRowAccountedFor(),
        DamageIsHeard(),
    ],
)
def odd_answers_are_quarantined(world: World) -> None:
    """A row that succeeded without an answer is quarantined; nothing is made up for it.

    The model refuses, stops at `max_tokens`, pauses, asks for a tool or says nothing: all of these
    are `succeeded`, and billed. A parser that always has a value for the column has one for them.
    """
    world.run(world.rows(200))
