"""Law: a drill file is imports, one declaration, one function; its name is the claim."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from scenarios.harness.discovery import all_drills
from scenarios.harness.drill import Drill

HOME = Path(__file__).parents[2]
FILES = sorted(path for path in (HOME / "scenarios").glob("*.py") if path.stem != "__init__")
BANNED = (ast.If, ast.Assert, ast.Try, ast.For, ast.While)
LONGEST = 60


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_drill_file_declares_one_drill_of_its_name(path: Path) -> None:
    """File name = function name = drill name; no branches, at most a screen."""
    source = path.read_text("utf-8")
    tree = ast.parse(source)
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]

    assert [path.stem] == functions
    assert not [node for node in ast.walk(tree) if isinstance(node, BANNED)]
    assert len(source.splitlines()) <= LONGEST


def test_every_drill_file_is_discovered() -> None:
    """Nothing lies in the room without being run."""
    assert {path.stem for path in FILES} == {drill.family for drill in all_drills()}


@pytest.mark.parametrize("drill", all_drills(), ids=lambda drill: drill.name)
def test_a_drill_says_what_it_proves(drill: Drill) -> None:
    """The claim is one sentence, the story is told."""
    assert drill.claim.endswith(".")
    assert drill.story
