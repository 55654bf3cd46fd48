"""A campaign on a Dask cluster: the same tasks, played by its workers.

The extra `dask` brings what it needs; every worker of the cluster needs the same version of this
package.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from scenarios.harness.errors import UsageError
from scenarios.harness.fuzz.spread import Spread

ANSWERS_WITHIN = "10s"


def on_cluster(address: str) -> Spread:
    """What spreads tasks over the workers of the scheduler at this address.

    Raises:
        UsageError: Dask is not installed here, or nothing answers there.
    """
    with _connected(address) as client:
        _check_workers(client)

    def spread(
        work: Callable[[Any], Any], tasks: Sequence[Any]
    ) -> Generator[tuple[Any, Any], None, None]:
        with _connected(address) as client:
            yield from _results(client, work, tasks)

    return spread


def _connected(address: str) -> Any:
    """A client of the scheduler, to be closed by whoever enters it."""
    try:
        from distributed import Client  # noqa: PLC0415 - an extra
    except ImportError:
        raise UsageError(
            "Dask is not installed.", fix="Install 'batch-gameday[dask]', or use --workers N."
        ) from None
    try:
        return Client(address, timeout=ANSWERS_WITHIN, set_as_default=False)  # type: ignore[no-untyped-call] # Dask
    except (OSError, ValueError, ImportError) as error:
        raise UsageError(
            f"No Dask scheduler answers at {address!r}: {type(error).__name__}.",
            fix="Give the address that `dask scheduler` prints, such as tcp://HOST:8786.",
        ) from None


def _results(
    client: Any, work: Callable[[Any], Any], tasks: Sequence[Any]
) -> Generator[tuple[Any, Any], None, None]:
    """The rows go to the workers once; what a task adds to them is a few numbers."""
    from distributed import as_completed  # noqa: PLC0415 - an extra

    game = client.scatter(tasks[0].game, broadcast=True, hash=False)
    futures = {
        client.submit(_work, work, replace(task, game=None), game, pure=False): task
        for task in tasks
    }
    for done in as_completed(futures, loop=client.loop):  # type: ignore[no-untyped-call] # Dask
        yield futures[done], done.result()


def _work(work: Callable[[Any], Any], task: Any, game: Any) -> Any:
    """One task, on a worker."""
    return work(replace(task, game=game))


def _version() -> str:
    return version("batch-gameday")


def _check_workers(client: Any) -> None:
    """Another version draws other plans.

    Raises:
        UsageError: there is no worker, or one has another version, or none.
    """
    mine = _version()
    try:
        theirs = client.run(_version)
    except Exception as error:  # noqa: BLE001 - whatever a worker lacks, it is told by its name
        raise UsageError(
            f"The workers cannot run gameday: {type(error).__name__}.",
            fix=f"Install batch-gameday {mine} where they run.",
        ) from None
    if not theirs:
        raise UsageError(
            "The scheduler has no worker.", fix="Start one: dask worker SCHEDULER-ADDRESS."
        )
    others = sorted({name for name in theirs.values() if name != mine})
    if others:
        raise UsageError(
            f"A worker has batch-gameday {others[0]}, this is {mine}.",
            fix="Install the same version on all of them.",
        )
