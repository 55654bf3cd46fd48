"""Drill: what somebody else has deleted was paid for."""

from controls import Reconciliation
from scenarios import DamageIsHeard, EveryRowAccountedFor, NoRowPaidTwice, World, drill
from simulator.faults import ArchivedEarly, DeletedByAnotherOperator, Endpoint, Forbidden


@drill(
    defends_against="results out of reach",
    each=[
        ArchivedEarly(spare_batches=1),
        DeletedByAnotherOperator(spare_batches=1),
        Forbidden(Endpoint.RESULTS, spare_batches=1),
    ],
    controls=[Reconciliation],
    checks=[EveryRowAccountedFor(), NoRowPaidTwice(), DamageIsHeard()],
    at_least=200,
)
def results_that_are_gone_stop_the_job(world: World) -> None:
    """Results that cannot be had any more stop the job; no row counts as done without its answer.

    The batch ended well. Before its results are read somebody deletes it, they are archived, or
    downloads are switched off for the workspace. A pipeline that sorts out what it has read
    promotes the rest, and calls itself done.
    """
    world.run(world.rows(200))
