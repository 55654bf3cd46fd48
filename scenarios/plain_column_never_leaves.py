"""Drill: what no pattern knows by its looks is still nobody's business."""

from controls import FieldAllowlist
from scenarios import (
    ColumnRidesAlong,
    DamageIsHeard,
    NoForbiddenValueSent,
    NothingWasSent,
    World,
    drill,
)


@drill(
    defends_against="leaked column",
    sabotage=[ColumnRidesAlong(plain=True)],
    controls=[FieldAllowlist],
    checks=[NoForbiddenValueSent(), NothingWasSent(), DamageIsHeard()],
    at_least=200,
)
def plain_column_never_leaves(world: World) -> None:
    """A column that rides along is noticed also when nothing in it looks like personal data.

    Names and internal numbers have no form that a detector could know. What decides is the list of
    columns that somebody has agreed to, not what a value looks like.
    """
    world.run(world.rows(500))
