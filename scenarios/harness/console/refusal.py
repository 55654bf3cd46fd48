"""What somebody at the console asked for and cannot have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WRONG, TOO_LATE = 422, 409
NOBODY, FORBIDDEN, MISSING, TOO_LARGE, BUSY = 401, 403, 404, 413, 503
GENERAL: Final[Mapping[str, str]] = {}


class Refused(Exception):  # noqa: N818 - what happened, not what broke
    """It cannot be, and why; `fields` says which of several settings are wrong, each with a way
    out."""

    def __init__(
        self, says: str, fields: Mapping[str, str] = GENERAL, *, status: int = WRONG
    ) -> None:
        super().__init__(says)
        self.says = says
        self.fields = dict(fields)
        self.status = status
