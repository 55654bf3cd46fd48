"""`gameday serve` and the official SDK over a real socket."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest

HOME = Path(__file__).parents[2]
LINE = "gameday: serving the Message Batches API on "


def serve(*arguments: str) -> subprocess.Popen[str]:
    """Start the server as a user does."""
    return subprocess.Popen(
        [sys.executable, "-m", "scenarios.harness.cli", "serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=HOME,
        env=os.environ | {"PYTHONPATH": str(HOME)},
    )


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A served API on a free port, stopped by SIGTERM at the end."""
    with serve("--port", "0") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith(LINE), line
        yield line.removeprefix(LINE).strip()
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(timeout=10)


def requests(count: int) -> list[Any]:
    """So many requests for the echo model."""
    return [
        {
            "custom_id": f"row-{number}",
            "params": {
                "model": "claude-haiku-5-5",
                "max_tokens": 64,
                "messages": [{"role": "user", "content": f"Hello {number}"}],
            },
        }
        for number in range(count)
    ]


def test_250_requests_from_create_to_delete(url: str) -> None:
    """The synchronous client: create, poll, results, list, cancel, delete."""
    with anthropic.Anthropic(api_key="sync", base_url=url) as client:
        batches = client.messages.batches
        made = batches.create(requests=requests(250))
        polls = 0
        while batches.retrieve(made.id).processing_status != "ended":
            polls += 1
            assert polls < 50
        answers = {line.custom_id: line.result for line in batches.results(made.id)}
        other = batches.create(requests=requests(1))
        canceled = batches.cancel(other.id)
        listed = [batch.id for batch in batches.list(limit=1)]

        assert {f"row-{number}" for number in range(250)} == set(answers)
        assert all(result.type == "succeeded" for result in answers.values())
        assert "canceling" == canceled.processing_status
        assert [other.id, made.id] == listed
        assert "message_batch_deleted" == batches.delete(made.id).type
        with pytest.raises(anthropic.NotFoundError):
            batches.retrieve(made.id)


def test_250_requests_with_the_asynchronous_client(url: str) -> None:
    """The asynchronous client finds the same service; keys do not see each other's batches."""

    async def drive() -> tuple[set[str], list[str], str]:
        async with anthropic.AsyncAnthropic(api_key="async", base_url=url) as client:
            batches = client.messages.batches
            made = await batches.create(requests=requests(250))
            while (await batches.retrieve(made.id)).processing_status != "ended":
                pass
            found = {line.custom_id async for line in await batches.results(made.id)}
            listed = [batch.id async for batch in batches.list()]
            other = await batches.create(requests=requests(1))
            assert "canceling" == (await batches.cancel(other.id)).processing_status
            deleted = await batches.delete(made.id)
            assert made.id == deleted.id
            return found, listed, made.id

    found, listed, made = asyncio.run(drive())

    assert {f"row-{number}" for number in range(250)} == found
    assert [made] == listed


def test_a_port_in_use_is_one_clear_message() -> None:
    """Exit code 2, and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with serve("--port", str(port)) as process:
            _, complaint = process.communicate(timeout=20)

    assert 2 == process.returncode
    assert f"Port {port} on 127.0.0.1 is in use." in complaint
    assert 1 == len(complaint.strip().splitlines())
