"""Drill: a wrong column is valid, confident and wrong in every row."""

from controls import Canary
from scenarios import (
    DamageIsHeard,
    EveryValueFromItsOwnRow,
    OnlyTheCanaryWasSent,
    World,
    WrongColumn,
    drill,
)


@drill(
    defends_against="poisoned prompt template",
    sabotage=[WrongColumn()],
    controls=[Canary],
    checks=[OnlyTheCanaryWasSent(), EveryValueFromItsOwnRow(), DamageIsHeard()],
    at_least=200,
)
def wrong_column_stops_at_the_canary(world: World) -> None:
    """A template filled from the wrong column is stopped after the canary slice.

    A changed query puts the record's number where the text belongs. The model answers every row,
    in perfect JSON, with a guess. Only known answers and the mix of labels can tell.
    """
    world.run(world.rows(600))
