"""A real PostgreSQL server for tests and benchmarks: started in a temporary folder, or named.

`GAMEDAY_POSTGRES` names a server that runs already, as a SQLAlchemy URL of a user who may create
databases and roles. Without it `initdb` and `postgres` are looked for on PATH and where Debian
puts them.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError

NAMED = "GAMEDAY_POSTGRES"
DEBIAN = Path("/usr/lib/postgresql")
USER = "gameday"
PATIENCE = 20.0
"""Seconds; a server answers after about one."""
HOW_TO_GET_ONE = (
    "There is no PostgreSQL server, so nothing was tried on one: apt-get install postgresql "
    f"(no service needs to run), or set {NAMED}=postgresql+psycopg://USER:PASSWORD@HOST/DATABASE."
)
_NUMBERS = count(1)


class NoServerError(Exception):
    """This machine has none; the text says how to get one."""


def _programs() -> Path:
    """The folder that holds `initdb` and `postgres`.

    Raises:
        NoServerError: there is none.
    """
    found = shutil.which("initdb")
    if found and Path(found).resolve().with_name("postgres").exists():
        return Path(found).resolve().parent
    newest = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not newest:
        raise NoServerError(HOW_TO_GET_ONE)
    return newest[-1].parent


def _as_whom() -> dict[str, Any]:
    """PostgreSQL refuses to be root: then it runs as the user that its package made."""
    if os.geteuid() != 0:
        return {}
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        raise NoServerError(HOW_TO_GET_ONE) from None
    return {"user": "postgres", "group": "postgres", "extra_groups": []}


@contextmanager
def server(*, durable: bool = False) -> Iterator[URL]:
    """The URL of a server's own database.

    Args:
        durable: a commit waits for the disk, as in production; tests need not.

    Raises:
        NoServerError: none is named, and the programs are not installed.
    """
    if named := os.environ.get(NAMED):
        yield make_url(named)
        return
    programs, whom = _programs(), _as_whom()
    folder = Path(tempfile.mkdtemp(prefix="gameday-postgres-"))
    try:
        if whom:
            shutil.chown(folder, whom["user"], whom["group"])
        subprocess.run(
            [
                *(programs / "initdb", "--pgdata", folder / "data", "--username", USER),
                *("--auth", "trust", "--encoding", "UTF8", "--locale", "C"),
                *("--no-sync", "--no-instructions"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **whom,
        )
        with _running(programs, folder, whom, durable=durable) as url:
            yield url
    finally:
        shutil.rmtree(folder)


@contextmanager
def _running(programs: Path, folder: Path, whom: dict[str, Any], *, durable: bool) -> Iterator[URL]:
    port = _free_port()
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(folder),
        "fsync": "on" if durable else "off",
        "log_min_messages": "fatal",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    # setpriv: should this process be killed, the kernel stops the server too
    guarded = ["setpriv", "--pdeathsig", "INT", "--"] if shutil.which("setpriv") else []
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*guarded, programs / "postgres", "-D", folder / "data", *options],
            stdout=log,
            stderr=log,
            cwd=folder,
            **whom,
        )
    url = URL.create("postgresql+psycopg", USER, host="127.0.0.1", port=port, database="postgres")
    try:
        _wait_for(url, process, folder / "log")
        yield url
    finally:
        process.send_signal(2)  # SIGINT, PostgreSQL's "fast" shutdown
        process.wait(PATIENCE)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: URL, process: subprocess.Popen[bytes], log: Path) -> None:
    engine = create_engine(url)
    deadline = time.monotonic() + PATIENCE
    try:
        while True:
            try:
                engine.connect().close()
            except OperationalError:
                said = log.read_text("utf-8", "replace")
                assert process.poll() is None, f"PostgreSQL has ended: {said}"
                assert time.monotonic() < deadline, f"PostgreSQL does not answer: {said}"
                time.sleep(0.02)
            else:
                return
    finally:
        engine.dispose()


@contextmanager
def database(at: URL) -> Iterator[str]:
    """The URL of a new, empty database, dropped at the end."""
    name = f"gameday_{os.getpid()}_{next(_NUMBERS)}"
    engine = create_engine(at, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        try:
            yield at.set(database=name).render_as_string(hide_password=False)
        finally:
            with engine.connect() as connection:
                connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        engine.dispose()


@contextmanager
def server_for_tests() -> Iterator[URL]:
    """A server, or a loud reason; in CI a missing server is a failure."""
    try:
        _ = os.environ.get(NAMED) or (_programs(), _as_whom())
    except NoServerError as error:
        if "CI" in os.environ:
            pytest.fail(str(error))
        pytest.skip(str(error))
    with server() as url:
        yield url
