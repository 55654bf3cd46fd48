"""A worker needs the rights that docs/postgresql.md names, and no more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from controls import Ledger, SystemOfRecord, open_store
from tests.controls.postgres.test_runner import OnPostgres

pytestmark = pytest.mark.postgres
PAGE = (Path(__file__).parents[3] / "docs" / "postgresql.md").read_text("utf-8")
RIGHTS, HOLDERS = re.findall(r"```sql\n(.*?);\n```", PAGE, re.DOTALL)


def test_a_worker_needs_no_more_rights_than_the_page_says(postgres_url: str) -> None:
    """Once an owner has made the tables, a role with exactly those takes a job to its end and
    back; the page's query for holders of locks runs too."""
    bench = OnPostgres(url=postgres_url)
    owner, database = bench.store, make_url(postgres_url).database
    role = f"worker_of_{database}"
    rights = RIGHTS.replace("gameday_worker", role).replace(
        "DATABASE gameday", f"DATABASE {database}"
    )
    with owner.begin() as connection:
        connection.execute(text("REVOKE ALL ON SCHEMA public FROM PUBLIC"))
        connection.execute(text(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC"))
        connection.execute(text(rights))
        connection.execute(text(f"GRANT CONNECT ON DATABASE {database} TO {role}"))
        connection.execute(text(f"ALTER ROLE {role} PASSWORD 'worker'"))
        assert [] == connection.execute(text(HOLDERS)).all()
    url = make_url(postgres_url).set(username=role, password="worker")
    try:
        bench.store = open_store(url.render_as_string(hide_password=False))
        bench.record = SystemOfRecord(bench.store, "answers", "key")
        bench.ledger = Ledger(bench.store, bench.clock.now)
        bench.runner = bench.a_runner(bench.stack)

        assert "done" == bench.run(60).status
        assert 60 == bench.runner.rollback(bench.a_job())
    finally:
        bench.store.dispose()
        with owner.begin() as connection:
            connection.execute(text(f"DROP OWNED BY {role}; DROP ROLE {role}"))
        owner.dispose()
