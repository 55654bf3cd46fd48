"""Drill: few rows, long texts."""

from controls import Chunking
from scenarios import DamageIsHeard, EveryRowAnswered, NoRowPaidTwice, SmallAccount, World, drill


@drill(
    defends_against="limits of the service",
    sabotage=[SmallAccount(batch_body_bytes=150_000)],
    controls=[Chunking(max_bytes=150_000)],
    checks=[EveryRowAnswered(), NoRowPaidTwice(), DamageIsHeard()],
)
def heavy_jobs_go_in_bodies_that_fit(world: World) -> None:
    """A job whose rows are larger than a body may be goes in several, none above the limit.

    The limit of a body is scaled down to 150 kB here; 256 MB are documented. The count of rows is
    far below its limit, so whoever counts only rows is refused.
    """
    world.run(world.rows(333))
