"""Drill: who knocks every second is not let in."""

from controls import IdempotentSubmit
from scenarios import DamageIsHeard, EveryRowAccountedFor, RetryAfterIsObeyed, World, drill
from simulator import hours
from simulator.faults import Endpoint, RateLimited


@drill(
    defends_against="overload and rate limits",
    each={
        "seconds": RateLimited(Endpoint.CREATE, retry_after=120, times=2, spare_batches=1),
        "fraction": RateLimited(Endpoint.CREATE, retry_after=90.5, times=2, spare_batches=1),
        "date": RateLimited(
            Endpoint.CREATE, retry_after=120, as_date=True, times=2, spare_batches=1
        ),
        "a_week": RateLimited(
            Endpoint.CREATE, retry_after=hours(168).total_seconds(), times=2, spare_batches=1
        ),
    },
    controls=[IdempotentSubmit],
    checks=[RetryAfterIsObeyed(), EveryRowAccountedFor(), DamageIsHeard()],
)
def retry_after_is_obeyed(world: World) -> None:
    """No create is repeated before the time that the service has asked for.

    The service answers 429 and says when to come back: in seconds, with a fraction, as a date, or
    in a week. A fixed pause of a second runs into the same wall until the tries are used up; what
    is too long to wait for is a matter for a person.
    """
    world.run(world.rows(200))
