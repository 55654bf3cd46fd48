"""Drill: approved is what it was, not what it is."""

from controls import ApprovedOnly
from scenarios import ChangedSinceApproval, DamageIsHeard, SentAtMost, World, drill


@drill(
    defends_against="unapproved policy",
    sabotage=[ChangedSinceApproval()],
    controls=[ApprovedOnly],
    checks=[SentAtMost(0), DamageIsHeard()],
)
def changed_policy_sends_nothing(world: World) -> None:
    """A job type that was changed after its approval sends nothing.

    The reviewer has read one policy, and another one runs under its name and version. The digest of
    what was approved is not that of what runs.
    """
    world.run(world.rows(200))
