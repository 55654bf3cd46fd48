"""Drill: kept for ever, because nobody deleted it."""

from controls.retention import purge
from scenarios import NoPayloadLeft, World, drill
from simulator import days
from simulator.faults import SchemaDrift


@drill(
    defends_against="payload kept too long",
    faults=[SchemaDrift(share=0.1, spare_batches=1)],
    controls=[purge],
    checks=[NoPayloadLeft()],
    at_least=100,
)
def payload_is_purged_in_time(world: World) -> None:
    """When a job's time is over nothing of what it sent or got is left anywhere.

    The service deletes results after 29 days, and many leave it at that. Until then every answer
    lies there; the copies in staging, in quarantine and before the promotion lie here for ever.
    """
    world.operator.purges(every=days(1), until=days(28.5))
    world.run(world.rows(100))
