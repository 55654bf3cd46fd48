"""Calm days over many seeds: not one alarm, and every row answered.

    python -m benchmarks.calm 1000 --workers 2

Each seed makes other rows, other ids, another canary slice and other answers of the simulated
model. It is played in the calm arm, with all controls, under the job type that ships for seeded
rows. An alarm on a good day, or a row kept back, is told with its seed; the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial

from reports import ArmName
from scenarios.harness.arms import judge_arm, play
from scenarios.harness.discovery import select
from scenarios.harness.drill import Drill
from scenarios.harness.game import DEFAULT_JOB, open_game
from scenarios.harness.tickets import tickets
from scenarios.harness.workers import Died, Workers
from scenarios.harness.world import Game

DRILL = "a_good_day_is_left_alone"
ROWS = 200
"""Few, so that a thousand seeds take minutes. The canary is as large as among a thousand."""


@cache
def shipped() -> Game:
    """The game of `gameday run`."""
    return open_game(None, DEFAULT_JOB, 0)


@cache
def good_day() -> Drill:
    """The drill of it."""
    return select([DRILL])[0]


def calm_day(seed: int, rows: int = ROWS) -> str:
    """What was wrong with a good day; empty if nothing was."""
    drill, day = good_day(), replace(shipped(), rowset=tickets(seed, rows), seed=seed)
    arm = judge_arm(drill, day, play(drill, day, ArmName.CALM))
    bad = [f"{found.check}: {found.says}" for found in arm.findings if found.outcome != "held"]
    return "; ".join([*arm.alarms, *bad, *([] if arm.held else [arm.ended])])


def false_alarms(seeds: range, rows: int, workers: int) -> Iterator[tuple[int, str]]:
    """The seeds whose calm day was not calm, with what was heard."""
    good_day(), shipped()  # before the workers are forked
    pool: Workers[int, str] = Workers(partial(calm_day, rows=rows), workers)
    for done, (seed, heard) in enumerate(pool.results(seeds), 1):
        if not done % 100:
            print(f"{done:,} days", file=sys.stderr, flush=True)
        if heard:
            yield seed, str(heard.how if isinstance(heard, Died) else heard)


def main() -> None:
    """Print every false alarm, and the count."""
    parser = argparse.ArgumentParser(description="calm days without an alarm")
    parser.add_argument("seeds", type=int, nargs="?", default=1_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds)
    count = 0
    for seed, heard in false_alarms(seeds, asked.rows, asked.workers):
        count += 1
        print(f"seed {seed}: {heard[:300]}", flush=True)
    print(
        f"{len(seeds):,} calm days of {asked.rows:,} rows, {count} with an alarm or a row missing"
    )
    sys.exit(1 if count else 0)


if __name__ == "__main__":
    main()
