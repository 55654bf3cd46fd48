"""Faults of the list of batches (contract 4.3 and 15)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import msgspec

from simulator.clock import ZERO
from simulator.errors import SimulatorError
from simulator.faults.envelope import ReplyFault, with_body
from simulator.faults.seams import WireCall, WireFault
from simulator.faults.status import OK
from simulator.wire import Endpoint, Response

Page = dict[str, Any]


class ListFault(ReplyFault):
    """The base of this file: `change` edits one page in place."""

    __slots__ = ()

    where: ClassVar[tuple[Endpoint, ...]] = (Endpoint.LIST,)

    def reaches(self, call: WireCall) -> bool:
        """What went well; such faults add up."""
        return call.reply.status == OK

    def strike(self, call: WireCall) -> Response | None:
        """The same page, changed; None if it is no page, or as it should be."""
        try:
            page = msgspec.json.decode(call.reply.read())
        except msgspec.MsgspecError:
            return None
        if not isinstance(page, dict) or not self.change(page, call):
            return None
        return with_body(call.reply, page)

    def change(self, page: Page, call: WireCall) -> bool:
        """Edit one page; whether there was anything to edit."""
        raise NotImplementedError


class StuckPage(ListFault):
    """The list does not advance: the cursor that a page gives leads to the same page again.

    Contract 15, incident 16: whoever walks the list walks for ever.
    """

    __slots__ = ()

    def change(self, page: Page, call: WireCall) -> bool:
        """More to come, from the same place."""
        if not page["data"]:
            return False
        query = dict(call.request.query)
        cursor = query.get("after_id") or query.get("before_id") or page["data"][0]["id"]
        page.update(has_more=True, first_id=cursor, last_id=cursor)
        return True


class EmptyPageWithMore(ListFault):
    """A page is empty and says that there are more.

    Contract 15, incident 16; the official client stops there, others turn in circles.
    """

    __slots__ = ()

    def change(self, page: Page, call: WireCall) -> bool:
        """Nothing, and more of it."""
        del call
        page.update(data=[], has_more=True)
        return True


@dataclass(frozen=True, slots=True)
class MissingFromList(ListFault):
    """A batch is not in the list for some time after its creation.

    Contract 15, catalogue of the list: whoever looks for a lost create in the list too early
    does not find it, and makes a second one (contract 8.4).
    """

    lasting: timedelta = timedelta(seconds=30)

    def __post_init__(self) -> None:
        WireFault.__post_init__(self)
        if self.lasting <= ZERO:
            raise SimulatorError(
                f"MissingFromList: lasting={self.lasting} is no time.", fix="Use more than zero."
            )

    def change(self, page: Page, call: WireCall) -> bool:
        """Without the young ones."""
        born = [datetime.fromisoformat(batch["created_at"]) for batch in page["data"]]
        known = [
            batch
            for batch, created_at in zip(page["data"], born, strict=True)
            if call.now - created_at >= self.lasting
        ]
        if len(known) == len(page["data"]):
            return False
        ends = (known[0]["id"], known[-1]["id"]) if known else (None, None)
        page.update(data=known, first_id=ends[0], last_id=ends[1])
        return True
