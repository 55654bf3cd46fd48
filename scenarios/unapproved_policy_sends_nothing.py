"""Drill: urgent, and nobody has read it."""

from controls import ApprovedOnly
from scenarios import DamageIsHeard, NeverApproved, SentAtMost, World, drill


@drill(
    defends_against="unapproved policy",
    sabotage=[NeverApproved()],
    controls=[ApprovedOnly],
    checks=[SentAtMost(0), DamageIsHeard()],
)
def unapproved_policy_sends_nothing(world: World) -> None:
    """A job type that nobody has approved sends nothing.

    It was written this morning and it is urgent. What it does with two thousand rows is known to
    the person who wrote it, and to nobody else.
    """
    world.run(world.rows(200))
