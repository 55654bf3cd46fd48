"""Law: a drill file is imports, one declaration, one function; its name is the claim."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from scenarios.harness.coverage import coverage_of
from scenarios.harness.discovery import all_drills
from scenarios.harness.drill import Drill
from simulator.faults import CATALOGUE

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


@pytest.mark.parametrize(
    "drill",
    {drill.family: drill for drill in all_drills()}.values(),
    ids=lambda drill: drill.family,
)
def test_a_drill_says_what_it_proves(drill: Drill) -> None:
    """The claim is one sentence, the story is told."""
    assert drill.claim.endswith(".")
    assert drill.story


def test_no_fault_of_the_catalogue_is_without_a_drill() -> None:
    """Whatever the simulator can do wrong, some drill has done."""
    covered = coverage_of(all_drills())

    assert () == covered.open_faults
    assert len(CATALOGUE) - 1 == covered.faults


def test_no_control_is_without_a_drill() -> None:
    """Whatever a bare arm can go without, some bare arm goes without."""
    assert () == coverage_of(all_drills()).open_controls


def test_every_drill_is_in_the_readme() -> None:
    """The table of what is rehearsed names each family."""
    readme = (HOME / "README.md").read_text("utf-8")

    assert not [d.family for d in all_drills() if f"`{d.family}`" not in readme]
