"""Law: scenarios is the top floor; simulator, controls and reports never import each other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]
MAY_IMPORT = {
    "simulator": set[str](),
    "controls": set[str](),
    "reports": set[str](),
    "scenarios": {"simulator", "controls", "reports"},
}


def imported_roots(path: Path) -> set[str]:
    """The top-level packages that a file imports."""
    roots: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            roots |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            roots.add(node.module.split(".")[0])
    return roots


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_each_room_imports_only_from_the_floor_below(room: str) -> None:
    """A room imports itself, libraries, and the floors below it."""
    files = sorted((HOME / room).rglob("*.py"))
    assert files, f"{room} is empty"

    for path in files:
        strangers = (imported_roots(path) & {*MAY_IMPORT, "tests"}) - MAY_IMPORT[room] - {room}

        assert not strangers, (
            f"{path.relative_to(HOME)} imports {strangers}. Declare a Protocol in {room} and let "
            "scenarios/harness/world.py pass the object in."
        )
