"""In which order the rows of a job may go."""

from __future__ import annotations

from itertools import pairwise
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from controls.core.progress import stages

ROWS = st.integers(1, 200)
RAMPS = st.lists(st.floats(0.01, 1.0), max_size=4).map(sorted).map(tuple)


@st.composite
def slices(draw: st.DrawFn) -> tuple[int, set[int]]:
    """A number of rows and some of them."""
    rows = draw(ROWS)
    return rows, draw(st.sets(st.integers(0, rows - 1)))


@given(slices(), RAMPS)
def test_every_row_goes_in_exactly_one_stage(
    job: tuple[int, set[int]], ramp: tuple[float, ...]
) -> None:
    """Whatever the slice and the ramp; the slice goes first, and no stage is empty."""
    rows, first = job

    order = stages(rows, first, ramp)

    assert list(range(rows)) == sorted(ordinal for stage in order for ordinal in stage)
    assert all(order)
    assert not first or sorted(first) == order[0]


@given(slices(), RAMPS)
def test_no_step_of_the_ramp_sends_more_than_its_share(
    job: tuple[int, set[int]], ramp: tuple[float, ...]
) -> None:
    """After each stage but the last, a share that the ramp names is gone, to the row."""
    rows, first = job
    allowed = {len(first), *(ceil(share * rows) for share in ramp)}

    gone = 0
    for stage in stages(rows, first, ramp)[:-1]:
        gone += len(stage)
        assert gone in allowed


@given(st.integers(40, 400), st.integers(2, 8))
def test_a_step_takes_its_rows_evenly(rows: int, part: int) -> None:
    """A step of one in `part` rows has one of every stretch of that many."""
    step, _ = stages(rows, (), (1 / part,))

    gaps = [after - before for before, after in pairwise(step)]
    assert max(gaps) <= part + 1
    assert min(gaps) >= 1
