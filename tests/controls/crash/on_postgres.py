"""The same sweep on a real PostgreSQL server, whose databases cannot be copied with the process.

So every killed job begins anew in a database of its own: what a fork saves is lived again. A dead
worker's connections are cut by the server, with whatever was not committed, and its locks go.
"""

from __future__ import annotations

import gc
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

from tests import postgres
from tests.controls.crash.forks import Outcome
from tests.controls.crash.scene import Plot, Scene
from tests.controls.crash.steps import Cut, Life, copies_told
from tests.controls.crash.sweep import First, Second, Sweep, first_kills, live, wanted

CUT_OFF = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name "
    "AND pid <> pg_backend_pid()"
)


@contextmanager
def a_scene(server: URL, plot: Plot) -> Iterator[Scene]:
    """A plot in a new database."""
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with postgres.database(server) as url, copies_told():
        scene = Scene(plot, url=url)

        def bury() -> None:
            with admin.connect() as connection:
                connection.execute(CUT_OFF, {"name": make_url(url).database})
            scene.store.dispose()
            scene.record.engine.dispose()

        scene.bury = bury
        try:
            yield scene
        finally:
            bury()
            admin.dispose()
            gc.collect()


def sweep_on(
    server: URL, plot: Plot, first: First, second: Second, covered: set[Hashable]
) -> Sweep:
    """One job for each of the kills that are wanted, and one for each of the second kills."""
    with a_scene(server, plot) as scene:
        clean = live(scene, Life(), [])
    kills = first_kills(plot, clean.steps, first, covered)
    once = [_after(server, plot, cut) for cut in kills]
    pairs = wanted(plot, clean.steps, once, second, covered)
    twice = [_after(server, plot, one, other) for one in pairs for other in sorted(pairs[one])]
    broken = [clean] if clean.wrong else []
    return Sweep(plot, tuple(clean.steps), (*once, *twice, *broken))


def _after(server: URL, plot: Plot, *cuts: Cut) -> Outcome:
    """What becomes of a job after these kills."""
    with a_scene(server, plot) as scene:
        for cut in cuts:
            _killed(scene, cut)
        return live(scene, Life(), cuts)


def _killed(scene: Scene, cut: Cut) -> None:
    ended = scene.live(Life(cut))
    assert ended is None, f"{cut} was never reached: {ended}"
