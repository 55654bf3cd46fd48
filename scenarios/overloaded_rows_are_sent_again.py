"""Drill: the service's bad luck is not the row's fault."""

from controls import Requeue
from scenarios import EveryRowAnswered, NoRowPaidTwice, SpendWithinApproval, World, drill
from simulator.faults import Expires, OverloadedAsApiError, RowsErrored, RowsExpired


@drill(
    defends_against="silent partial drop",
    each={
        "overloaded_error": RowsErrored(0.05, times=12, spare_batches=1),
        "overloaded_as_api_error": OverloadedAsApiError(0.05, times=12, spare_batches=1),
        "timeout_error": RowsErrored(0.05, "timeout_error", times=12, spare_batches=1),
        "rate_limit_error": RowsErrored(0.05, "rate_limit_error", times=12, spare_batches=1),
        "rows_expired": RowsExpired(0.05, times=12, spare_batches=1),
        "expires_in_part": Expires(0.5, times=1, spare_batches=1),
        "expires_as_a_whole": Expires(0.0, times=1, spare_batches=1),
    },
    controls=[Requeue],
    checks=[EveryRowAnswered(), NoRowPaidTwice(), SpendWithinApproval()],
    at_least=200,
)
def overloaded_rows_are_sent_again(world: World) -> None:
    """Rows that the service gave up or ran out of time for are sent again, and answered.

    An overloaded service gives rows up, in more than one spelling, and a batch that was not worked
    in 24 hours expires, in part or as a whole. Nobody bills these rows, and nobody answers them.
    """
    world.run(world.rows(200))
