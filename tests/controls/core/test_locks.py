"""Locks between workers that share a store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine

from controls import open_store
from controls.core.locks import Locks

HOLDER = """
import sys
from controls import open_store
from controls.core.locks import Locks

with Locks(open_store(sys.argv[1])).attempt("job 1") as held:
    print("held" if held else "taken", flush=True)
    sys.stdin.read()
"""


def a_holder(url: str) -> subprocess.Popen[str]:
    """Another process that takes the lock, says so, and keeps it until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> str:
    """Its next line."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def is_free(engine: Engine, name: str) -> bool:
    """Whether the lock can be taken now."""
    with Locks(engine).attempt(name) as held:
        return held


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///{folder}/store.db"])
def test_a_name_has_one_holder(url: str, tmp_path: Path) -> None:
    """Two workers of one process: the second waits; another name is another lock."""
    engine = open_store(url.format(folder=tmp_path))
    one, two = Locks(engine), Locks(engine)

    with one.attempt("a") as first, two.attempt("a") as second, two.attempt("b") as other:
        assert (True, False, True) == (first, second, other)
        assert not is_free(engine, "a")
    assert is_free(engine, "a")
    engine.dispose()


def test_stores_do_not_share_locks(tmp_path: Path) -> None:
    """The same name in another file, or in another memory, is another lock."""
    engines = [
        open_store(url)
        for url in ("sqlite://", "sqlite://", *(f"sqlite:///{tmp_path}/{x}.db" for x in "ab"))
    ]
    with Locks(engines[0]).attempt("a"), Locks(engines[2]).attempt("a"):
        assert [False, True, False, True] == [is_free(engine, "a") for engine in engines]
    for engine in engines:
        engine.dispose()


def test_a_lock_is_free_again_when_its_body_fails() -> None:
    """Whatever it raises."""
    engine = open_store("sqlite://")

    with pytest.raises(KeyboardInterrupt), Locks(engine).hold("a", lambda: None):
        raise KeyboardInterrupt

    assert is_free(engine, "a")


def test_who_waits_for_a_lock_gets_it_when_it_is_given_back() -> None:
    """`pause` is called between attempts."""
    engine = open_store("sqlite://")
    other = Locks(engine)
    held = other.attempt("a")
    held.__enter__()
    pauses: list[int] = []

    def pause() -> None:
        pauses.append(1)
        if len(pauses) == 3:
            held.__exit__(None, None, None)

    with Locks(engine).hold("a", pause):
        assert 3 == len(pauses)
        assert not is_free(engine, "a")


def test_two_processes_share_the_locks_of_a_file(tmp_path: Path) -> None:
    """What another process holds is taken; when it ends in order, it is free."""
    url = f"sqlite:///{tmp_path}/store.db"
    engine = open_store(url)
    other = a_holder(url)

    assert "held" == said(other)
    assert not is_free(engine, "job 1")
    assert is_free(engine, "job 2")
    other.communicate("")
    assert is_free(engine, "job 1")
    with Locks(engine).attempt("job 1"):
        third = a_holder(url)
        assert "taken" == said(third)
        third.communicate("")
    engine.dispose()


def test_a_killed_process_gives_its_locks_back(tmp_path: Path) -> None:
    """`kill -9` while it holds one: the next attempt succeeds."""
    url = f"sqlite:///{tmp_path}/store.db"
    engine = open_store(url)
    other = a_holder(url)

    assert "held" == said(other)
    assert not is_free(engine, "job 1")
    other.kill()
    other.communicate()
    assert is_free(engine, "job 1")
    engine.dispose()
