"""One seed, named streams, and dice for one row at a time."""

from __future__ import annotations

import re

from simulator.randomness import BASE58, Ids, RowDice, Streams

ALPHABET = f"[{BASE58}]"


def test_a_stream_depends_on_seed_and_name() -> None:
    """The same name gives the same dice again; another name or seed gives others."""
    streams = Streams(1)

    assert streams.stream("a").random() == streams.stream("a").random()
    assert streams.stream("a").random() != streams.stream("b").random()
    assert streams.stream("a").random() != Streams(2).stream("a").random()


def test_the_dice_of_a_row_do_not_depend_on_other_rows() -> None:
    """Row 7 draws the same whether rows 0 to 6 drew before or not."""
    alone = RowDice(5).at(7).random()
    dice = RowDice(5)
    for row in range(7):
        dice.at(row).choice("abcdef")

    assert alone == dice.at(7).random()


def test_row_dice_are_fair_enough() -> None:
    """Uniform over rows and within a row, and able to do what `random.Random` does."""
    dice = RowDice(11)

    over_rows = sum(dice.at(row).random() < 0.1 for row in range(20_000))
    within = sum(dice.random() for _ in range(20_000))
    counts = [0] * 6
    for row in range(6_000):
        counts[dice.at(row).randrange(6)] += 1

    assert 1_850 < over_rows < 2_150
    assert 9_800 < within < 10_200
    assert all(850 < count < 1_150 for count in counts)
    assert 0 <= dice.getrandbits(130) < 2**130
    assert sorted("abc") == sorted(dice.sample("abc", 3))
    assert isinstance(dice.gauss(0, 1), float)


def test_seeding_row_dice_from_outside_changes_nothing() -> None:
    """A responder cannot break the dice of the next row."""
    dice = RowDice(3)
    first = dice.at(1).random()
    dice.seed(99)

    assert first == dice.at(1).random()


def test_ids_have_the_shapes_of_the_service() -> None:
    """Prefix, `01`, and the alphabet of the real ids."""
    ids = Ids(Streams(0))

    assert re.fullmatch(f"msgbatch_01{ALPHABET}{{22}}", ids.batch())
    assert re.fullmatch(f"msg_01{ALPHABET}{{22}}", ids.message())
    assert re.fullmatch(f"req_011C{ALPHABET}{{20}}", ids.request())
    assert re.fullmatch(f"wrkspc_01{ALPHABET}{{22}}", ids.workspace("key"))
    assert re.fullmatch(
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}", ids.organization()
    )


def test_a_key_keeps_its_workspace() -> None:
    """The same key is the same workspace, another key another one."""
    ids = Ids(Streams(0))

    assert ids.workspace("one") == ids.workspace("one")
    assert ids.workspace("one") != ids.workspace("two")
