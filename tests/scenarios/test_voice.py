"""How much is said, and in which colours."""

from __future__ import annotations

import sys

import pytest

from scenarios.harness.progress import progress
from scenarios.harness.voice import set_voice


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both streams are a terminal, and nothing says that it has no colours."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    ("variables", "no_color", "expected"),
    [
        ({}, False, True),
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, False, True),
        ({"TERM": "dumb"}, False, False),
    ],
)
def test_colour_needs_a_terminal_that_nobody_forbids(
    terminal: None,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    no_color: bool,  # noqa: FBT001 - a column of the table above
    expected: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    """An empty NO_COLOR counts as unset."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert set_voice(quiet=False, no_color=no_color).colour is expected


def test_a_pipe_has_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever reads it is no terminal."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)

    assert not set_voice(quiet=False, no_color=False).colour


def test_quiet_says_the_last_line_only(capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing of how far it is."""
    voice = set_voice(quiet=True, no_color=False)
    with progress(2) as step:
        step("PASS one")
    voice.say("one\ntwo\nthe sum\n")

    assert ("the sum\n", "") == tuple(capsys.readouterr())


def test_without_a_terminal_progress_is_plain_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for each step, which no CI system takes for a command."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    set_voice(quiet=False, no_color=False)
    with progress(2) as step:
        step("PASS one")
        step("FAIL ##[error]\x1b[31m")

    lines = capsys.readouterr().err.split("\n")
    assert ["gameday: 1/2 PASS one", r"gameday: 2/2 FAIL #\x23[error]\x1b[31m", ""] == lines
