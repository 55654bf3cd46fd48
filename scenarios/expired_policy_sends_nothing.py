"""Drill: an approval is not for ever."""

from controls import ApprovedOnly
from scenarios import ApprovalExpired, DamageIsHeard, SentAtMost, World, drill


@drill(
    defends_against="unapproved policy",
    sabotage=[ApprovalExpired()],
    controls=[ApprovedOnly],
    checks=[SentAtMost(0), DamageIsHeard()],
)
def expired_policy_sends_nothing(world: World) -> None:
    """A job type whose approval has expired sends nothing from that very second on.

    It was approved for ninety days, and they are over. Nobody has looked at it since, and the job
    still runs every night.
    """
    world.run(world.rows(200))
