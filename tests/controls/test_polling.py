"""The pauses between two looks at a batch."""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate, repeat

import pytest

from controls import ControlError, Polling

MINUTE = timedelta(minutes=1)


def test_each_pause_is_longer_than_the_one_before_up_to_a_bound() -> None:
    """By the growth that was asked for."""
    polling = Polling(MINUTE, 10 * MINUTE, growth=3)
    pauses = accumulate(repeat(MINUTE, 5), lambda pause, _: polling.after(pause))

    assert [1, 3, 9, 10, 10] == [pause / MINUTE for pause in pauses]


@pytest.mark.parametrize("growth", [0.9, -1, float("nan"), float("inf")])
def test_pauses_that_become_shorter_or_endless_are_refused(growth: float) -> None:
    """With what to write instead."""
    with pytest.raises(ControlError, match="Pauses cannot grow by"):
        Polling(growth=growth)
