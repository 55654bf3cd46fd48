"""Mutants of `Staging`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import delete, insert
from sqlalchemy.engine import Connection

from controls import Staging
from controls.core.book import JobRecord
from controls.core.columns import Staged
from scenarios.harness.mutants import Kind, mutant


@mutant(Staging, Kind.REMOVED)
class CannotGoBack(Staging):
    """Has no way back: a rollback does nothing and says that it did."""

    def rollback(self, job: str, keys: Collection[str] | None = None) -> int:  # noqa: ARG002
        return 0 if keys is None else len(keys)


@mutant(Staging, Kind.FORGETS)
class KeepsNoBeforeImages(Staging):
    """Remembers what it wrote and not what stood there: a rollback deletes."""

    def _keep_before(self, connection: Connection, job: str, keys: Sequence[str]) -> None:
        rows = [{"promotion": job, "row_key": key} for key in keys]
        connection.execute(insert(self._record.promoted), rows)


@mutant(Staging, Kind.TOO_LATE)
class CopiesAfterWriting(Staging):
    """Takes the before-images when the new values are written already."""

    def promote(self, job: JobRecord, digests: Mapping[int, str]) -> int:
        record, keep = self._record, self._keep_before
        known: list[str] = []
        object.__setattr__(self, "_keep_before", lambda _connection, _job, keys: known.extend(keys))
        try:
            count = super().promote(job, digests)
        finally:
            object.__setattr__(self, "_keep_before", keep)
        with record.engine.begin() as connection:
            keep(connection, job.id, known)
        return count


@mutant(Staging, Kind.OFF_BY_ONE)
class LeavesTheLastBehind(Staging):
    """Promotes all staged rows but the last."""

    def stage(
        self, connection: Connection, job: JobRecord, batch: int, part: int, answers: Staged
    ) -> bytes:
        fewer = Staged(answers.ordinals[:-1], answers.keys[:-1], answers.values[:-1])
        return super().stage(connection, job, batch, part, fewer)


@mutant(Staging, Kind.HALF)
class PutsHalfOfItBack(Staging):
    """Rolls back every other row."""

    def rollback(self, job: str, keys: Collection[str] | None = None) -> int:
        if keys is None:
            with self._record.engine.connect() as connection:
                keys = sorted(
                    connection.scalars(
                        self._record.promoted.select().with_only_columns(
                            self._record.promoted.c.row_key
                        )
                    )
                )
        return super().rollback(job, sorted(keys)[::2])


@mutant(Staging, Kind.WRONG_WAY)
class RemovesWhatStoodThere(Staging):
    """Rolls back by deleting, new rows and old ones."""

    def rollback(self, job: str, keys: Collection[str] | None = None) -> int:
        record = self._record
        with record.engine.begin() as connection:
            mine = record.promoted.c.promotion == job
            found = connection.scalars(
                record.promoted.select().with_only_columns(record.promoted.c.row_key).where(mine)
            ).all()
            wanted = [key for key in found if keys is None or key in keys]
            for key in wanted:
                connection.execute(delete(record.table).where(record.key == key))
        return len(wanted)
