"""Retention: after its time nothing is left, and what could not be removed is an alarm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import httpx2
import msgspec
import pytest
from sqlalchemy import Engine, select

from controls import Alerts, ControlError, Register, open_store
from controls.audit import verify_trail
from controls.core.decision import Decision, Halt, Proceed
from controls.core.moment import BeforePromote, Moment, WhileWaiting
from controls.core.store import JOBS, METADATA
from controls.policy import CanaryPolicy, RetentionPolicy, check_job_type
from controls.retention import due, purge
from controls.runbook import Runbook
from tests.controls.builders import (
    Bench,
    a_client,
    a_job_type,
    a_row,
    an_answer,
    number_in,
    straight,
)

SECRET_TEXT = "PLANTED-PAYLOAD"
KEPT = RetentionPolicy(payload_days=10, evidence_days=20, before_images_days=20, keys_days=40)
FREE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["label"],
    "properties": {"label": {"type": "string", "maxLength": 40}},
}
"""Labels of a model's own choice: they are payload too."""


def a_bench(**settings: object) -> Bench:
    """Answers carry the planted text; some are too long, so they are kept back and quoted."""
    job_type = a_job_type(
        schema=FREE, retention=KEPT, canary=CanaryPolicy(max_bad_share=0.5, min_rows=10, ramp=())
    )
    return Bench(
        says=lambda asked: an_answer(
            asked, SECRET_TEXT * (1 + 4 * (number_in(asked) % 9 == 0))
        ).replace('"score":0.5,', ""),
        job_type=job_type,
        prior=[{"key": "key-3", "label": f"old {SECRET_TEXT}", "score": 0.1, "visits": 3}],
        **settings,  # type: ignore[arg-type]
    )


def planted() -> list[object]:
    """Rows whose text holds the planted words."""
    return [a_row(number, text=f"text {number} {SECRET_TEXT}") for number in range(40)]


def a_done_job(**settings: object) -> Bench:
    """Promoted, with answers in quarantine."""
    bench = a_bench(**settings)
    assert "done" == bench.run(planted()).status  # type: ignore[arg-type]
    return bench


def days(bench: Bench, count: int) -> None:
    """Let time pass."""
    bench.clock.sleep(timedelta(days=count))


def with_payload(store: Engine) -> set[str]:
    """The tables in which the planted text stands."""
    found = set()
    with store.connect() as connection:
        for table in METADATA.sorted_tables:
            if SECRET_TEXT in str(connection.execute(select(table)).all()):
                found.add(table.name)
    return found


def run_purge(bench: Bench, gone: Sequence[str] = (), **changes: object) -> tuple[list[str], str]:
    """Purge; what was certified, and the alarms."""
    pager = Alerts()
    client = a_client(bench.api, changes.pop("bend", straight))  # type: ignore[arg-type]
    done = purge(
        client, bench.ledger, pager, record=bench.record, gone=gone, by="A. Person" if gone else ""
    )
    assert len(pager) >= len(done.alarms)
    assert () == verify_trail(bench.store).tampering
    return [one.what for one in done.certificates], str(done.alarms)


def before_images(bench: Bench) -> str:
    """What is kept for a rollback."""
    with bench.record.engine.connect() as connection:
        return str(connection.execute(select(bench.record.before)).all())


def test_after_its_time_no_payload_is_left_anywhere() -> None:
    """Not in any table, not at the service; the trail is still intact at every step."""
    bench = a_done_job()
    assert {"staging", "quarantine", "batches"} <= with_payload(bench.store)

    assert ([], "{}") == run_purge(bench)
    days(bench, 10)
    assert (["payload"], "{}") == run_purge(bench)
    assert {"quarantine"} == with_payload(bench.store)
    assert [] == list(a_client(bench.api).messages.batches.list())
    days(bench, 10)
    assert (["evidence", "before-images"], "{}") == run_purge(bench)

    assert set() == with_payload(bench.store)
    assert SECRET_TEXT not in before_images(bench)
    days(bench, 20)
    assert (["keys"], "{}") == run_purge(bench)
    with bench.store.connect() as connection:
        everything = str([connection.execute(select(t)).all() for t in METADATA.sorted_tables])
    assert "key-9'" not in everything
    assert ([], "{}") == run_purge(bench)


def test_a_certificate_says_what_was_removed() -> None:
    """Numbers, batches and digests, as an entry of the ledger."""
    bench = a_done_job()
    batches = [batch.id for batch in bench.books.batches]
    days(bench, 30)
    run_purge(bench)

    payload, evidence, images = bench.entries("purged")
    assert ("payload", 35, batches) == (payload["what"], payload["staged"], payload["batches"])
    assert ("evidence", 5) == (evidence["what"], evidence["answers"])
    assert ("before-images", 1, "answers") == (images["what"], images["rows"], images["table"])
    assert 2 == len(bench.entries("deleted"))


def test_what_is_due_is_told_without_doing_it() -> None:
    """In the order in which it would be removed."""
    bench = a_done_job()
    days(bench, 20)

    assert ["payload", "evidence", "before-images"] == [item.what for item in due(bench.ledger)]
    assert [] == bench.entries("purge intended")


def test_a_rollback_after_the_purge_is_refused() -> None:
    """Without before-images it would delete rows."""
    bench = a_done_job()
    days(bench, 20)
    run_purge(bench)

    with pytest.raises(ControlError, match="before-images of 'job_1' were purged"):
        Runbook(bench.ledger).rollback("job_1", bench.stack.sink, by="A", why="x")
    assert 0 == bench.runner.rollback(bench.a_job())
    assert 35 == len(bench.labels)


class HaltsAt:
    """A control that halts at this moment."""

    def __init__(self, at: type) -> None:
        self._at = at

    def decide(self, moment: Moment, /) -> Decision:
        """Enough."""
        return Halt("enough") if isinstance(moment, self._at) else Proceed()


def test_a_job_that_was_purged_before_it_was_done_cannot_go_on() -> None:
    """Its answers are gone; it would promote only what comes later."""
    bench = a_bench(extra=[HaltsAt(BeforePromote)])
    bench.run(planted())  # type: ignore[arg-type]
    days(bench, 10)

    assert (["payload"], "{}") == run_purge(bench)

    for go_on in (
        lambda: bench.runner.resume(bench.a_job(), planted(), by="A"),  # type: ignore[arg-type]
        lambda: Runbook(bench.ledger).resume("job job_1", by="A"),
    ):
        with pytest.raises(ControlError, match="were purged on 2026-11-30"):
            go_on()


def test_a_running_job_is_left_alone_with_an_alarm() -> None:
    """Until a person halts it."""
    bench = a_bench()
    bench.run(planted())  # type: ignore[arg-type]
    with bench.store.begin() as connection:
        connection.execute(JOBS.update().values(status="running", ended_at=None))
    days(bench, 10)

    done = purge(a_client(bench.api), bench.ledger, Alerts())

    assert ([], {"job_1": ["the job is running; stop it first: gameday halt job_1"]}) == (
        done.certificates,
        done.alarms,
    )
    assert "staging" in with_payload(bench.store)


def test_a_batch_that_cannot_be_deleted_is_an_alarm_until_it_is() -> None:
    """Everything else goes; there is no certificate before the last batch is gone."""
    bench = a_done_job()
    days(bench, 10)

    def unwilling(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        body = msgspec.json.encode({"type": "error", "error": {"type": "api_error"}})
        return httpx2.Response(500, content=body, request=request)

    certified, alarms = run_purge(bench, bend=unwilling)
    assert ([], 2) == (certified, alarms.count("cannot be deleted: HTTP 500"))
    assert {"quarantine"} == with_payload(bench.store)
    assert "was to be purged on 2026-11-30" in bench.entries("paged")[-1]["what"]

    certified, alarms = run_purge(bench)
    assert ([], 2) == (certified, alarms.count("the service does not know it"))
    gone = [batch.id for batch in bench.books.batches]
    assert (["payload"], "{}") == run_purge(bench, gone=gone)
    assert [{"batches": gone, "by": "A. Person"}] == bench.entries("said to be gone")
    assert "A. Person" == bench.entries("purged")[-1]["by"]


def test_a_batch_in_progress_is_an_alarm() -> None:
    """Of a halted job that nobody has canceled."""
    bench = a_bench(extra=[HaltsAt(WhileWaiting)])
    bench.run(planted())  # type: ignore[arg-type]
    with bench.store.begin() as connection:
        opened_at = JOBS.c.opened_at
        connection.execute(JOBS.update().values({opened_at: "2026-11-01T00:00:00+00:00"}))

    done = purge(a_client(bench.api), bench.ledger, Alerts())

    assert "HTTP 400 invalid_request_error" in str(done.alarms)
    assert [] == [one.what for one in done.certificates if one.what == "payload"]


class Killed(BaseException):
    """The process was killed."""


@pytest.mark.parametrize("after", [0, 1])
def test_a_purge_that_was_killed_goes_on(after: int) -> None:
    """Between the call and its outcome: a batch that is not found then was deleted by us."""
    bench = a_done_job()
    days(bench, 10)
    calls: list[str] = []

    def kill(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        calls.append(request.url.path)
        if len(calls) > after:
            raise Killed
        return response

    with pytest.raises(Killed):
        run_purge(bench, bend=kill)

    assert (["payload"], "{}") == run_purge(bench)
    assert "was gone" == bench.entries("deleted")[after]["how"]


def test_nothing_is_left_in_the_file_of_the_store(tmp_path: Path) -> None:
    """SQLite is told to give free pages up."""
    bench = a_bench()
    bench.store = open_store(f"sqlite:///{tmp_path}/store.db")
    bench.ledger.engine.dispose()
    bench.ledger = type(bench.ledger)(bench.store, bench.clock.now)
    Register(bench.ledger).note(bench.job_type, by="A. Reviewer")
    runner = bench.a_runner(bench.stack)
    assert "done" == runner.run(bench.a_job(), planted()).status  # type: ignore[arg-type]
    days(bench, 20)
    assert (["payload", "evidence", "before-images"], "{}") == run_purge(bench)
    bench.store.dispose()

    for path in tmp_path.iterdir():
        assert SECRET_TEXT.encode() not in path.read_bytes(), path.name


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (RetentionPolicy(payload_days=29), "keeps payload for 29 days"),
        (RetentionPolicy(payload_days=0), "keeps payload for 0 days"),
        (RetentionPolicy(evidence_days=0), "less than a day"),
        (RetentionPolicy(keys_days=0), "less than a day"),
    ],
)
def test_times_that_cannot_hold_are_refused(policy: RetentionPolicy, says: str) -> None:
    """Nothing relies on the 29 days of the service."""
    with pytest.raises(ControlError, match=says):
        check_job_type(a_job_type(retention=policy))
