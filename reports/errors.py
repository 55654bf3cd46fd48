"""The one error of this room: a file that is not what it should be, or a value we cannot write."""

from __future__ import annotations


class ReportError(Exception):
    """What happened, where, and how to fix it, in one message without a traceback."""

    def __init__(self, what: str, *, fix: str, where: str = "") -> None:
        place = f" At {where}." if where else ""
        super().__init__(f"{what}{place} {fix}")
        self.what = what
        self.where = where
        self.fix = fix
