"""Drill: the service said yes, and nobody heard it."""

from controls import IdempotentSubmit
from scenarios import (
    DamageIsHeard,
    EveryRowAnswered,
    NoRowPaidTwice,
    NothingBeyondTheRows,
    World,
    drill,
)
from simulator.faults import Endpoint, LostReply


@drill(
    defends_against="accidental resubmission",
    faults=[LostReply(on=Endpoint.CREATE, times=1, spare_batches=1)],
    controls=[IdempotentSubmit],
    checks=[NoRowPaidTwice(), NothingBeyondTheRows(), EveryRowAnswered(), DamageIsHeard()],
    at_least=200,
)
def lost_reply_is_not_paid_twice(world: World) -> None:
    """A batch whose create call got no answer is found and adopted, not sent again.

    The service accepts the batch and will bill it, but the reply is lost. The API knows no
    idempotency key, so whoever simply retries, as the client does by default, pays twice.
    """
    world.run(world.rows(600))
