"""Drill: what is in the request body stays at the service for 29 days."""

from controls import FieldAllowlist, SensitiveText
from scenarios import ColumnRidesAlong, DamageIsHeard, NoForbiddenValueSent, World, drill


@drill(
    defends_against="leaked column",
    sabotage=[ColumnRidesAlong()],
    controls=[FieldAllowlist, SensitiveText],
    checks=[NoForbiddenValueSent(), DamageIsHeard()],
)
def leaked_column_never_leaves(world: World) -> None:
    """A column that rides along is noticed in the request body, and not one byte of it is sent.

    Code review saw the template once. Months later somebody makes it convenient and adds the rest
    of the row; names, addresses and account numbers are in every request.
    """
    world.run(world.rows(100))
