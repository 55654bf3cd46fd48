"""The official SDKs, each in an environment of its own: create to delete, without special cases."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from simulator.testing import opened
from tests.sdk.environments import HOME, LINES, python_of, run, typescript

pytestmark = [pytest.mark.sdk_lines, pytest.mark.timeout(420)]
CHECK = Path(__file__).with_name("lifecycle_check.py")


def outcome(*command: str, **variables: str) -> str:
    """What a check prints; if it fails, what it complains of."""
    try:
        return run(*command, **variables)
    except subprocess.CalledProcessError as failed:
        pytest.fail(failed.stderr.decode()[-3000:], pytrace=False)


@pytest.mark.parametrize("line", LINES)
def test_this_line_runs_a_batch_over_a_socket(line: str) -> None:
    """Sync and async: create, poll, results, list, cancel, delete."""
    python = str(python_of(line))
    with opened() as handle:
        printed = outcome(python, str(CHECK), handle.url)

    assert {"sdk": line, "rows": 25} == json.loads(printed)


@pytest.mark.parametrize("line", LINES)
def test_this_line_is_intercepted_without_a_word_from_its_caller(line: str) -> None:
    """`anthropic.Anthropic()` and the async client, sync and async faults included."""
    printed = outcome(str(python_of(line)), str(CHECK), "--intercept", PYTHONPATH=str(HOME))

    assert {"sdk": line, "rows": 25} == json.loads(printed)


def test_the_typescript_sdk_runs_a_batch() -> None:
    """The same from Node, whose iterator has a decoder of its own."""
    folder = typescript()

    with opened() as handle:
        check = str(CHECK.with_suffix(".mjs"))
        printed = outcome("node", check, handle.url, str(folder))

    assert {"rows": 25} == json.loads(printed)
