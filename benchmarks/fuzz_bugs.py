"""`python -m benchmarks.fuzz_bugs [--smoke]`: how surely `gameday fuzz` finds bugs in which three
things have to meet, how soon, and how small the plan is that is left.

Each bug of `tests/scenarios/fuzz/planted.py` is looked for from the seeds 0, 1, 2 and so on, none
of them picked. Time is that of the clock on the wall, with two workers that play and shrink as
they do for the command; the first plan that breaks something ends the search. The start of the
command, about a second, is not in it.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from statistics import median

from benchmarks.jobs import tell
from scenarios.harness.fuzz.ahead import shrunk
from scenarios.harness.fuzz.campaign import Failure, Part, to_shrink, warm_up
from scenarios.harness.fuzz.spread import Cores
from scenarios.harness.fuzz.theatre import Mutation
from scenarios.harness.game import open_game
from scenarios.harness.workers import Died
from scenarios.harness.world import Game
from tests.scenarios.fuzz.planted import BUGS

SEEDS, SMOKE = 4, 1
"""From so many seeds each bug is hunted."""
WORKERS = 2
MOST_PLANS, SMOKE_PLANS = 300, 20
SECONDS, PARTS = 10.0, 3
"""Targets: found and shrunk in so many seconds on two cores, to so many parts."""


@dataclass(frozen=True, slots=True)
class Hunt:
    """What came of looking for one bug from one seed."""

    plans: int
    """Played until the first that broke something; 0: none of them did."""
    finding: float = 0.0
    """Seconds."""
    shrinking: float = 0.0
    parts: int = 0
    attempts: int = 0
    invariant: str = ""

    @property
    def seconds(self) -> float:
        """Until the small plan is there."""
        return self.finding + self.shrinking

    @property
    def succeeds(self) -> bool:
        """It was found, soon enough and small enough."""
        return self.plans > 0 and self.seconds < SECONDS and self.parts <= PARTS


def hunt(name: str, seed: int, game: Game, most: int) -> Hunt:
    """Play plans of a seed until the bug shows or time is up, then shrink the first that broke."""
    bug, began = BUGS[name], time.perf_counter()
    first = _first_failure(seed, game, most, bug)
    found = time.perf_counter()
    if first is None:
        return Hunt(0, found - began)
    ((_, small),) = shrunk(Cores(WORKERS), to_shrink(game, seed, [first], bug))
    if isinstance(small, Died):
        sys.exit(f"a worker {small.how}")
    shrinking = time.perf_counter() - found
    return Hunt(
        *(first.number + 1, found - began, shrinking),
        *(small.plan.parts, small.attempts, small.invariant),
    )


def _first_failure(seed: int, game: Game, most: int, bug: Mutation) -> Failure | None:
    """The failure of the lowest number, once all plans before it were played."""
    began, failures, played = time.perf_counter(), list[Failure](), set[int]()
    plans = [Part(game, seed, range(number, number + 1), bug) for number in range(most)]
    with closing(Cores(WORKERS)(Part.play, plans)) as results:
        for part, tally in results:
            if isinstance(tally, Died):
                sys.exit(f"a worker {tally.how}")
            played.add(part.numbers[0])
            failures = sorted([*failures, *tally.failures], key=lambda one: one.number)
            if failures and played.issuperset(range(failures[0].number)):
                return failures[0]
            if time.perf_counter() - began > SECONDS:
                break
    return None


def main() -> int:
    """Hunt every bug from every seed and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz_bugs", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small sizes: does it run?")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + (SMOKE if asked.smoke else asked.seeds))
    game, most = open_game(None, None, 0), SMOKE_PLANS if asked.smoke else MOST_PLANS
    warm_up(game)
    hunts = {name: [hunt(name, seed, game, most) for seed in seeds] for name in BUGS}
    for name, some in hunts.items():
        _tell(name, some)
    every = [one for some in hunts.values() for one in some]
    _tell("all of them", every)
    return 0


def _tell(name: str, hunts: list[Hunt]) -> None:
    found = [one for one in hunts if one.plans]
    share = sum(one.succeeds for one in hunts) / len(hunts)
    tell(name, f"{share:.0%} of {len(hunts)} seeds", "100%", met=share == 1)
    if found:
        plans, shrinking = [one.plans for one in found], [one.shrinking for one in found]
        print(
            f"{'':<8}found by {len(found)}: after {median(plans):g} plans (at most {max(plans)}), "
            f"in {median(one.seconds for one in found):.1f} s "
            f"(at most {max(one.seconds for one in found):.1f} s); shrunk in "
            f"{median(shrinking):.1f} s (at most {max(shrinking):.1f} s) and "
            f"{median(one.attempts for one in found):g} attempts to "
            f"{', '.join(map(str, sorted({one.parts for one in found})))} parts; "
            f"{', '.join(sorted({one.invariant for one in found}))}",
        )


if __name__ == "__main__":
    sys.exit(main())
