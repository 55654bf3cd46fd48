"""Many row numbers in few bytes."""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Iterable
from itertools import accumulate, pairwise


def pack(ordinals: Iterable[int]) -> bytes:
    """Ascending row numbers as compressed steps of 32 bits; a stretch takes next to nothing."""
    ordered = sorted(ordinals)
    steps = array("I", [after - before for before, after in pairwise([0, *ordered])])
    if sys.byteorder == "big":
        steps.byteswap()
    return zlib.compress(steps.tobytes(), 1)


def unpack(packed: bytes) -> list[int]:
    """What was packed, ascending."""
    steps = array("I")
    steps.frombytes(zlib.decompress(packed))
    if sys.byteorder == "big":
        steps.byteswap()
    return list(accumulate(steps))
