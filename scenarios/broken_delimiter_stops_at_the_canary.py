"""Drill: the instructions are gone, the bill is not."""

from controls import Canary
from scenarios import BrokenDelimiter, DamageIsHeard, OnlyTheCanaryWasSent, World, drill


@drill(
    defends_against="poisoned prompt template",
    sabotage=[BrokenDelimiter()],
    controls=[Canary],
    checks=[OnlyTheCanaryWasSent(), DamageIsHeard()],
    at_least=200,
)
def broken_delimiter_stops_at_the_canary(world: World) -> None:
    """A template whose instructions are swallowed is stopped after the canary slice.

    A lost delimiter ends the system prompt after its first words. The model has never heard of
    JSON and answers in prose. Validation keeps the prose out of the tables, but every row of the
    whole job has been paid for.
    """
    world.run(world.rows(600))
