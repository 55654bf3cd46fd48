"""Drill: most batches are done within the hour."""

from controls import Router
from scenarios import AnsweredWithin, EveryRowAnswered, World, drill
from simulator import hours
from simulator.faults import Stall


@drill(
    defends_against="expiry and timeout",
    faults=[Stall(after_share=0.5, lasting=hours(25), times=1, spare_batches=1)],
    controls=[Router],
    checks=[AnsweredWithin(hours(6)), EveryRowAnswered()],
    at_least=120,
)
def urgent_rows_do_not_wait_for_a_batch(world: World) -> None:
    """Rows that are needed in six hours go as live calls: a batch may take a day.

    It has always been done within the hour, and that was luck: the service promises 24 hours, and
    today it needs them. A hundred rows and some cost a few cents more as live calls, and are there
    in minutes.
    """
    world.run_in_time(world.rows(120), deadline=hours(6))
