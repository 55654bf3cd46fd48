"""Drill: not every oddity is an incident."""

from controls import BatchRunner
from scenarios import EveryRowAnswered, NoAlarm, NoRowPaidTwice, World, drill
from simulator.faults import (
    CachedUsage,
    Endpoint,
    ErrorDetails,
    NoRequestIdHeader,
    NoRequestIdInBody,
    Overloaded,
    SlowDrip,
    UntypedEnvelope,
)


@drill(
    defends_against="false alarms",
    each={
        "untyped_envelope": [
            Overloaded(Endpoint.RETRIEVE, times=1, spare_batches=1),
            UntypedEnvelope(),
        ],
        "error_details": [
            Overloaded(Endpoint.RETRIEVE, times=1, spare_batches=1),
            ErrorDetails(),
        ],
        "no_request_id_in_body": [
            Overloaded(Endpoint.RETRIEVE, times=1, spare_batches=1),
            NoRequestIdInBody(),
        ],
        "no_request_id_header": NoRequestIdHeader(),
        "cached_usage": CachedUsage(0.2, spare_batches=1),
        "slow_drip": SlowDrip(),
    },
    controls=[BatchRunner],
    checks=[EveryRowAnswered(), NoAlarm(), NoRowPaidTwice()],
    borne=True,
)
def weather_is_borne(world: World) -> None:
    """Weather that every pipeline bears costs no row, and wakes nobody up.

    An error in a body of another form, a reply without its id, one that comes drop by drop, a
    prompt that was read from a cache: no pipeline is known to have died of these, so the bare arm
    holds too. What is proved is that the controls do not make more of it than it is.
    """
    world.run(world.rows(200))
