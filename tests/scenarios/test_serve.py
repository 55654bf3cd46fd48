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

from reports import verify_journal
from scenarios.harness.serving import parser

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


def complaint(*arguments: str) -> str:
    """What a refused command says: one line on stderr, exit code 2, nothing on stdout."""
    with serve(*arguments) as process:
        said, complained = process.communicate(timeout=20)

    assert (2, "") == (process.returncode, said)
    assert 1 == len(complained.strip().splitlines()), complained
    return complained


def test_a_port_in_use_is_one_clear_message() -> None:
    """Exit code 2, and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        says = complaint("--port", str(port))

    assert f"Port {port} on 127.0.0.1 is in use." in says


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--port", "65536"], "'65536' is not a number from 0 to 65535"),
        (["--port", "-1"], "'-1' is not a number"),
        (["--clock", "sundial"], "invalid choice: 'sundial'"),
        (["--prot", "0"], "unrecognized arguments: --prot 0"),
        (["--clock", "real", "--speed", "0"], "speed"),
        (["--faults", "nowhere.toml"], "There is no plan nowhere.toml."),
        (["--preset", "fine day"], "There is no preset 'fine day'."),
        (["--observer-token", "x" * 16], "--observer-token is for the console. Add --console."),
        (["--out", "x"], "--out is for the console."),
        (["--console", "--observer-token", "x" * 16], "a token each"),
    ],
)
def test_wrong_options_are_refused_in_one_line(arguments: list[str], says: str) -> None:
    """What is wrong, and where the way out is; no traceback."""
    assert says in complaint(*arguments)


def test_the_help_tells_every_option_with_its_default() -> None:
    """It is made from the parser that reads them."""
    with serve("--help") as process:
        told, _ = process.communicate(timeout=20)

    assert 0 == process.returncode
    for action in parser()._actions:
        assert action.option_strings[-1] in told
        assert action.default in {None, "==SUPPRESS=="} or f"[default: {action.default}]" in told


def test_serving_imports_nothing_that_it_does_not_need() -> None:
    """Each of these would delay the first answer."""
    program = (
        "import sys, simulator.server, scenarios.harness.cli, scenarios.harness.serving\n"
        "slow = {'typer', 'rich', 'pydantic', 'anthropic', 'sqlalchemy', 'scipy', 'faker',\n"
        "        'jinja2', 'starlette', 'anyio', 'hypothesis', 'simulator.faults.catalogue'}\n"
        "print(sorted(slow & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=HOME
    )

    assert "[]" == done.stdout.strip()


def test_a_console_is_told_of_in_one_line_more_and_leaves_a_report(tmp_path: Path) -> None:
    """With the secrets of this run, which its records do not hold; SIGTERM closes the game day."""
    out = tmp_path / "day"
    chosen = ["--facilitator-token", "f" * 16, "--observer-token=" + "o" * 16, "--api-key", "key"]
    with serve(
        "--port", "0", "--console", "--out", str(out), "--preset", "realistic", *chosen
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix(LINE).strip()
        told = process.stdout.readline()
        with anthropic.Anthropic(api_key="key", base_url=url) as client:
            client.messages.batches.create(requests=requests(1))
        process.send_signal(signal.SIGTERM)
        last, complaints = process.communicate(timeout=20)

    console = f"{url}/_gameday/console/#"
    assert (
        f"gameday: console: facilitator {console}{'f' * 16} observers {console}{'o' * 16}\n" == told
    )
    assert f"gameday: the report of this game day: {out / 'report.html'}\n" == last
    assert (0, "") == (process.returncode, complaints)
    assert verify_journal(out / "journal.jsonl").finished
    records = (out / "journal.jsonl").read_text() + (out / "report.json").read_text()
    assert "gameday serve --port 0 --console" in records
    assert not [secret for secret in ("f" * 16, "o" * 16, "--api-key") if secret in records]
    says = complaint("--console", "--out", str(out), "--port", "0")
    assert "holds the records of an earlier game day" in says
