"""One result line of a batch, read without trust, and what a gate can say of it.

Structs, not dataclasses: one of each is made per row, ten times as fast.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Protocol

import msgspec

EVIDENCE_BYTES = 2_048
"""How much of a refused line is kept. Enough to see what happened, too little to fill a disk."""


Tokens = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
"""A count that fits the ledger. A line with any other is not believed."""


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens of one answer, as the service reports them."""

    input_tokens: Tokens = 0
    output_tokens: Tokens = 0
    cache_creation_input_tokens: Tokens | None = None
    cache_read_input_tokens: Tokens | None = None


class CacheWrites(msgspec.Struct, frozen=True, gc=False):
    """Tokens written to the cache by how long they are kept, as `usage.cache_creation` has it."""

    ephemeral_5m_input_tokens: Tokens = 0
    ephemeral_1h_input_tokens: Tokens = 0


class BilledUsage(Usage, frozen=True, gc=False):
    """The whole of `usage` that changes what an answer costs."""

    cache_creation: CacheWrites | None = None
    inference_geo: str | None = None


class _Block(msgspec.Struct, gc=False):
    type: str
    text: str = ""


class _Message(msgspec.Struct, gc=False):
    content: list[_Block]
    stop_reason: str | None = None
    usage: BilledUsage = BilledUsage()
    model: str = ""


class _ErrorBody(msgspec.Struct):
    type: str = "unknown"
    message: str = ""


class _Error(msgspec.Struct):
    error: _ErrorBody = msgspec.field(default_factory=_ErrorBody)


class _Result(msgspec.Struct, gc=False):
    type: str
    message: _Message | None = None
    error: _Error | None = None


class _Line(msgspec.Struct, gc=False):
    custom_id: str
    result: _Result


decode_line = msgspec.json.Decoder(_Line).decode
LINE_ERRORS = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What `decode_line` raises for a line that cannot be read."""
KINDS = frozenset({"succeeded", "errored", "canceled", "expired"})


class ResultLine(msgspec.Struct, frozen=True, gc=False):
    """A line of the results file that could be read."""

    custom_id: str
    kind: str
    """`succeeded`, `errored`, `canceled` or `expired`."""
    text: str
    """The text blocks of a succeeded answer, joined; thinking and tool blocks are skipped."""
    stop_reason: str | None
    error_type: str
    """The inner error type of an errored row; else empty."""
    usage: BilledUsage
    raw: bytes


class UnreadableLine(msgspec.Struct, frozen=True, gc=False):
    """A line of the results file that could not be read; it never stops the others."""

    problem: str
    raw: bytes


def read_line(raw: bytes) -> ResultLine | UnreadableLine:
    """Read one line; never raises, whatever the bytes are."""
    try:
        line = decode_line(raw)
    except LINE_ERRORS as error:
        return UnreadableLine(str(error)[:200], raw)
    result = line.result
    if result.type not in KINDS:
        return UnreadableLine(f"unknown result type {result.type[:40]!r}", raw)
    if result.type == "succeeded":
        if result.message is None:
            return UnreadableLine("a succeeded row without a message", raw)
        blocks = result.message.content
        text = (
            blocks[0].text
            if len(blocks) == 1 and blocks[0].type == "text"
            else "".join(block.text for block in blocks if block.type == "text")
        )
        message = result.message
        return ResultLine(
            line.custom_id, "succeeded", text, message.stop_reason, "", message.usage, raw
        )
    error_type = ""
    if result.type == "errored":
        said = result.error.error.type if result.error is not None else "unknown"
        error_type = said.replace("\0", "\N{REPLACEMENT CHARACTER}")  # PostgreSQL refuses NUL
    return ResultLine(line.custom_id, result.type, "", None, error_type, _NO_USAGE, raw)


_NO_USAGE = BilledUsage()


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A succeeded line on its way through the gates."""

    text: str
    stop_reason: str | None
    reference: str
    """What the answer must echo."""
    value: dict[str, Any] | None = None
    """The value as far as the gates before have read it."""


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """The gate lets the answer through, with the value it read."""

    value: dict[str, Any] | None


class Quarantined(msgspec.Struct, frozen=True, gc=False):
    """The gate keeps the answer back."""

    reason: str
    """A stable code, e.g. `not_json`."""
    detail: str
    """What exactly was wrong. Untrusted: may quote the answer."""


Verdict = Accepted | Quarantined


class Gate(Protocol):
    """Looks at one answer and accepts it or quarantines it with a reason code."""

    def examine(self, answer: Answer) -> Verdict:
        """Never raises, whatever the answer says."""
        ...


def kind_of(part: object) -> type:
    """What a part of the stack is. One that does what another does and only watches it names that
    one in `watches`, and is taken for it."""
    kind: type = getattr(type(part), "watches", type(part))
    return kind


def examined(gates: Iterable[Gate], answer: Answer) -> Verdict:
    """The verdict of the last gate, or of the first that keeps the answer back.

    A gate that breaks keeps it back too: one answer may neither pass unseen nor stop the others.
    """
    verdict: Verdict = Accepted(None)
    try:
        for gate in gates:
            verdict = gate.examine(answer)
            if isinstance(verdict, Quarantined):
                return verdict
    except Exception as error:  # noqa: BLE001 - gates must not raise; this one did
        return Quarantined("gate_error", f"the gate broke: {type(error).__name__}")
    return verdict
