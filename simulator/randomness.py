"""One seed, named streams: adding a fault does not shift another one's dice."""

from __future__ import annotations

from random import Random
from typing import Final

BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
"""The alphabet of the service's ids: no 0, O, I or l (contract 5.1)."""

_FOLD: Final = bytes(ord(BASE58[byte % 58]) for byte in range(256))
_MASK: Final = 2**64 - 1
_GAMMA: Final = 0x9E3779B97F4A7C15


def base58(dice: Random, length: int) -> str:
    """So many characters of the id alphabet."""
    return dice.randbytes(length).translate(_FOLD).decode("ascii")


class Streams:
    """Random streams that depend on the seed and their name, not on each other."""

    __slots__ = ("seed",)

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def stream(self, name: str) -> Random:
        """The stream of this name, from its beginning."""
        return Random(f"{self.seed}/{name}")

    def rows(self, name: str) -> RowDice:
        """Dice of this name for one row at a time."""
        return RowDice(self.stream(name).getrandbits(64))


class RowDice(Random):
    """Dice that can be set to a row: what row 7 draws does not depend on rows 0 to 6.

    A `random.Random` of its own for each of 100,000 rows would cost seconds; setting this
    one costs next to nothing. The numbers are SplitMix64 (Steele, Lea, Flood 2014).
    """

    def __init__(self, key: int) -> None:
        self._key = key
        self._state = key
        self.gauss_next = None

    def seed(self, *_: object) -> None:
        """Not reseeded from outside: `at` does it."""

    def at(self, row: int) -> RowDice:
        """The same dice, set to the beginning of what this row draws."""
        self._state = self._key ^ (row * 0xD1342543DE82EF95 & _MASK)
        return self

    def _next(self) -> int:
        self._state = state = (self._state + _GAMMA) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        return state ^ (state >> 31)

    def random(self) -> float:
        """The next number in [0, 1)."""
        return (self._next() >> 11) * 2.0**-53

    def getrandbits(self, k: int, /) -> int:
        """The next `k` random bits."""
        bits, have = 0, 0
        while have < k:
            bits = bits << 64 | self._next()
            have += 64
        return bits >> (have - k)


class Ids:
    """The service's ids, drawn in the order in which they are given out (contract 5.1)."""

    __slots__ = ("_batches", "_messages", "_requests", "_streams")

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._batches = streams.stream("ids/batches")
        self._messages = streams.stream("ids/messages")
        self._requests = streams.stream("ids/requests")

    def batch(self) -> str:
        """The next batch id."""
        return "msgbatch_01" + base58(self._batches, 22)

    def message(self) -> str:
        """The next id of a live message."""
        return "msg_01" + base58(self._messages, 22)

    def request(self) -> str:
        """The next id of an HTTP request."""
        return "req_011C" + base58(self._requests, 20)

    def workspace(self, key: str) -> str:
        """The workspace that belongs to a key nobody listed: the same one each time."""
        return "wrkspc_01" + base58(self._streams.stream(f"ids/workspace/{key}"), 22)

    def organization(self) -> str:
        """The organisation: one UUID for each run."""
        digits = f"{self._streams.stream('ids/organization').getrandbits(128):032x}"
        parts = digits[:8], digits[8:12], "4" + digits[13:16], "a" + digits[17:20], digits[20:]
        return "-".join(parts)
