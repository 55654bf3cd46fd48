"""Drill: who can write the store can write history."""

from controls.audit import verify_trail
from scenarios import TamperingIsLocated, TrailEdited, World, drill
from simulator import hours


@drill(
    defends_against="audit tampered",
    sabotage=[TrailEdited(after=hours(20))],
    controls=[verify_trail],
    checks=[TamperingIsLocated()],
    at_least=100,
)
def edited_trail_is_found_out(world: World) -> None:
    """A changed entry of the audit trail is found, and named, by the next audit.

    Weeks later somebody makes a batch look cheaper than it was. The line is well-formed, the sums
    are plausible, and nothing in the pipeline ever reads it again; only the chain knows.
    """
    world.operator.audits(after=hours(30))
    world.run(world.rows(100))
