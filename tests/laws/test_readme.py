"""Law: what the README says is true: its code runs, its commands exist and succeed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.command import HOME, gameday

README = (HOME / "README.md").read_text("utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line.removeprefix("$ ")
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("$ ")
]


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_python_blocks_run(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block runs on its own, from the project's folder."""
    monkeypatch.chdir(HOME)

    exec(compile(PYTHON[number], f"README block {number}", "exec"), {"__name__": "readme"})


def test_console_commands_succeed_in_order(tmp_path: Path) -> None:
    """A reader can type them one after the other."""
    assert COMMANDS
    for command in COMMANDS:
        program, *arguments = shlex.split(command)
        assert "gameday" == program
        done = gameday(*arguments, cwd=tmp_path)

        assert 0 == done.returncode, f"{command}: {done.stderr}"


def test_every_control_and_command_is_in_the_readme() -> None:
    """The tables name what there is."""
    from scenarios.harness.commands import (  # noqa: PLC0415 - the commands are read here
        all_commands,
    )

    app = all_commands()
    from scenarios.harness.naive import ALL_CONTROLS, BESIDE_THE_STACK  # noqa: PLC0415

    controls = {kind.__name__ for kind in (*ALL_CONTROLS, *BESIDE_THE_STACK)}
    commands = {
        command.name or command.callback.__name__
        for command in app.registered_commands
        if command.callback
    }

    assert not {name for name in controls if f"| `{name}` |" not in README}
    assert not {name for name in commands if f"| `gameday {name}" not in README}


def test_paths_in_the_readme_exist() -> None:
    """Files that are named are there."""
    for path in re.findall(r"`(scenarios/[\w/.]+)`", README):
        assert (HOME / path).exists(), path


def test_the_sample_output_is_what_is_printed(tmp_path: Path) -> None:
    """The first thing that a reader sees is the current output, to the letter."""
    sample = re.findall(r"```text\n(PASS .*?)```", README, re.DOTALL)[0]
    done = gameday("run", "expired_rows_are_resent", cwd=tmp_path)

    assert done.stdout.startswith(sample)


def test_the_number_of_faults_is_counted() -> None:
    """The README says how many faults the catalogue has."""
    from simulator.faults import CATALOGUE  # noqa: PLC0415 - only this law needs it

    (said,) = re.findall(r"There are (\d+) faults", README)

    assert int(said) == len([name for name in CATALOGUE if name != "NoFault"])
