"""Drill: it was written for good answers."""

from controls import Quarantine
from scenarios import (
    DamageIsHeard,
    EveryRowAccountedFor,
    GateBreaks,
    NothingUnvalidated,
    World,
    drill,
)
from simulator.faults import SchemaDrift


@drill(
    defends_against="the checker itself is broken",
    sabotage=[GateBreaks()],
    faults=[SchemaDrift(share=0.1, spare_batches=1)],
    controls=[Quarantine],
    checks=[NothingUnvalidated(), EveryRowAccountedFor(), DamageIsHeard()],
)
def broken_gate_lets_nothing_through(world: World) -> None:
    """An answer at which the gate raises is kept back, and the others go on.

    The gate takes the label out of an answer before it looks whether there is one. It raises at
    each answer that is no object: nobody knows whether that is right, so it is not promoted.
    """
    world.run(world.rows(400))
