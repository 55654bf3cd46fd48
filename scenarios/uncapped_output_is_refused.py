"""Drill: one answer that never ends costs as much as a thousand."""

from controls import CostCeiling
from scenarios import (
    DamageIsHeard,
    NothingWasSent,
    SpendWithinApproval,
    UncappedOutput,
    World,
    drill,
)
from simulator.faults import RunsOn


@drill(
    defends_against="cost runaway",
    sabotage=[UncappedOutput()],
    faults=[RunsOn(share=0.06, spare_batches=1)],
    controls=[CostCeiling],
    checks=[NothingWasSent(), SpendWithinApproval(), DamageIsHeard()],
    at_least=200,
)
def uncapped_output_is_refused(world: World) -> None:
    """Requests that ask for far more output than the cap are refused before anything is sent.

    Somebody was annoyed by an answer that was cut off, and raised max_tokens for good. It goes
    well until some rows make the model ramble up to the new limit.
    """
    world.run(world.rows(600))
