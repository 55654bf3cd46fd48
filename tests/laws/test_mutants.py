"""Law: every control that a stack has is broken on purpose, in more ways than one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from controls import BatchRunner, default_stack
from scenarios.harness.discovery import select
from scenarios.harness.game import open_game
from scenarios.harness.mutants import Kind, Mutant
from scenarios.mutants import all_mutants

FEWEST = 2
FEWEST_IN_ALL = 60
STACK = default_stack(open_game(None, None, 0).job_type, None)  # type: ignore[arg-type]
PARTS = (*STACK.controls, STACK.gate, STACK.fence, STACK.identity, STACK.chunking)
NAMED = {control for drill in select([]) for control in drill.control_types} - {BatchRunner}
CONTROLS: list[Any] = sorted({*map(type, PARTS), *NAMED}, key=repr)
"""Whatever stands in the default stack, and whatever a drill says that it proves. The runner is
no control: it acts on what they say."""


@pytest.mark.parametrize("control", CONTROLS)
def test_every_control_has_mutants_of_several_kinds(control: Any) -> None:
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
