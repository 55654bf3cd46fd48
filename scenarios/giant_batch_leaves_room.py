"""Drill: the queue is full of what could have waited."""

from controls import FairShare
from scenarios import AnsweredWithin, Errand, SmallAccount, World, drill
from simulator import hours
from simulator.faults import Stall, first


@drill(
    defends_against="one team starves another",
    sabotage=[SmallAccount(queued_requests=200)],
    faults=[Stall(after_share=0.0, lasting=hours(12), during=first(hours(6)), spare_batches=1)],
    controls=[FairShare(queue_limit=200)],
    checks=[AnsweredWithin(hours(5), job="game_2")],
    at_least=264,
)
def giant_batch_leaves_room(world: World) -> None:
    """An urgent job of another team goes at once, however much a giant one has still to send.

    The nightly job has as many rows as the account may have in its queue, and the service is
    slow today. It came first and takes everything; who comes in the morning, with forty rows and a
    customer on the phone, is turned away.
    """
    rows = world.rows(264)
    world.run_together(
        Errand(rows[:224], team="nightly"),
        Errand(rows[224:], priority=5, after=hours(6)),
        batches_of=50,
    )
