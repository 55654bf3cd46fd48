"""Law: time, chance and ids come from the injected clock and the seeded streams."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]
BANNED = {
    "time.time": "the clock's now()",
    "time.sleep": "the clock's sleep()",
    "datetime.now": "the clock's now()",
    "datetime.utcnow": "the clock's now()",
    "date.today": "the clock's now()",
    "uuid.uuid4": "a seeded stream",
    "random.random": "a seeded stream",
    "random.choice": "a seeded stream",
    "random.shuffle": "a seeded stream",
    "secrets.token_bytes": "a seeded stream",
    "secrets.token_hex": "a seeded stream",
    "secrets.token_urlsafe": "a seeded stream",
}
ALLOWED = {
    "controls/core/clock.py": {"time.sleep", "datetime.now"},
    "controls/core/store.py": {"secrets.token_hex"},
    "scenarios/harness/console/doors.py": {"secrets.token_urlsafe"},
    "scenarios/harness/console/opening.py": {"secrets.token_bytes"},
    "scenarios/harness/console/wall.py": {"datetime.now"},
    "simulator/clock.py": {"datetime.now"},
}
"""The doors to real time (the production clock, the served API's real clock, and the wall of a live
game day), and those to chance that nobody may foresee: the secret of a store, the tokens of a
console, and the salt that hides the keys of its clients."""

PROGRAMS = "scenarios/examples/"
"""What stands for a program of the user's lives in real time."""


def called_names(path: Path) -> set[str]:
    """Every `name.attribute` that a file mentions."""
    return {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }


@pytest.mark.parametrize("room", ["simulator", "controls", "reports", "scenarios"])
def test_nobody_asks_the_wall_clock_or_unseeded_chance(room: str) -> None:
    """Where one is needed, the message names what to use in its place."""
    for path in sorted((HOME / room).rglob("*.py")):
        name = path.relative_to(HOME).as_posix()
        if name.startswith(PROGRAMS):
            continue
        broken = (called_names(path) & BANNED.keys()) - ALLOWED.get(name, set())

        assert not broken, "; ".join(
            f"{name}: {use} is banned, use {BANNED[use]}" for use in broken
        )
