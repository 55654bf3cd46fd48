"""Drill: the same request, the same no."""

from controls import Requeue
from scenarios import (
    DamageIsHeard,
    EveryRowAccountedFor,
    NothingBeyondTheRows,
    SendsEverythingAgain,
    World,
    drill,
)
from simulator.faults import CreditExhausted, RowsErrored, VagueError


@drill(
    defends_against="credit and access lost",
    each={
        "credit_exhausted": CreditExhausted(after_requests=80, spare_batches=1),
        "vague_error": VagueError(0.05, spare_batches=1),
        "invalid_request_error": RowsErrored(0.05, "invalid_request_error", spare_batches=1),
        "authentication_error": RowsErrored(0.05, "authentication_error", spare_batches=1),
        "billing_error": RowsErrored(0.05, "billing_error", spare_batches=1),
        "permission_error": RowsErrored(0.05, "permission_error", spare_batches=1),
        "not_found_error": RowsErrored(0.05, "not_found_error", spare_batches=1),
    },
    controls=[Requeue],
    instead=[SendsEverythingAgain()],
    checks=[EveryRowAccountedFor(), NothingBeyondTheRows(), DamageIsHeard()],
    at_least=200,
)
def hopeless_rows_are_not_sent_again(world: World) -> None:
    """Rows with an error that would come again are set aside with its name, not sent again.

    The credit ends at row 80, or a request is one that the service will never take. A pipeline
    that repeats whatever failed sends the same rows round after round, and each time with the
    hope that this was the last.
    """
    world.run(world.rows(200))
