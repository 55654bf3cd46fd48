"""Rows become requests: scrubbed values, template, fence, reference, parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from controls.core.rows import DressedRow, Row
from controls.fence import Fencing, nonce_for
from controls.ids import Identity, Namespace
from controls.policy import JobType, Template
from controls.secrets import APART

GAP = "\x7f"
"""Marks the place of what each row has of its own; see `FieldAllowlist`."""
BYTES_KEPT = 96 * 2**20
"""Requests are looked at, counted and sent: up to this size they are dressed only once."""


class Dresser:
    """Dresses rows of one job. Deterministic: the same row always becomes the same bytes.

    Args:
        scrub: takes out of a value what may not be sent; see `SensitiveText.scrub`.
    """

    def __init__(
        self,
        job_type: JobType,
        namespace: Namespace,
        secret: bytes,
        fence: Fencing,
        identity: Identity,
        scrub: Callable[[str], str] = str,
    ) -> None:
        self._prefix = namespace.prefix
        self._secret = secret
        self._fence = fence
        self._identity = identity
        self._scrub = scrub
        self._segments = Template(job_type.prompt.template).segments()
        self._fields = tuple(name for _, name in self._segments if name is not None)
        head: dict[str, str | int] = {"model": job_type.prompt.model}
        if job_type.prompt.max_tokens is not None:
            head["max_tokens"] = job_type.prompt.max_tokens
        if job_type.prompt.system:
            head["system"] = job_type.prompt.system
        self._head = msgspec.json.encode(head)[:-1] + b',"messages":[{"role":"user","content":'
        self._encode = msgspec.json.Encoder().encode
        self._kept: dict[int, DressedRow] = {}
        self._kept_bytes = 0

    def dress(self, row: Row) -> DressedRow:
        """The request of this row; asked for several times, made once while memory allows."""
        kept = self._kept.get(row.ordinal)
        if kept is not None and kept.row is row:
            return kept
        made = self._made(row)
        if kept is None and self._kept_bytes < BYTES_KEPT:
            self._kept[row.ordinal] = made
            self._kept_bytes += len(made.params)
        return made

    def reference(self, row: Row) -> str:
        """What the answer to this row must echo."""
        kept = self._kept.get(row.ordinal)
        if kept is not None and kept.row is row:
            return kept.reference
        custom_id = f"{self._prefix}{row.ordinal}"
        content = _joined(row.fields, self._fields)
        return self._identity.reference(self._secret, custom_id, content)

    @property
    def template(self) -> bytes:
        """The `params` that all rows share, with a mark wherever a row's value goes."""
        gaps = "".join(literal + (GAP if name else "") for literal, name in self._segments)
        text = self._fence.notice(GAP) + gaps + self._identity.request_echo(GAP)
        return self._head + self._encode(text) + b"}]}"

    def forget(self) -> None:
        """Drop what was kept: the requests are sent."""
        self._kept.clear()
        self._kept_bytes = 0

    def _made(self, row: Row) -> DressedRow:
        custom_id = f"{self._prefix}{row.ordinal}"
        values = row.fields
        content = _joined(values, self._fields)
        if self._scrub(content) != content:
            values = {name: self._scrub(values[name]) for name in self._fields}
        nonce = nonce_for(self._secret, custom_id, content)
        wrap = self._fence.wrap
        parts = [self._fence.notice(nonce)]
        for literal, name in self._segments:
            parts.append(literal)
            if name is not None:
                parts.append(wrap(values[name], nonce))
        reference = self._identity.reference(self._secret, custom_id, content)
        parts.append(self._identity.request_echo(reference))
        text = "".join(parts)
        try:
            encoded = self._encode(text)
        except UnicodeEncodeError:
            encoded = self._encode(text.encode("utf-8", "replace").decode())
        return DressedRow(row, custom_id, reference, self._head + encoded + b"}]}")


def _joined(values: Mapping[str, str], names: Sequence[str]) -> str:
    """The values, kept apart for the detectors."""
    if len(names) == 1:
        return values[names[0]]
    return APART.join([values[name] for name in names])
