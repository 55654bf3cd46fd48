"""Law: every control that a stack has is broken on purpose, in more ways than one."""

from __future__ import annotations

from collections import Counter

import pytest

from controls import Chunking, default_stack
from scenarios.harness.game import open_game
from scenarios.harness.mutants import Kind, Mutant
from scenarios.harness.naive import ALL_CONTROLS
from scenarios.mutants import all_mutants

FEWEST = 2
FEWEST_IN_ALL = 60
STACK = default_stack(open_game(None, None, 0).job_type, None)  # type: ignore[arg-type]
PARTS: set[type] = {
    type(part) for part in (*STACK.controls, STACK.gate, STACK.fence, STACK.identity)
}
CONTROLS: list[type] = sorted({*ALL_CONTROLS, *PARTS, Chunking}, key=repr)


@pytest.mark.parametrize("control", CONTROLS)
def test_every_control_has_mutants_of_several_kinds(control: type) -> None:
    """One way to break something proves little."""
    kinds = {one.kind for one in all_mutants() if one.control is control}

    assert len(kinds) >= FEWEST, f"{control.__name__}: {sorted(kinds)}"


def test_there_are_many_and_of_every_kind() -> None:
    """Sixty at least; no kind of mistake is left out."""
    assert len(all_mutants()) >= FEWEST_IN_ALL
    assert set(Kind) == {one.kind for one in all_mutants()}


@pytest.mark.parametrize("one", all_mutants(), ids=lambda one: one.title)
def test_a_mutant_says_what_it_does_wrong(one: Mutant) -> None:
    """A name of its own, and a sentence."""
    assert one.story.endswith(".")
    assert 1 == Counter(other.title for other in all_mutants())[one.title]
