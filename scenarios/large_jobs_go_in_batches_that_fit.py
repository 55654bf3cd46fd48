"""Drill: the documentation has a number, and so has the job."""

from controls import Chunking
from scenarios import DamageIsHeard, EveryRowAnswered, NoRowPaidTwice, SmallAccount, World, drill


@drill(
    defends_against="limits of the service",
    sabotage=[SmallAccount(requests_per_batch=50)],
    controls=[Chunking(max_requests=50)],
    checks=[EveryRowAnswered(), NoRowPaidTwice(), DamageIsHeard()],
)
def large_jobs_go_in_batches_that_fit(world: World) -> None:
    """A job with more rows than a batch may have goes in several, and every row goes once.

    The limit of a batch is scaled down to 50 requests here; 100,000 are documented. A job that
    sends all of its rows at once is refused as a whole, after the canary was fine.
    """
    world.run(world.rows(333))
