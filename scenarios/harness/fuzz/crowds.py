"""Crowds: plans in which two thirds of all faults that do not end a job meet.

A bug that takes three particular faults shows where these have met. Of plans with a handful of
faults hardly one in a thousand has a given three; of crowds, one in about eight. So that no fault
waits for its luck, the kinds are dealt like cards, and each hand goes without another third.

Each fault of a crowd strikes once, or a few rows, and the strikes are spread over the whole job:
where all come at once, the first create fails for good, and nobody learns what the others would
have done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from scenarios.harness.fuzz.plan import Size
from simulator.faults import Fault
from simulator.faults.fault import Family
from simulator.wire import Endpoint

HANDS: Final = 3
"""Crowds of one deal. Each goes without one of as many parts of the kinds."""
BATCHES: Final = range(7)
"""About as many batches a crowd makes; a fault may wait for any of them."""
CALLS: Final[Mapping[Endpoint, range]] = {
    Endpoint.CREATE: range(1, 9),
    Endpoint.RETRIEVE: range(1, 21),
    Endpoint.RESULTS: range(1, 22, 2),
    Endpoint.LIST: range(1, 4),
}
"""Which calls may be struck. Downloads are spared in turn: three in a row that bring too little
stop the job."""
WEIGHTS: Final[Mapping[Endpoint, int]] = {
    Endpoint.CREATE: 6,
    Endpoint.RETRIEVE: 9,
    Endpoint.RESULTS: 3,
    Endpoint.LIST: 2,
}
"""How often a fault is aimed at each."""
CUTS: Final = frozenset(
    {"TruncatedAtLine", "TruncatedMidLine", "AbortedDownload", "ShortOfItsLength", "RowsMissing"}
)
"""Faults after which a download has to be repeated."""
MISCOUNTS: Final = frozenset({"GradualCounts", "CountsDoNotAddUp"})
"""Faults that rightly stop a job where they strike the last look at a batch."""


ROUNDABOUT_FIRST: Final = (
    *("download", "files", "edge", "status", "envelope", "batch_object", "results_url", "listing"),
    *("lifecycle", "wire", "results_file", "lines", "answers", "messages", "rows"),
)
"""Pages of the catalogue. Much can be brought about by a plain fault and by a meeting of others;
shrinking leaves out what comes first, so that the plain one stays."""


def home_of(kind: type[Fault]) -> str:
    """The page of the catalogue on which a kind stands."""
    return kind.__module__.rpartition(".")[2]


def dealt(kinds: Sequence[type[Fault]], seed: int, number: int) -> tuple[type[Fault], ...]:
    """The kinds of the crowd of this number: each has all but one of the parts into which the
    kinds are dealt, and the next crowd of the same deal goes without another part."""
    deal, hand = divmod(number, HANDS)
    cards = list(kinds)
    Random(f"{seed}/deal/{deal}").shuffle(cards)
    mine = [kind for place, kind in enumerate(cards) if place % HANDS != hand]
    return tuple(sorted(mine, key=lambda kind: ROUNDABOUT_FIRST.index(home_of(kind))))


def crowd_size(dice: Random) -> Size:
    """A job of some batches that goes on for as long as a job may."""
    return Size(
        rows=dice.choice((30, 40, 50)),
        first=dice.randrange(1_000),
        requests=dice.choice((9, 12)),
        canary=dice.choice((3, 5)),
        ramp=dice.choice(((), (0.3,))),
        rounds=dice.choice((2, 3)),
        keeps_all=True,
    )


class Turns:
    """Who strikes when in one crowd: each place is given away once, until none is left."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._left: dict[str, list[int]] = {}

    def of(self, kind: type[Fault]) -> dict[str, Any]:
        """When and how often a fault of this kind strikes: its settings."""
        dice, home, where = self._dice, home_of(kind), getattr(kind, "where", None)
        if kind.family in {Family.ROWS, Family.ANSWERS}:
            share, times = dice.choice((0.1, 0.2)), dice.choice((2, 3, 5))
            return {"share": share, "times": times, "spare_batches": dice.choice((0, 1, 1, 2))}
        if kind.family is Family.LIFECYCLE:
            return self._once("pace", BATCHES[1:])
        if kind.__name__ in CUTS:
            return self._once("cut", BATCHES) | {"share": 0.5 if "Rows" in kind.__name__ else 1.0}
        if where is None:
            return {"share": 1.0, "times": 1, "spare_batches": dice.choice(BATCHES[:-2])}
        if home == "envelope" and not where:  # they concern only calls that went wrong
            return {"share": dice.choice((0.3, 1.0)), "times": dice.choice((1, 3)), "on": None}
        if home in {"batch_object", "results_url"}:
            share = 0.05 if kind.__name__ in MISCOUNTS else dice.choice((0.1, 0.3))
            return {"share": share, "times": dice.choice((1, 3)), "on": None}
        places = [endpoint for endpoint in CALLS if not where or endpoint in where]
        (on,) = dice.choices(places, [WEIGHTS[place] for place in places])
        return {"on": on, "calls": (self._next(on.value, CALLS[on]),), "times": 1}

    def _once(self, what: str, batches: range) -> dict[str, Any]:
        """Once, at a batch that no other fault of this sort has."""
        return {"share": 1.0, "times": 1, "spare_batches": self._next(what, batches)}

    def _next(self, what: str, places: Sequence[int]) -> int:
        left = self._left.setdefault(what, [])
        if not left:
            left += self._dice.sample(places, len(places))
        return left.pop()
