"""What was on trial, for the appendix of its report: enough to find it again, and no password."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from reports import Fact

HIDDEN = "***"
IN_A_URL = re.compile(r"(?<=://)([^\s/:@'\"]*):[^\s/@'\"]+@")
"""User and password of a URL, wherever it stands in a command."""
MOST_FILES = 8


def without_passwords(command: str) -> str:
    """A command as it was given; passwords of URLs in it are hidden."""
    return IN_A_URL.sub(rf"\1:{HIDDEN}@", command)


def without_password(given: str) -> str:
    """A sink or quarantine as it was given; the password of a URL is hidden."""
    address, mark, fragment = given.partition("#")
    if "://" not in address:
        return given
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        return without_passwords(given)
    hidden = {name: HIDDEN for name in url.query if "password" in name.lower()}
    if not hidden and url.password is None:
        return given
    told = url.update_query_dict(hidden).render_as_string(hide_password=True)
    return f"{told}{mark}{fragment}"


def facts_of(
    pipeline: str, sink: str, table: str | None, quarantine: str | None, schema: Path | None
) -> Iterator[Fact]:
    """The command and its digest, the files that it names, where its results go, and the schema.

    The digest of a command says little of the program that it starts; that of each file says what
    stood there when the trial began.
    """
    told = without_passwords(pipeline)
    yield Fact("pipeline", told)
    yield Fact("pipeline, SHA-256 of the command", hashlib.sha256(_bytes(told)).hexdigest())
    for word in _words(pipeline):
        if digest := _digest(Path(word)):
            yield Fact(f"pipeline, SHA-256 of {word}", digest)
    yield Fact("sink", f"{without_password(sink)}{f', table {table}' if table else ''}")
    if quarantine is not None:
        yield Fact("quarantine", without_password(quarantine))
    digest = "" if schema is None else _digest(schema)
    yield Fact("schema, SHA-256", digest or "none was given")


def _words(pipeline: str) -> list[str]:
    """The first words of a command that name files, each once; none of one that no shell reads."""
    try:
        words = shlex.split(pipeline)
    except ValueError:
        return []
    return [word for word in dict.fromkeys(words) if _is_file(word)][:MOST_FILES]


def _is_file(word: str) -> bool:
    try:
        return Path(word).is_file()
    except (OSError, ValueError):
        return False


def _digest(path: Path) -> str:
    """SHA-256 of a file; empty of one that cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
