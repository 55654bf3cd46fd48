"""Drill: trying again is not always right."""

from controls import Watchdog
from scenarios import DamageIsHeard, NothingSentTwice, World, drill
from simulator.faults import RowsErrored


@drill(
    defends_against="outage of the service",
    faults=[RowsErrored(share=0.6, spare_batches=1)],
    controls=[Watchdog],
    checks=[NothingSentTwice(), DamageIsHeard()],
    at_least=400,
)
def mass_errors_are_not_sent_again(world: World) -> None:
    """When most rows of a batch errored, a person looks at them before any is sent again.

    Three rows of five come back with an error of the service. For a few rows another round is the
    right answer; for hundreds it is the same again, at a service that is down.
    """
    world.run(world.rows(400))
