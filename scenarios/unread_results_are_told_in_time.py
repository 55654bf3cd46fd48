"""Drill: paid for, and deleted unread."""

from controls import look_over
from scenarios import EveryRowAnswered, NoRowPaidTwice, WorkerVanishes, World, drill
from simulator import days


@drill(
    defends_against="nobody is watching",
    sabotage=[WorkerVanishes()],
    controls=[look_over],
    checks=[EveryRowAnswered(), NoRowPaidTwice()],
    at_least=100,
)
def unread_results_are_told_in_time(world: World) -> None:
    """Results that nobody has read are told days before the service deletes them, and then read.

    The machine with the worker is gone, and its alarms with it. The batch has ended on time, and
    its answers lie at the service, which keeps them for 29 days and tells nobody.
    """
    world.operator.patrols(every=days(1), until=days(40))
    world.operator.answers_alarms(every=days(1), until=days(40))
    world.run(world.rows(100))
