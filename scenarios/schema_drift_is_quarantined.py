"""Drill: mostly valid JSON is not valid JSON."""

from controls import Quarantine
from scenarios import (
    DamageIsHeard,
    EveryRowAccountedFor,
    EveryValueFromItsOwnRow,
    NothingCoerced,
    NothingUnvalidated,
    World,
    drill,
)
from simulator.faults import SchemaDrift


@drill(
    defends_against="schema drift in outputs",
    faults=[SchemaDrift(share=0.06, spare_batches=1)],
    controls=[Quarantine],
    checks=[
        NothingUnvalidated(),
        NothingCoerced(),
        EveryValueFromItsOwnRow(),
        EveryRowAccountedFor(),
        DamageIsHeard(),
    ],
    at_least=200,
)
def schema_drift_is_quarantined(world: World) -> None:
    """Answers that break the agreed shape are quarantined with a reason; none is coerced.

    After the canary some answers come back malformed, cut off, fenced, chatty, as a list, with
    numbers as strings, with NaN, with true for a score. A parser that wants to be helpful turns
    every one of them into a row of the table.
    """
    world.run(world.rows(600))
