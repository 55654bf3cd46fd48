"""Drill: a cancel is a wish."""

from controls import IdempotentSubmit
from scenarios import DamageIsHeard, EveryRowAnswered, NoRowPaidTwice, World, drill
from simulator import hours
from simulator.faults import CancelEndsAllSucceeded, CancelRacesTheEnd, LostReply, Stall


@drill(
    defends_against="accidental resubmission",
    faults=[
        LostReply(spare_batches=1),
        Stall(after_share=0.5, lasting=hours(1), spare_batches=1),
    ],
    each=[CancelEndsAllSucceeded(), CancelRacesTheEnd()],
    controls=[IdempotentSubmit],
    checks=[NoRowPaidTwice(), EveryRowAnswered(), DamageIsHeard()],
)
def late_cancel_is_not_relied_on(world: World) -> None:
    """No batch is made twice, so none has to be canceled in time.

    The reply to a create is lost, the client repeats it, and the operator sees two batches of one
    size and cancels the one that nobody waits for. It is too late: its rows were in flight, or the
    batch has just ended. They succeeded, and are billed.
    """
    world.operator.cancels_doubles()
    world.run(world.rows(200))
