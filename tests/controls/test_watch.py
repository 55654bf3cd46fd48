"""The watch over an account, and the book of its alerts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import anthropic
import httpx2
import pytest

from controls import Alert, Alerts, ControlError
from controls.alert_book import AlertBook, KnownAlert
from controls.audit import verify_trail
from controls.core.decision import Decision, Halt, Proceed
from controls.core.locks import Locks
from controls.core.moment import Moment, WhileWaiting
from controls.watch import Watch
from tests.controls.builders import MODEL, Bench, a_client

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class HaltsWhileWaiting:
    """Leaves a batch at the service."""

    def decide(self, moment: Moment, /) -> Decision:
        """Halt, as soon as there is something to wait for."""
        return Halt("enough") if isinstance(moment, WhileWaiting) else Proceed()


def a_watch(bench: Bench, pager: Any = None, **settings: Any) -> Watch:
    """A watch over the service of a bench."""
    client = a_client(bench.api, settings.pop("bend", lambda _, response: response))
    return Watch(client, bench.ledger, bench.alerts if pager is None else pager, **settings)


def a_left_batch() -> Bench:
    """A job that was halted while its first batch ran; nobody has answered its alert."""
    bench = Bench(extra=[HaltsWhileWaiting()])
    assert "halted" == bench.run(60).status
    bench.alerts.clear()
    return bench


def a_stranger(bench: Bench) -> str:
    """A batch that some other program has made; its id."""
    message: anthropic.types.MessageParam = {"role": "user", "content": "text 1"}
    params = {"model": MODEL, "max_tokens": 9, "messages": [message]}
    requests: Any = [{"custom_id": "x", "params": params}]
    return a_client(bench.api).messages.batches.create(requests=requests).id


def kinds(alerts: Sequence[KnownAlert]) -> list[str]:
    """What they are about."""
    return [alert.finding.kind for alert in alerts]


def test_a_calm_account_has_no_alert() -> None:
    """Everything was read, and nothing is of others; not after a month either."""
    bench = Bench()
    assert "done" == bench.run(60).status

    for _ in range(3):
        assert [] == a_watch(bench).look()
        bench.clock.sleep(15 * DAY)
    assert [] == bench.alerts


def test_an_alert_is_told_once_then_again_until_somebody_has_it() -> None:
    """A stranger's batch: not while it is young; once; again after four hours; never more once it
    is acknowledged; and it is over when the batch is gone."""
    bench = Bench()
    batch_id = a_stranger(bench)
    told = []
    for hours in (0, 2, 1, 4, 1):
        bench.clock.sleep(hours * HOUR)
        a_watch(bench).look()
        told.append(len(bench.alerts))
    assert [0, 1, 1, 2, 2] == told
    assert f"no ledger knows batch {batch_id}" in bench.alerts[0].what
    assert ("account owner", "the account") == (bench.alerts[0].owner, bench.alerts[0].job)
    assert "(told 1 times since 2026-" in bench.alerts[1].what

    book = AlertBook(bench.ledger)
    (alert,) = book.alerts()
    assert f"gameday alerts acknowledge {alert.id}" in bench.alerts[0].what
    assert alert.waits
    book.acknowledge(alert.id, by="A. Person", why="it is mine")
    bench.clock.sleep(9 * HOUR)
    (taken,) = a_watch(bench).look()
    assert ("A. Person", False, 2) == (taken.acknowledged_by, taken.waits, len(bench.alerts))

    bench.clock.sleep(DAY)
    a_client(bench.api).messages.batches.delete(batch_id)
    assert [] == a_watch(bench).look()
    assert [True] == [one.over for one in book.alerts(over=True)]
    assert [{"alert": alert.id, "by": "A. Person", "why": "it is mine"}] == [
        entry.body for entry in bench.ledger.entries(kind="alert acknowledged")
    ]
    assert () == verify_trail(bench.store).tampering


def test_a_batch_that_nobody_reads_is_told_to_the_owner_of_its_job() -> None:
    """Five days before its results are deleted; then that they are."""
    bench = a_left_batch()
    seen = []
    for days in (0.5, 0.35, 23.2, 5.0):
        bench.clock.sleep(days * DAY)
        seen.append(kinds(a_watch(bench).look()))

    assert [[], [], ["unread"], ["gone"]] == seen
    assert {("support-oncall", "job_1")} == {(one.owner, one.job) for one in bench.alerts}


def test_a_batch_that_does_not_end_is_told_before_and_after_its_time() -> None:
    """As the service lists it, whatever it does meanwhile."""
    bench = a_left_batch()

    def never_ends(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        response.read()
        body = response.json()
        for batch in body["data"]:
            batch |= {"processing_status": "in_progress", "ended_at": None}
        return httpx2.Response(200, json=body, request=request)

    seen = []
    for hours in (19, 2, 6):
        bench.clock.sleep(hours * HOUR)
        seen.append(kinds(a_watch(bench, bend=never_ends).look()))

    assert [[], ["nearing"], ["stuck"]] == seen


def test_a_batch_that_the_service_does_not_list_is_told() -> None:
    """Deleted by hand, or the key is of another workspace."""
    bench = a_left_batch()
    bench.api.reset()

    (alert,) = a_watch(bench).look()

    assert "missing" == alert.finding.kind
    assert "does not list batch msgbatch_" in bench.told


def test_a_team_hears_of_its_own_jobs_only() -> None:
    """And ends no alert of others."""
    bench = a_left_batch()
    a_stranger(bench)
    bench.clock.sleep(25 * DAY)

    assert ["unread"] == kinds(a_watch(bench, team="support").look())
    assert ["unread", "orphan"] == kinds(a_watch(bench).look())
    assert ["unread", "orphan"] == kinds(a_watch(bench, team="others").look())
    assert ["unread", "orphan"] == kinds(a_watch(bench, strangers=False).look())
    assert 2 == len(bench.alerts)


def test_a_watch_that_sees_nothing_says_so_and_ends_nothing() -> None:
    """A wrong key, a service that is away; it is over at the next good look."""
    bench = Bench()
    a_stranger(bench)
    bench.clock.sleep(2 * HOUR)
    a_watch(bench).look()

    def away(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        error = {"type": "error", "error": {"type": "authentication_error", "message": "no"}}
        return httpx2.Response(401, json=error, request=request)

    assert ["orphan", "blind"] == kinds(a_watch(bench, bend=away).look())
    assert "cannot be listed: HTTP 401 authentication_error" in bench.alerts[-1].what
    assert ["orphan"] == kinds(a_watch(bench).look())


def test_whom_nobody_could_tell_is_told_at_the_next_look() -> None:
    """A pager that is broken stops nothing, and counts for nothing."""

    class Broken:
        def page(self, alert: Alert) -> None:
            raise OSError

    bench = Bench()
    a_stranger(bench)
    a_stranger(bench)
    bench.clock.sleep(2 * HOUR)

    assert [0, 0] == [one.paged for one in a_watch(bench, Broken()).look()]
    assert 2 == len(bench.ledger.entries(kind="alert page failed"))
    assert [1, 1] == [one.paged for one in a_watch(bench).look()]
    assert 2 == len(bench.alerts)


def test_two_watches_of_one_store_tell_once() -> None:
    """The second leaves it to the first."""
    bench = Bench()
    a_stranger(bench)
    bench.clock.sleep(2 * HOUR)
    pager = Alerts()

    with Locks(bench.store).attempt("watch") as held:
        assert held
        assert [] == a_watch(bench, pager).look()
    assert ["orphan"] == kinds(a_watch(bench, pager).look())
    assert 1 == len(pager)


def test_an_alert_is_acknowledged_by_one_named_person() -> None:
    """Not by nobody, not twice, not one that is not there."""
    bench = Bench()
    a_stranger(bench)
    bench.clock.sleep(2 * HOUR)
    (alert,) = a_watch(bench).look()
    book = AlertBook(bench.ledger)

    for number, by, told in (
        (alert.id, " ", "Nobody is named"),
        (alert.id + 1, "A", "There is no alert"),
    ):
        with pytest.raises(ControlError, match=told):
            book.acknowledge(number, by=by)
    book.acknowledge(alert.id, by="A. Person")
    with pytest.raises(ControlError, match=r"A\. Person has acknowledged alert"):
        book.acknowledge(alert.id, by="B. Person")
