"""Live calls in place of a batch: what a pipeline does when its router says so."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import anthropic
import msgspec
from sqlalchemy import delete, insert, select

from controls import Job, JobOutcome, Row, Stack, SystemOfRecord
from controls.core.answer import Accepted, Answer, examined
from controls.core.clock import Clock
from controls.core.dressing import Dresser
from controls.ids import Namespace


@dataclass
class LiveRunner:
    """Asks row by row, through the same fence and gates; keeps what stood in the record before."""

    client: anthropic.Anthropic
    clock: Clock
    stack: Stack
    record: SystemOfRecord
    secret: bytes
    rows_per_minute: float
    before: dict[str, dict[str, Any] | None] = field(default_factory=dict)

    def run(self, job: Job, rows: Sequence[Row]) -> JobOutcome:
        """One call after the other, no faster than the account allows."""
        stack, namespace = self.stack, Namespace(job.type.team, job.id)
        dresser = Dresser(job.type, namespace, self.secret, stack.fence, stack.identity)
        news: list[tuple[str, Any]] = []
        for row in rows:
            request = dresser.dress(row)
            message = self.client.messages.create(**msgspec.json.decode(request.params))
            text = "".join(getattr(block, "text", "") for block in message.content)
            answer = Answer(text, message.stop_reason or "", request.reference)
            verdict = examined((stack.identity, stack.gate), answer)
            if isinstance(verdict, Accepted) and verdict.value is not None:
                news.append((row.key, verdict.value))
            self.clock.sleep(timedelta(minutes=1 / self.rows_per_minute))
        self._write(news)
        return JobOutcome("done", "", len(news), len(rows) - len(news), ())

    def _write(self, news: Sequence[tuple[str, Any]]) -> None:
        table, key = self.record.table, self.record.key
        with self.record.engine.begin() as connection:
            query = select(table).where(key.in_([name for name, _ in news]))
            stood = {row[key.name]: dict(row) for row in connection.execute(query).mappings()}
            self.before |= {name: stood.get(name) for name, _ in news}
            self.record.write(connection, news)

    def rollback(self, _job: object, keys: Collection[str] | None = None) -> int:
        """Put back what stood there before."""
        mine = [name for name in self.before if keys is None or name in keys]
        with self.record.engine.begin() as connection:
            connection.execute(delete(self.record.table).where(self.record.key.in_(mine)))
            old = [row for name in mine if (row := self.before.pop(name)) is not None]
            if old:
                connection.execute(insert(self.record.table), old)
        return len(mine)
