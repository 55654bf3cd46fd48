"""Drill: the pager that nobody reads any more."""

from controls import Deduplicated
from scenarios import PagesAtMost, StrangerBatch, World, drill
from simulator import hours, minutes


@drill(
    defends_against="nobody is watching",
    sabotage=[StrangerBatch()],
    controls=[Deduplicated],
    checks=[PagesAtMost(6)],
    at_least=100,
)
def one_page_not_ten_thousand(world: World) -> None:
    """The same alarm is told once an hour, however often it is raised.

    Every ten minutes somebody looks over the account, and finds the same forgotten batch. By
    noon the pager has said so two dozen times, and whoever carries it has switched it off.
    """
    world.operator.patrols(every=minutes(10), until=hours(4))
    world.run(world.rows(100))
