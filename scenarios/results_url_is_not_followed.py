"""Drill: an address in a reply is data."""

from controls import BatchRunner
from scenarios import EveryRowAnswered, FollowsTheUrl, KeyStaysHome, NoRowPaidTwice, World, drill
from simulator.faults import (
    ForeignResultsUrl,
    RelativeResultsUrl,
    ResultsUrlMissing,
)


@drill(
    defends_against="results out of reach",
    each={
        "foreign_results_url": ForeignResultsUrl(spare_batches=1),
        "foreign_results_url_by_hand": [ForeignResultsUrl(spare_batches=1), FollowsTheUrl()],
        "relative_results_url": [RelativeResultsUrl(spare_batches=1), FollowsTheUrl()],
        "results_url_missing": ResultsUrlMissing(spare_batches=1),
    },
    controls=[BatchRunner],
    checks=[EveryRowAnswered(), KeyStaysHome(), NoRowPaidTwice()],
)
def results_url_is_not_followed(world: World) -> None:
    """Results are fetched from the service itself, whatever `results_url` says.

    Behind a gateway `results_url` names a host that nobody reaches, or another one altogether; or
    it is a path, or null. The client dials whatever stands there; whoever does so by hand takes the
    API key along.
    """
    world.run(world.rows(200))
