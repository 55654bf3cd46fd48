"""The rota: who acts when, on one clock."""

from __future__ import annotations

from functools import partial

import pytest

from scenarios.harness.rota import Rota
from simulator import VirtualClock, minutes


def diary(rota: Rota, name: str, pause: float, times: int, told: list[str]) -> None:
    """Somebody who says what time it is, again and again."""
    for _ in range(times):
        told.append(f"{name} {rota.now():%H:%M}")
        rota.sleep(minutes(pause))


def test_whoever_wakes_first_goes_on() -> None:
    """By time, and at the same time in the order in which they lay down."""
    rota, told = Rota(VirtualClock()), list[str]()
    rota.begin(minutes(1), lambda: diary(rota, "b", 2, 3, told))
    rota.begin(minutes(4), lambda: diary(rota, "c", 1, 2, told))
    diary(rota, "a", 2, 3, told)
    rota.finish()

    expected = ["a 09:00", "b 09:01", "a 09:02", "b 09:03", "c 09:04", "a 09:04", "b 09:05"]
    assert [*expected, "c 09:05"] == told
    assert "09:07" == f"{rota.now():%H:%M}"


def test_the_same_rota_gives_the_same_order() -> None:
    """Whatever the machine does."""

    def one() -> list[str]:
        rota, told = Rota(VirtualClock()), list[str]()
        for number in range(5):
            rota.begin(minutes(number % 2), partial(diary, rota, str(number), 3, 4, told))
        rota.finish()
        return told

    assert one() == one()


def test_what_somebody_raises_is_told_at_the_end() -> None:
    """And nobody is left behind."""
    rota, told = Rota(VirtualClock()), list[str]()

    def fail() -> None:
        raise LookupError("planted")

    rota.begin(minutes(1), fail)
    rota.begin(minutes(2), lambda: told.append("went on"))
    with pytest.raises(LookupError, match="planted"):
        rota.finish()

    assert ["went on"] == told


def test_alone_it_is_the_clock() -> None:
    """Nobody to wait for."""
    rota = Rota(VirtualClock())
    rota.sleep(minutes(3))
    rota.finish()

    assert "09:03" == f"{rota.now():%H:%M}"
