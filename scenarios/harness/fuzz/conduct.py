"""Conducting a campaign: plans, progress, shrinking and reports, and an orderly end in any case."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from typing import TypeVar

from scenarios.harness.fuzz.ahead import shrunk
from scenarios.harness.fuzz.campaign import Part, Shrunk, Tally, parts, to_shrink, warm_up
from scenarios.harness.fuzz.outcome import Result
from scenarios.harness.fuzz.spread import Cores, Spread
from scenarios.harness.interruption import Interrupted, Interruptions
from scenarios.harness.voice import voice
from scenarios.harness.workers import Died
from scenarios.harness.world import Game

T = TypeVar("T")
LINES = 10
"""So many lines tell how far it is, where there is no terminal."""


def conduct(
    game: Game, seed: int, plans: int, spread: Spread, interruptions: Interruptions
) -> Result:
    """All plans, and the smallest plan for each failure.

    Raises:
        Interrupted: a signal came.
    """
    tally = Tally()
    try:
        if isinstance(spread, Cores):
            with interruptions.welcome():
                warm_up(game)
        with _telling(plans) as told:
            tasks = parts(game, seed, plans)
            for task, done in _done(spread(Part.play, tasks), interruptions):
                tally.add(done if isinstance(done, Tally) else _died(task, done))
                told(tally)
        shrinking = to_shrink(game, seed, tally.failures)
        results = [
            done
            for _, done in _done(shrunk(spread, shrinking), interruptions)
            if isinstance(done, Shrunk)
        ]
    except Interrupted as stop:
        says = f"interrupted after {tally.plans:,} of {plans:,} plans"
        says += f", of which {len(tally.failures):,} broke something"
        raise Interrupted(stop.sign, says) from None
    return Result(game, seed, tally, tuple(sorted(results, key=lambda one: one.number)))


def _died(part: Part, died: Died) -> Tally:
    """The plans of a process that is gone."""
    first, last = part.numbers[0], part.numbers[-1]
    problem = f"the process that played plans {first} to {last} {died.how}"
    return Tally(plans=len(part.numbers), problems=dict.fromkeys(part.numbers, problem))


def _done(results: Generator[T, None, None], interruptions: Interruptions) -> Iterator[T]:
    """What came of each task, in any order."""
    with closing(results):
        yield from interruptions.between(results)


@contextmanager
def _telling(plans: int) -> Iterator[Callable[[Tally], None]]:
    """Show on stderr how far it is: a bar on a terminal, some lines elsewhere."""
    if not voice().shows_bar:
        yield _nothing if voice().quiet else _lines(plans)
        return
    from rich.progress import Progress  # noqa: PLC0415 - only for people

    # Without a thread that refreshes it: workers are forked while it is shown.
    with Progress(console=voice().console(), transient=True, auto_refresh=False) as bar:
        task = bar.add_task("plans", total=plans)

        def told(tally: Tally) -> None:
            said = f"{len(tally.failures)} broke" if tally.failures else "plans"
            bar.update(task, completed=tally.plans, description=said, refresh=True)

        yield told


def _nothing(_tally: Tally) -> None:
    """Nobody wants to hear."""


def _lines(plans: int) -> Callable[[Tally], None]:
    said = 0

    def told(tally: Tally) -> None:
        nonlocal said
        if tally.plans * LINES >= (said + 1) * plans:
            said = tally.plans * LINES // plans
            broke = f", {len(tally.failures):,} broke something" if tally.failures else ""
            sys.stderr.write(f"gameday: {tally.plans:,}/{plans:,} plans{broke}\n")
            sys.stderr.flush()

    return told
