"""A pipeline that holds: `controls` around the official client, and nothing else.

The same program runs in production: leave out the base URL, and put `SystemClock()` in the place
of the clock that does not wait.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import anthropic
from sqlalchemy import Column, Float, MetaData, Table, Text

from controls import (
    Alerts,
    Approval,
    BatchRunner,
    Job,
    Ledger,
    Register,
    Row,
    Staging,
    SystemClock,
    SystemOfRecord,
    default_stack,
    load_job_type,
    open_store,
)


class Hurried(SystemClock):
    """A clock for rehearsals: it believes that it slept."""

    def __init__(self) -> None:
        self._slept = timedelta(0)

    def now(self) -> datetime:
        """The present, and all that was slept."""
        return super().now() + self._slept

    def sleep(self, duration: timedelta) -> None:
        """Nobody waits."""
        self._slept += duration


def read_rows(path: Path, key: str) -> list[Row]:
    """The rows of a JSON Lines file; a key that stands there twice is refused."""
    records = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
    keys = {record[key] for record in records}
    if len(keys) < len(records):
        sys.exit(f"{len(records) - len(keys)} rows have a key that stands there twice")
    return [Row(number, record[key], record) for number, record in enumerate(records)]


def main() -> None:
    """Run the job to its end, or say why it stopped."""
    job_type = load_job_type(Path(__file__).with_name("tickets.toml"))
    rows = read_rows(Path(os.environ["GAMEDAY_ROWS"]), job_type.rows.key or "")
    store = open_store(os.environ["GAMEDAY_QUARANTINE"].partition("#")[0])
    sink = open_store(os.environ["GAMEDAY_SINK"])
    columns = (Column("label", Text), Column("score", Float))
    table = Table("answers", MetaData(), Column("ticket_id", Text, primary_key=True), *columns)
    table.create(sink, checkfirst=True)
    clock = Hurried()
    ledger = Ledger(store, clock.now)
    Register(ledger).note(job_type, by=job_type.approved_by)
    stack = default_stack(job_type, Staging(store, SystemOfRecord(sink, "answers", "ticket_id")))
    secret = hashlib.sha256(b"keep me with your other secrets").digest()
    client = anthropic.Anthropic(max_retries=0, timeout=30)
    runner = BatchRunner(client, ledger, clock, stack, pager=Alerts(), secret=secret)
    released = Approval("A. Reviewer", Decimal(0))
    outcome = runner.run(Job("nightly_1", job_type, (released,), seed=0), rows)
    if outcome.status != "done":
        sys.exit(f"{outcome.status}: {outcome.why}")


if __name__ == "__main__":
    main()
