"""The witness behind the guardrails: it counts, and changes nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from controls import Quarantine, RowBinding, SensitiveText, Stack, default_stack, load_job_type
from controls.core.answer import Answer
from controls.core.swift import plain_reader
from reports import Asked
from scenarios.harness.game import DEFAULT_JOB
from scenarios.harness.witness import Witness

VALUE = '{"label":"pos","score":0.5}'
GOOD = VALUE[:-1] + ',"ref":"0123456789"}'


class NoSink:
    """Takes answers and keeps none."""

    def stage(self, *_: Any) -> None:
        """Nothing to do."""

    unstage = promote = rollback = stage


@pytest.fixture
def witnessed() -> tuple[Witness, Stack, Stack]:
    """A witness, the stack that it is behind, and the stack as it was."""
    witness = Witness()
    stack = default_stack(load_job_type(DEFAULT_JOB), NoSink())  # type: ignore[arg-type]
    return witness, witness.behind(stack), stack


def test_twins_look_like_what_they_stand_for(witnessed: tuple[Witness, Stack, Stack]) -> None:
    """Same names, same settings, same classes to whoever asks; the real parts stay as they are."""
    _, twins, stack = witnessed

    for twin, part in zip(twins.controls, stack.controls, strict=True):
        assert isinstance(twin, type(part))
        assert type(twin) is not type(part)
        assert type(part).__name__ == type(twin).__name__
        assert (repr(part) == repr(twin)) or " at 0x" in repr(part)
    assert isinstance(twins.scrubbing, SensitiveText)


def test_the_short_way_stays_short_and_is_counted(witnessed: tuple[Witness, Stack, Stack]) -> None:
    """Plain answers are read as without a witness, and the gate has been asked all the same."""
    witness, twins, stack = witnessed
    plain, real = (plain_reader(each.identity, each.gate) for each in (twins, stack))

    assert plain is not None
    assert real is not None
    assert ({"label": "pos", "score": 0.5}, VALUE.encode()) == plain(GOOD, "0123456789")
    assert ({"label": "pos", "score": 0.5}, VALUE.encode()) == real(GOOD, "0123456789")
    assert (Asked("Quarantine", 1, 0),) == witness.of([Quarantine])


def test_a_gate_that_refuses_has_acted(witnessed: tuple[Witness, Stack, Stack]) -> None:
    """Accepting is no act of the gate; the binding acts on every answer."""
    witness, twins, _ = witnessed
    for text in (GOOD, "prose"):
        twins.gate.examine(Answer(text, "end_turn", "0123456789"))
        twins.identity.examine(Answer(text, "end_turn", "0123456789"))

    assert (Asked("Quarantine", 2, 1), Asked("RowBinding", 2, 2)) == witness.of(
        [Quarantine, RowBinding]
    )
