"""Faults of `results_url`: missing, elsewhere, relative, or gone too early (contract 7.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from simulator.errors import ApiError, SimulatorError, no_results
from simulator.faults.batch_object import BatchFault, Document
from simulator.faults.seams import WireCall, WireFault
from simulator.wire import Endpoint, Response


class ResultsUrlMissing(BatchFault):
    """The batch has ended, and its `results_url` is null still.

    Contract 7.3: the official client raises `AnthropicError` without a second request.
    """

    __slots__ = ()

    def change(self, batch: Document, call: WireCall) -> bool:
        """Without the URL."""
        del call
        had: bool = batch["results_url"] is not None
        batch["results_url"] = None
        return had


@dataclass(frozen=True, slots=True)
class ForeignResultsUrl(BatchFault):
    """The `results_url` points to another host, such as one behind a gateway.

    Contract 15, incident 8, and 7.4: the official client dials it and sends the key along.
    Nobody listens at the default, port 9 of this machine.
    """

    base_url: str = "http://127.0.0.1:9"

    def __post_init__(self) -> None:
        WireFault.__post_init__(self)
        if not urlsplit(self.base_url).netloc:
            raise SimulatorError(
                f"ForeignResultsUrl: {self.base_url!r} is no address.",
                fix="Write it as http://host:port, or use RelativeResultsUrl.",
            )

    def change(self, batch: Document, call: WireCall) -> bool:
        """The same path elsewhere."""
        del call
        if batch["results_url"] is None:
            return False
        batch["results_url"] = self.base_url + urlsplit(batch["results_url"]).path
        return True


class RelativeResultsUrl(BatchFault):
    """The `results_url` is a path alone.

    Contract 7.4: the official client joins it to its base URL.
    """

    __slots__ = ()

    def change(self, batch: Document, call: WireCall) -> bool:
        """The path of it."""
        del call
        if batch["results_url"] is None:
            return False
        batch["results_url"] = urlsplit(batch["results_url"]).path
        return True


class ArchivedEarly(BatchFault):
    """The results of an ended batch are archived long before their 29 days.

    Contract 5.3 and 9.4: `archived_at` is set, `results_url` is null, the results are 404.
    """

    __slots__ = ()

    where: ClassVar[tuple[Endpoint, ...]] = (*BatchFault.where, Endpoint.RESULTS)

    def strike(self, call: WireCall) -> ApiError | Response | None:
        """No results, and a batch that says so."""
        if call.endpoint is Endpoint.RESULTS:
            return no_results(call.batch_id)
        return BatchFault.strike(self, call)

    def change(self, batch: Document, call: WireCall) -> bool:
        """Archived as soon as it ended."""
        del call
        if batch["processing_status"] != "ended":
            return False
        batch.update(archived_at=batch["ended_at"], results_url=None)
        return True
