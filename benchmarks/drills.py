"""`python -m benchmarks.drills [--smoke] [DRILL ...]`: how long one drill takes after imports.

Every drill is run alone, as `gameday run DRILL` runs it: three arms on the cores of this machine,
the calm arm not shared with other drills. What a process does once - compile the statements of the
store, make the client's first call - counts as starting, like imports: one drill is played before
any is timed. How much longer the first drill of a process takes is printed too.
Beside the seconds stands how often the official client could have looked at a batch in that time,
which differs less from machine to machine.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from functools import partial
from statistics import median

from benchmarks.__main__ import seconds
from controls.canary import bounds
from reports import Verdict
from scenarios.harness.arms import applies
from scenarios.harness.client import Wire, make_client
from scenarios.harness.discovery import all_drills, select
from scenarios.harness.drill import Drill
from scenarios.harness.game import open_game, plan, start
from scenarios.harness.world import Game
from simulator import Api

ONE_DRILL, DAY_THAT_EXPIRES = 0.3, 0.1
"""Targets, in seconds."""
EXPIRY = "expired_rows_are_resent"
RUNS, LOOKS = 3, 100
SHOWN = 12
"""Of the drills that take longest."""


def _alone(drill: Drill, game: Game, workers: int) -> None:
    planned = plan([drill], game)
    (report,) = start(planned, game, workers)
    if report.verdict is not Verdict.PASS:
        raise SystemExit(f"{drill.name} did not pass, so its time says nothing.")


def a_look(seed: int) -> float:
    """Seconds that the official client takes to look at a batch of the simulated service."""
    client = make_client(Wire(Api(seed=seed)))
    message = {"role": "user", "content": "Good morning"}
    params = {"model": "claude-haiku-4-5", "max_tokens": 8, "messages": [message]}
    batch = client.post(
        "/v1/messages/batches",
        cast_to=object,
        body={"requests": [{"custom_id": "one", "params": params}]},
    )
    identifier = str(batch["id"]) if isinstance(batch, dict) else ""

    def look() -> None:
        for _ in range(LOOKS):
            client.messages.batches.retrieve(identifier)

    return seconds(look, RUNS) / LOOKS


def measured(drills: Sequence[Drill], game: Game, workers: int, runs: int) -> dict[str, float]:
    """Seconds by drill.

    Raises:
        SystemExit: one did not pass, so its time says nothing.
    """
    taken = {}
    for drill in drills:
        if applies(drill, game) is not None:
            continue
        taken[drill.name] = seconds(partial(_alone, drill, game, workers), runs)
    return taken


def main() -> None:
    """Print the longest drills, how many stay within their time, and the day that expires."""
    parser = argparse.ArgumentParser(description="seconds per drill")
    parser.add_argument("drills", nargs="*", help="by name; all that are not slow by default")
    parser.add_argument("--smoke", action="store_true", help="two drills, once")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    game = open_game(None, None, seed=0)
    bounds(1, 2, 0.95)  # imports what a graded canary needs
    names = [EXPIRY, "swapped_answers_are_caught"] if asked.smoke else asked.drills
    drills = select(names) if names else [drill for drill in all_drills() if not drill.slow]
    runs = 1 if asked.smoke else RUNS
    day = select([EXPIRY])
    first = measured(day, game, asked.workers, runs)
    for drill in day:
        _alone(drill, game, workers=1)
    taken = measured(drills, game, asked.workers, runs)
    look = a_look(game.seed)
    for name, took in sorted(taken.items(), key=lambda item: -item[1])[:SHOWN]:
        print(f"{took:7.3f} s  {took / look:7,.0f} looks  {name}")
    within = sum(took <= ONE_DRILL for took in taken.values())
    print(
        f"{within} of {len(taken)} drills take {ONE_DRILL} s at most; the median takes "
        f"{median(taken.values()):.3f} s. A look takes {look * 1000:.2f} ms."
    )
    if EXPIRY in taken:
        print(
            f"A day that expires: {taken[EXPIRY]:.3f} s (target {DAY_THAT_EXPIRES}), "
            f"{taken[EXPIRY] / look:,.0f} looks; {first[EXPIRY]:.3f} s as the first of a process."
        )


if __name__ == "__main__":
    main()
