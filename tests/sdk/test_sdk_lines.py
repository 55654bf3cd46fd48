"""The official SDKs, each in an environment of its own: create to delete, without special cases."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from simulator.testing import opened
from tests.plugin.strangers import (
    ASYNC,
    INTERCEPTED,
    LEAKS,
    ON_ASYNCIO,
    PIPELINE,
    TEN_LINES,
    assert_passed,
    pytest_in,
    write,
)
from tests.sdk.environments import (
    LINES,
    RUNNER_LINES,
    project_beside,
    run,
    typescript,
)

pytestmark = [pytest.mark.sdk_lines, pytest.mark.timeout(420)]
CHECK = Path(__file__).with_name("lifecycle_check.py")
RUNNER = Path(__file__).with_name("runner_check.py")


def outcome(*command: str, **variables: str) -> str:
    """What a check prints; if it fails, what it complains of."""
    try:
        return run(*command, **variables)
    except subprocess.CalledProcessError as failed:
        pytest.fail(failed.stderr.decode()[-3000:], pytrace=False)


@pytest.mark.parametrize("line", LINES)
def test_this_line_runs_a_batch_over_a_socket_and_is_intercepted(line: str) -> None:
    """Sync and async: create, poll, results, list, cancel, delete; then `anthropic.Anthropic()`
    without a word from its caller, and the async client, sync and async faults included."""
    python = str(project_beside(line))
    with opened() as handle:
        ways = (handle.url, "--intercept")
        printed = outcome(python, str(CHECK), *ways)

    told = [json.loads(each) for each in printed.splitlines()]
    assert [{"sdk": line, "rows": 25, "way": way} for way in ways] == told


@pytest.mark.parametrize("line", LINES)
def test_the_project_is_installed_beside_this_line_and_its_fixtures_work(
    line: str, tmp_path: Path
) -> None:
    """By pip, without a conflict; then a stranger's tests: in process, intercepted, over a socket,
    sync and async."""
    python = str(project_beside(line))
    write(tmp_path, test_ten=TEN_LINES, pipeline=PIPELINE, test_intercepted=INTERCEPTED)
    write(tmp_path, test_async=ASYNC.replace("MARK", "anyio"), conftest=ON_ASYNCIO)

    done = pytest_in(tmp_path, "-q", "--strict-markers", "-W", "error", python=python, **LEAKS)

    assert_passed(done, 10)


@pytest.mark.parametrize("line", RUNNER_LINES)
def test_the_controls_take_a_job_through_with_this_line(line: str) -> None:
    """From rows to promoted rows, through a lost reply, an overload and a broken download."""
    printed = outcome(str(project_beside(line)), str(RUNNER))

    assert {"sdk": line, "promoted": 39} == json.loads(printed)


def test_the_controls_say_which_client_they_need() -> None:
    """Before anything is sent, in one sentence."""
    with pytest.raises(pytest.fail.Exception) as refused:
        outcome(str(project_beside(LINES[0])), str(RUNNER))

    assert (
        "ControlError: anthropic 0.49.0 cannot send a body that is ready-made. "
        "Install anthropic 0.76.0 or newer"
    ) in str(refused.value)


def test_the_typescript_sdk_runs_a_batch() -> None:
    """The same from Node, whose iterator has a decoder of its own."""
    folder = typescript()

    with opened() as handle:
        check = str(CHECK.with_suffix(".mjs"))
        printed = outcome("node", check, handle.url, str(folder))

    assert {"rows": 25} == json.loads(printed)
