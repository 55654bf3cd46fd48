"""Drill: a bad minute is no reason to lose a day."""

from controls import IdempotentSubmit
from scenarios import EveryRowAnswered, NoRowPaidTwice, NothingBeyondTheRows, World, drill
from simulator.faults import (
    BadGateway,
    ConnectionReset,
    EdgeError,
    Endpoint,
    Overloaded,
    RateLimited,
    Refused,
    TlsFailure,
    Unavailable,
)


@drill(
    defends_against="overload and rate limits",
    each={
        "overloaded": Overloaded(Endpoint.CREATE, times=4, spare_batches=1),
        "rate_limited_for_seconds": RateLimited(
            Endpoint.CREATE, retry_after=30, times=4, spare_batches=1
        ),
        "rate_limited_until_a_date": RateLimited(
            Endpoint.CREATE, retry_after=30, as_date=True, times=4, spare_batches=1
        ),
        "rate_limited_for_a_fraction": RateLimited(
            Endpoint.CREATE, retry_after=2.5, times=4, spare_batches=1
        ),
        "rate_limited_for_zero": RateLimited(
            Endpoint.CREATE, retry_after=0, times=4, spare_batches=1
        ),
        "rate_limited_for_less": RateLimited(
            Endpoint.CREATE, retry_after=-1, times=4, spare_batches=1
        ),
        "rate_limited": RateLimited(Endpoint.CREATE, retry_after=None, times=4, spare_batches=1),
        "refused": Refused(Endpoint.CREATE, times=4, spare_batches=1),
        "tls_failure": TlsFailure(Endpoint.CREATE, times=4, spare_batches=1),
        "connection_reset": ConnectionReset(Endpoint.CREATE, times=4, spare_batches=1),
        "unavailable": Unavailable(Endpoint.CREATE, times=4, spare_batches=1),
        "bad_gateway": BadGateway(Endpoint.CREATE, times=4, spare_batches=1),
        "edge_error": EdgeError(Endpoint.CREATE, times=4, spare_batches=1),
    },
    controls=[IdempotentSubmit],
    checks=[EveryRowAnswered(), NoRowPaidTwice(), NothingBeyondTheRows()],
)
def storm_at_create_is_waited_out(world: World) -> None:
    """A create that is turned away four times in a row is made at the fifth try, once.

    After the canary the service is out of reach or overloaded. The client tries three times within
    seconds and gives up; the job has its canary paid, and no answers.
    """
    world.run(world.rows(200))
