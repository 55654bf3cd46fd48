"""What must hold however often workers were killed, by the service's books and the record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from sqlalchemy import select

from controls.core.ledger import GENESIS, entry_hash
from controls.core.store import ENTRIES, JOBS, QUARANTINE
from tests.controls.builders import content
from tests.controls.crash.scene import OLD_ROW, Scene, label_of, score_of

LONGEST = timedelta(days=4)
"""Three rounds of at most a day, and some waiting."""


def complaints(scene: Scene, ended: str) -> list[str]:
    """Everything that is wrong at the end; empty if nothing is."""
    checks = (_end, _money, _announced, _chain, _time)
    both = _halted if scene.plot.ends == "halted" else _conserved
    return [says for check in (*checks, both) for says in check(scene, ended)]


def _end(scene: Scene, ended: str) -> Iterator[str]:
    with scene.store.connect() as connection:
        status = connection.scalar(select(JOBS.c.status))
    if (scene.plot.ends, scene.plot.ends) != (ended, status):
        yield f"the job ended {ended!r} and is {status!r}, not {scene.plot.ends!r}"


def _money(scene: Scene, _: str) -> Iterator[str]:
    """No row was paid twice: whatever was sent again had come back without an answer."""
    paid = Counter(
        request.custom_id for request in scene.books.requests if request.outcome == "succeeded"
    )
    twice = sorted(name for name, times in paid.items() if times > 1)
    if twice:
        yield f"paid more than once: {twice}"
    sent: dict[str, list[str]] = {}
    for request in scene.books.requests:
        sent.setdefault(request.custom_id, []).append(request.outcome)
    for name, outcomes in sent.items():
        if any(outcome != "errored" for outcome in outcomes[:-1]):
            yield f"{name} was sent again after {outcomes}"
    approved = scene.job_type.spend.approvable_usd
    limit = max(Decimal(scene.plot.ceiling), approved or Decimal(0))
    if scene.books.billed_usd > limit:
        yield f"{scene.books.billed_usd} were billed, {limit} were agreed"


def _announced(scene: Scene, _: str) -> Iterator[str]:
    if scene.unannounced:
        yield f"sent before the ledger knew: {scene.unannounced}"


def _chain(scene: Scene, _: str) -> Iterator[str]:
    with scene.store.connect() as connection:
        entries = connection.execute(select(ENTRIES).order_by(ENTRIES.c.seq)).all()
    if entries[0].previous != GENESIS:
        yield "the chain does not begin"
    if any(one.hash != other.previous for one, other in pairwise(entries)):
        yield "the chain is broken"
    if any(entry.hash != entry_hash(entry.previous, entry._asdict()) for entry in entries):
        yield "an entry does not have its hash"


def _time(scene: Scene, _: str) -> Iterator[str]:
    took = scene.clock.now() - scene.started_at
    if took > LONGEST:
        yield f"it took {took}"


def _conserved(scene: Scene, _: str) -> Iterator[str]:
    """Each row once: promoted with its own value by one write, or in quarantine."""
    with scene.store.connect() as connection:
        kept = Counter(connection.scalars(select(QUARANTINE.c.row_key)).all())
    if scene.plot.undone:
        yield from _undone(scene)
        return
    with scene.record.engine.connect() as connection:
        writes = Counter(connection.exec_driver_sql("SELECT key FROM writes").scalars().all())
        promotions = connection.scalar(select(scene.record.promotions.c.number_of_rows))
        marked = set(connection.scalars(select(scene.record.promoted.c.row_key)).all())
    keys = {row.key for row in scene.rows}
    if Counter(keys) != kept + writes:
        odd = {key: (kept + writes)[key] for key in keys if (kept + writes)[key] != 1}
        yield f"rows that are not exactly once promoted or quarantined: {odd}"
    if promotions != len(writes) or marked != writes.keys():
        yield f"{promotions} rows are said to be promoted, {len(writes)} were written"
    old = tuple(OLD_ROW.values())
    for key, label, score, visits in content(scene.record):
        number = int(key.removeprefix("key-"))
        theirs = old[3] if key == old[0] else None
        mine = (label_of(number), score_of(number), theirs)
        if key not in writes and (key, label, score, visits) == old:
            continue
        if (label, score, visits) != mine:
            yield f"{key} holds {(label, score, visits)}, its own answer is {mine}"


def _undone(scene: Scene) -> Iterator[str]:
    with scene.record.engine.connect() as connection:
        left = connection.scalars(select(scene.record.promoted.c.row_key)).all()
    if content(scene.record) != scene.before or left:
        yield "the rollback did not restore the record"


def _halted(scene: Scene, _: str) -> Iterator[str]:
    """Nothing was promoted, and the owner heard why."""
    if content(scene.record) != scene.before:
        yield "a halted job has changed the record"
    with scene.store.connect() as connection:
        why = connection.scalar(select(JOBS.c.why))
    if not why or not any(why in alert.what for alert in scene.alerts):
        yield f"nobody was told of {why!r}"
