"""Row numbers in few bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from controls.core.ordinals import pack, unpack


@given(st.sets(st.integers(0, 2**32 - 1)))
def test_what_was_packed_is_unpacked_in_order(ordinals: set[int]) -> None:
    """Any set of row numbers comes back whole and ascending; none is a set too."""
    assert sorted(ordinals) == unpack(pack(ordinals))


def test_a_stretch_takes_next_to_nothing() -> None:
    """A hundred thousand rows in a line are a few hundred bytes in the store."""
    assert len(pack(range(10**6, 10**6 + 10**5))) < 2_500
