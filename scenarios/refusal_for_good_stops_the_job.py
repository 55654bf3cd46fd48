"""Drill: a closed account is no line in a log."""

from controls import BatchRunner
from scenarios import (
    DamageIsHeard,
    EveryRowAccountedFor,
    SkipsWhatFails,
    SpendWithinApproval,
    World,
    drill,
)
from simulator.faults import (
    EdgeTooLarge,
    Endpoint,
    Forbidden,
    NoBatchSupport,
    OnHold,
    PaymentRequired,
    SpendCapReached,
    Unauthorized,
)


@drill(
    defends_against="credit and access lost",
    each=[
        Unauthorized(Endpoint.CREATE, spare_batches=1),
        PaymentRequired(Endpoint.CREATE, spare_batches=1),
        Forbidden(Endpoint.CREATE, spare_batches=1),
        OnHold(Endpoint.CREATE, spare_batches=1),
        SpendCapReached(Endpoint.CREATE, spare_batches=1),
        NoBatchSupport(Endpoint.CREATE, spare_batches=1),
        EdgeTooLarge(Endpoint.CREATE, spare_batches=1),
    ],
    controls=[BatchRunner],
    instead=[SkipsWhatFails()],
    checks=[EveryRowAccountedFor(), DamageIsHeard(), SpendWithinApproval()],
)
def refusal_for_good_stops_the_job(world: World) -> None:
    """A job that the service refuses for good stops, says so, and holds its rows back.

    The key is revoked, the credit or the month's cap used up, the workspace on hold, the body too
    large for the edge. A pipeline that logs the error and goes on with the next chunk ends well,
    with half of its rows nowhere.
    """
    world.run(world.rows(200))
