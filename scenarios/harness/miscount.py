"""A fault of our own: the service counts tokens wrongly. The count is an estimate, says the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import msgspec

from simulator.faults.envelope import ReplyFault, with_body
from simulator.faults.seams import WireCall
from simulator.wire import Endpoint, Response


@dataclass(frozen=True, slots=True)
class TokensMiscounted(ReplyFault):
    """`count_tokens` says so many times what a prompt really has.

    Contract 12: the count is an estimate; how far it may be off is not documented.
    """

    by: float = 0.1

    where: ClassVar[tuple[Endpoint, ...]] = (Endpoint.COUNT_TOKENS,)

    def strike(self, call: WireCall) -> Response:
        """Another number."""
        counted = msgspec.json.decode(call.reply.read())
        counted["input_tokens"] = max(int(counted["input_tokens"] * self.by), 1)
        return with_body(call.reply, counted)
