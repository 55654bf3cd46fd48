"""Databases that are used again."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Engine, text

from controls import open_store
from scenarios.harness.shelf import Shelf


def test_what_is_taken_from_the_shelf_is_as_new() -> None:
    """Its tables are there, and nothing that was written into them or made beside them."""
    shelf: Shelf[Engine] = Shelf(lambda engine: engine)
    make = partial(open_store, "sqlite://")
    first = shelf.take("store", make)
    with first.begin() as connection:
        tables = connection.execute(text("SELECT name FROM sqlite_master ORDER BY 1")).all()
        connection.execute(text("CREATE TABLE beside AS SELECT 1 AS one"))
    shelf.give_back("store", first)
    again = shelf.take("store", make)
    another = shelf.take("store", make)

    assert again is first
    assert another is not first
    for engine in (again, another):
        with engine.begin() as connection:
            now = connection.execute(text("SELECT name FROM sqlite_master ORDER BY 1")).all()
        assert tables == now
