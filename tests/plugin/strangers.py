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


def write(folder: Path, **files: str) -> None:
    """So many Python files."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(dedent(text), "utf-8")


def pytest_in(
    folder: Path, *arguments: str, python: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run pytest there. `python`: an environment where the project is installed; else this one."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANTHROPIC_", "PYTEST_", "PYTHON"))
    }
    ours = {} if python else {"PYTHONPATH": str(HOME)}
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
