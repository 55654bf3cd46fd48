"""docs/console.md is true: its options, buttons, faults, acts and records are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from scenarios.harness.console.application import ACTS, STATIC
from scenarios.harness.console.doors import open_doors
from scenarios.harness.console.offers import Offers
from scenarios.harness.discovery import all_drills
from scenarios.harness.serving import parser
from simulator.faults import PRESETS

HOME = Path(__file__).parents[3]
TEXT = (HOME / "docs/console.md").read_text("utf-8")


def test_the_commands_are_understood() -> None:
    """Each option is one of the server's; files are those of a day."""
    options = {name for action in parser()._actions for name in action.option_strings}
    commands = [shlex.split(line) for line in TEXT.splitlines() if line.startswith("gameday ")]

    assert [["gameday", "serve"], ["gameday", "journal"], ["gameday", "report"]] == [
        command[:2] for command in commands
    ]
    assert parser().parse_args(commands[0][2:]).console
    assert set(re.findall(r"--[a-z][a-z-]+", TEXT)) <= options
    assert "gameday-live/" in (HOME / ".gitignore").read_text().replace("*", "")


def test_every_button_that_is_named_is_on_the_page() -> None:
    """Word for word."""
    page = (STATIC / "console.html").read_text("utf-8")
    page += "".join(f"{moment} now" for moment in ("Noticed", "Stopped", "Reversed"))
    script = (STATIC / "console.js").read_text("utf-8")

    named = re.findall(r"\*\*(.+?)\*\*", TEXT)
    assert named
    assert not [name for name in named if name not in page and f'"{name}"' not in script]


def test_what_the_script_injects_is_offered() -> None:
    """The fault, the word that finds the drill, the preset."""
    offers = Offers(lambda: list(all_drills()))

    assert offers.find({"fault": "RowsErrored", "settings": {"share": "0.3"}}).faults
    assert any("expired" in drill["name"] for drill in offers.document["drills"])
    assert "bad day" in PRESETS


def test_every_act_is_told() -> None:
    """In the table of calls."""
    table = TEXT[TEXT.index("| act |") :]

    assert ACTS.keys() <= set(re.findall(r"`([a-z-]+)`", table))


def test_fresh_tokens_are_for_this_machine() -> None:
    """As the section on security says."""
    assert not open_doors(None, None, ()).from_elsewhere
    assert open_doors("f" * 16, "o" * 16, ("gameday.lan",)).from_elsewhere
