"""A project that is not ours: an empty folder, and pytest in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

HOME = Path(__file__).parents[2]

TEN_LINES = """
    def test_ten_lines(batches_api):
        batches = batches_api.client().messages.batches
        hello = {"model": "claude-haiku-4-5", "max_tokens": 9,
                 "messages": [{"role": "user", "content": "Hello"}]}
        batch = batches.create(requests=[{"custom_id": "row-1", "params": hello}])
        while batches.retrieve(batch.id).processing_status != "ended":
            pass
        (row,) = batches.results(batch.id)
        assert row.result.type == "succeeded"
        batches_api.assert_no_row_paid_twice()
"""
PIPELINE = """
    import time

    import anthropic


    def main(texts):
        client = anthropic.Anthropic()
        batch = client.messages.batches.create(requests=[
            {"custom_id": f"row-{number}", "params": {
                "model": "claude-haiku-4-5", "max_tokens": 9,
                "messages": [{"role": "user", "content": text}]}}
            for number, text in enumerate(texts)
        ])
        while client.messages.batches.retrieve(batch.id).processing_status != "ended":
            time.sleep(60)
        return {row.custom_id: row.result.type for row in client.messages.batches.results(batch.id)}
"""

INTERCEPTED = """
    import os

    import anthropic
    import pytest

    import pipeline


    def test_unmodified(intercepted_api):
        assert pipeline.main(["a", "b"]) == {"row-0": "succeeded", "row-1": "succeeded"}
        intercepted_api.assert_sent(2)
        intercepted_api.assert_every_batch_ended()
        intercepted_api.assert_every_result_read()


    def test_without_the_fixture():
        from simulator.intercept import intercepted

        with intercepted(seed=3) as batches_api:
            pipeline.main(["a"])
        batches_api.assert_sent(1)
        assert os.environ["ANTHROPIC_API_KEY"] == "sk-ant-of-the-developer"


    def test_nothing_leaks(batches_api):
        found = {name for name in os.environ if name.startswith("ANTHROPIC_")}
        assert found == {"ANTHROPIC_API_KEY"}
        assert os.environ["ANTHROPIC_API_KEY"] == batches_api.api_key
        assert batches_api.url == os.environ["ANTHROPIC_BASE_URL"]
        assert [] == list(anthropic.Anthropic().messages.batches.list())


    def test_an_unmatched_call_teaches(intercepted_api):
        with pytest.raises(anthropic.NotFoundError, match="part 2 of the path is 'message'"):
            anthropic.Anthropic().get("/v1/message/batches", cast_to=object)
        with pytest.raises(AssertionError, match="1 calls met no route"):
            intercepted_api.assert_no_unmatched_call()


    def test_the_real_service_is_out_of_reach(batches_api):
        with pytest.raises(anthropic.APIConnectionError) as failed:
            anthropic.Anthropic(max_retries=0).messages.batches.list()
        assert "intercepted_api" in str(failed.value.__cause__)


    def test_everything_is_back():
        assert os.environ["ANTHROPIC_BASE_URL"] == "http://leak.invalid"
"""
ASYNC = """
    import anthropic
    import pytest

    HELLO = {"model": "claude-haiku-4-5", "max_tokens": 9,
             "messages": [{"role": "user", "content": "Hello"}]}


    async def lifecycle(client):
        batches = client.messages.batches
        made = await batches.create(requests=[{"custom_id": "row-1", "params": HELLO}])
        while (await batches.retrieve(made.id)).processing_status != "ended":
            pass
        return [row.result.type async for row in await batches.results(made.id)]


    @pytest.mark.MARK
    async def test_in_process(batches_api):
        assert ["succeeded"] == await lifecycle(batches_api.async_client())


    @pytest.mark.MARK
    async def test_intercepted(intercepted_api):
        async with anthropic.AsyncAnthropic() as client:
            assert ["succeeded"] == await lifecycle(client)
        intercepted_api.assert_sent(1)


    @pytest.mark.MARK
    async def test_over_a_socket(batches_api):
        async with anthropic.AsyncAnthropic(base_url=batches_api.url) as client:
            assert ["succeeded"] == await lifecycle(client)
"""
ON_ASYNCIO = """
    import pytest


    @pytest.fixture
    def anyio_backend():
        return "asyncio"
"""
"""What makes anyio the runner of asynchronous tests."""
LEAKS = {
    "ANTHROPIC_API_KEY": "sk-ant-of-the-developer",
    "ANTHROPIC_BASE_URL": "http://leak.invalid",
    "ANTHROPIC_CUSTOM_HEADERS": "x-leak: yes",
    "ANTHROPIC_AUTH_TOKEN": "leak",
}
"""A developer's environment, of which nothing may arrive."""


def write(folder: Path, **files: str) -> None:
    """So many Python files."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(dedent(text), "utf-8")


def pytest_in(
    folder: Path, *arguments: str, python: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run pytest there. `python`: an environment where the project is installed; else this one,
    without the plugins that only its developers have."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANTHROPIC_", "PYTEST_", "PYTHON"))
    }
    ours = {} if python else {"PYTHONPATH": str(HOME), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    plugin = () if python else ("-p", "gameday_pytest")
    return subprocess.run(
        [python or sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *plugin, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        env=kept | ours | variables,
    )


def counts(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """What the last line says: {"passed": 3}."""
    lines = done.stdout.strip().splitlines() or [done.stderr]
    found = re.findall(r"(\d+) (passed|failed|errors?|skipped|warnings?)", lines[-1])
    return {word: int(number) for number, word in found}


def assert_passed(done: subprocess.CompletedProcess[str], passed: int) -> None:
    """All of them, without a warning."""
    assert counts(done) == {"passed": passed}, done.stdout + done.stderr
