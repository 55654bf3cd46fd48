"""Drill: an answer that nobody can read is not a no."""

from controls import IdempotentSubmit
from scenarios import (
    DamageIsHeard,
    EveryRowAnswered,
    NoRowPaidTwice,
    NothingBeyondTheRows,
    World,
    drill,
)
from simulator.faults import (
    ArrayReply,
    Conflict,
    EmptyReply,
    Endpoint,
    GatewayTimeout,
    HtmlReply,
    RequestTimeout,
    ResetMidReply,
    ServerError,
    ShouldRetry,
    StallsBeforeHeaders,
    StallsMidBody,
)


@drill(
    defends_against="accidental resubmission",
    each={
        "reset_mid_reply": ResetMidReply(Endpoint.CREATE, times=1, spare_batches=1),
        "stalls_before_headers": StallsBeforeHeaders(Endpoint.CREATE, times=1, spare_batches=1),
        "stalls_mid_body": StallsMidBody(Endpoint.CREATE, times=1, spare_batches=1),
        "request_timeout": RequestTimeout(Endpoint.CREATE, done=True, times=1, spare_batches=1),
        "conflict": Conflict(Endpoint.CREATE, done=True, times=1, spare_batches=1),
        "server_error": ServerError(Endpoint.CREATE, done=True, times=1, spare_batches=1),
        "told_to_retry": [
            GatewayTimeout(Endpoint.CREATE, done=True, times=1, spare_batches=1),
            ShouldRetry(Endpoint.CREATE, times=1, spare_batches=1),
        ],
        "empty_reply": EmptyReply(Endpoint.CREATE, times=1, spare_batches=1),
        "html_reply": HtmlReply(Endpoint.CREATE, times=1, spare_batches=1),
        "array_reply": ArrayReply(Endpoint.CREATE, times=1, spare_batches=1),
    },
    controls=[IdempotentSubmit],
    checks=[NoRowPaidTwice(), NothingBeyondTheRows(), EveryRowAnswered(), DamageIsHeard()],
)
def unclear_create_is_not_paid_twice(world: World) -> None:
    """A create whose reply is broken, late, odd or an error is looked for, not repeated.

    The batch was made and will be billed; what came back is half a reply, a page of HTML, nothing
    at all, or an error that even says `x-should-retry: true`. The client repeats most of these by
    itself, and nothing in the API would stop it.
    """
    world.run(world.rows(200))
