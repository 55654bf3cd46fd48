"""Drill: one odd look is not the end of a batch."""

from controls import BatchRunner
from scenarios import EveryRowAnswered, NoRowPaidTwice, World, drill
from simulator.faults import (
    ArrayReply,
    EmptyReply,
    Endpoint,
    EventualNotFound,
    GatewayTimeout,
    HtmlReply,
    RateLimited,
    ServerError,
)


@drill(
    defends_against="lost track of a batch",
    each=[
        EventualNotFound(spare_batches=1),
        ServerError(Endpoint.RETRIEVE, times=3, spare_batches=1),
        GatewayTimeout(Endpoint.RETRIEVE, times=3, spare_batches=1),
        RateLimited(Endpoint.RETRIEVE, times=3, spare_batches=1),
        EmptyReply(Endpoint.RETRIEVE, times=1, spare_batches=1),
        HtmlReply(Endpoint.RETRIEVE, times=1, spare_batches=1),
        ArrayReply(Endpoint.RETRIEVE, times=1, spare_batches=1),
    ],
    controls=[BatchRunner],
    checks=[EveryRowAnswered(), NoRowPaidTwice()],
)
def failed_poll_is_asked_again(world: World) -> None:
    """A poll that fails, or brings no batch, is repeated until it tells something.

    A batch that was made a second ago is not found; a proxy answers with its login page. The
    batch runs on and is billed, while the program that waited for it has died of an exception.
    """
    world.run(world.rows(200))
