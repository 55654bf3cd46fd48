"""One working example of every fault, and a run in which each of them finds its occasion."""

from __future__ import annotations

from typing import Any, Final

from simulator import Api, LabelOracle, Truth, hours, seconds
from simulator.faults import CATALOGUE, Fault
from simulator.faults.settings import required
from tests.simulator.builders import call, create, document, requests, results, retrieve

LABELS: Final = ("good", "bad", "mixed")
ROWS: Final = 40
NAMES: Final = tuple(name for name in CATALOGUE if name != "NoFault")

SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "Stall": {"after_share": 0.5, "lasting": hours(1)},
    "WrongButValid": {"labels": LABELS},
}
"""What a fault needs beside a share."""
CANCELING: Final = ("CancelEndsAllSucceeded", "CancelRacesTheEnd")
"""Those that strike a caller's cancel."""


def make(name: str, **shared: Any) -> Fault:
    """An example of this fault."""
    kind = CATALOGUE[name]
    settings = dict(SETTINGS.get(name, {}))
    if "share" in required(kind):
        settings["share"] = 0.5
    return kind(**settings | shared)


def run(*faults: Fault, batches: int = 2, rows: int = ROWS) -> Api:
    """So many batches, each listed, polled, perhaps canceled, and downloaded."""
    truths = {f"text {row}": Truth(f"subject-{row}", LABELS[row % 3]) for row in range(rows)}
    api = Api(responder=LabelOracle(truths, LABELS), faults=faults)
    cancels = any(fault.name in CANCELING for fault in faults)
    for _ in range(batches):
        retrieve(api, "msgbatch_unknown")
        call(api, "GET", "/v1/messages/batches")
        if create(api, requests(rows, system="Answer in JSON.")).status != 200:
            continue
        batch_id = api.books().batches[-1].id
        api.clock.sleep(seconds(5))
        retrieve(api, batch_id)
        call(api, "GET", "/v1/messages/batches")
        if cancels:
            call(api, "POST", f"/v1/messages/batches/{batch_id}/cancel")
        api.clock.sleep(hours(24))
        retrieve(api, batch_id)
        results(api, batch_id).read()
    return api


def comparable(api: Api) -> list[tuple[Any, ...]]:
    """The books without the raw params, which compare by identity."""
    return [
        tuple(getattr(request, field) for field in request.__struct_fields__ if field != "params")
        for request in api.books().requests
    ]


def shown_batch(api: Api, batch_id: str) -> dict[str, Any]:
    """A batch as it is shown."""
    found: dict[str, Any] = document(retrieve(api, batch_id))
    return found
