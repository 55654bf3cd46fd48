"""A live game day: what was injected, who came to what when, and the report that is left."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reports import Format, Moment, Verdict, load, render, verify_journal
from reports.model import DrillReport
from scenarios.harness.console import watch
from scenarios.harness.console.application import CONSOLE
from scenarios.harness.console.chronicle import CALLS_TOLD
from scenarios.harness.console.day import STOPPED
from simulator import Api, RealClock, VirtualClock, hours, minutes
from simulator.faults import LostReply, RowsErrored
from tests.builders_console import FACILITATOR, OBSERVER, Theatre, a_theatre

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202eevil\u0000]]>=1+1"
CLOSED = (409, "The game day is closed; its report is written.")


@pytest.fixture
def theatre(tmp_path: Path) -> Theatre:
    """A game day on a virtual clock."""
    return a_theatre(tmp_path)


def card(theatre: Theatre, number: int = 1) -> Any:
    """An incident as the pages see it."""
    return theatre.section("people")[number - 1]


def closed(theatre: Theatre) -> tuple[DrillReport, ...]:
    """The drills of the report that a close leaves, read back from its file."""
    assert 200 == theatre.act("close").status
    return load((theatre.folder / "report.json").read_text("utf-8")).drills


def test_an_injected_fault_reaches_clients_and_is_counted(theatre: Theatre) -> None:
    """From now on, under a number, with the name of who did it and where it struck."""
    assert 200 == theatre.client("GET", "").status

    theatre.inject("Overloaded", on="list", times="1")

    assert [529, 200] == [theatre.client("GET", "").status for _ in range(2)]
    seen = card(theatre)
    assert ("Overloaded", "Ada", 1) == (seen["title"], seen["by"], seen["strikes"])
    assert ["GET /v1/messages/batches"] == seen["faults"][0]["places"]
    assert any("struck by Overloaded" in text for text in theatre.items())


def test_windows_and_spared_batches_count_from_the_injection(theatre: Theatre) -> None:
    """Three hours into the day, `during=0s..1h` is the next hour and not the first."""
    theatre.create()
    theatre.act("advance", seconds=10_800)

    theatre.inject("Overloaded", on="list", during="0s..1h")
    theatre.inject("RowsErrored", share="1", spare_batches="1")

    (hour,), (rows,) = (theatre.day.scorecard.incidents[n].stories for n in range(2))
    assert "during=3h..4h" in hour
    assert "spare_batches=2" in rows
    assert 529 == theatre.client("GET", "").status


def test_people_say_when_a_moment_has_come(theatre: Theatre) -> None:
    """By both clocks, with their name; the first word of a person counts."""
    number = theatre.inject("RowsErrored", share="1")
    theatre.wall.wait(minutes(2))
    theatre.act("advance", seconds=3_600)
    for name in ("Grace", "Alan"):
        theatre.act("say", OBSERVER, by=name, incident=number, moment="noticed", note=" odd rows ")

    noticed = card(theatre)["moments"]["noticed"]

    assert ("Grace", "odd rows", False) == tuple(noticed[k] for k in ("by", "note", "from_books"))
    at = theatre.day.scorecard.incidents[0].words()[0].at
    assert (hours(1), minutes(2)) == (
        at.virtual - theatre.day.opened.virtual,
        at.wall - theatre.day.opened.wall,
    )


def test_a_cancel_after_the_fault_has_struck_stops_it_by_the_books(theatre: Theatre) -> None:
    """It is marked as such, names the client, and means that somebody had noticed by then."""
    theatre.inject("Overloaded", on="list")
    batch = theatre.create()["id"]
    theatre.client("GET", "")
    theatre.client("POST", f"/{batch}/cancel")

    moments = card(theatre)["moments"]

    assert moments["stopped"]["from_books"]
    assert moments["stopped"]["by"].startswith("key ")
    assert f"cancel of {batch}" == moments["stopped"]["note"]
    assert "no later than it was stopped" == moments["noticed"]["note"]
    assert moments["reversed"] is None


def test_a_cancel_before_it_struck_stops_nothing(theatre: Theatre) -> None:
    """Nor does one that the fault itself has struck."""
    theatre.inject("UnknownKeys", on="cancel")
    one, other = (theatre.create()["id"] for _ in range(2))
    theatre.inject("Overloaded", on="list")
    theatre.client("POST", f"/{one}/cancel")
    theatre.client("POST", f"/{other}/cancel")

    assert all(card(theatre, number)["moments"]["stopped"] is None for number in (1, 2))


def test_a_cancel_is_not_credited_to_two_incidents_at_once(theatre: Theatre) -> None:
    """Where several wait to be stopped, it belongs to the one that struck this very batch."""
    theatre.inject("Overloaded", on="list")
    theatre.inject("UnknownKeys", on="retrieve")
    batch = theatre.create()["id"]
    theatre.client("GET", "")
    theatre.client("GET", f"/{batch}")
    theatre.client("POST", f"/{batch}/cancel")

    stopped = [card(theatre, number)["moments"]["stopped"] for number in (1, 2)]

    assert stopped[0] is None
    assert stopped[1]["from_books"]


def test_a_word_can_be_withdrawn_and_stays_on_record(theatre: Theatre) -> None:
    """By the facilitator; then the next word counts, or none."""
    number = theatre.inject("LostReply")
    word = theatre.act("say", incident=number, moment="reversed").document["word"]

    theatre.act("withdraw", word=word)

    seen = card(theatre)
    assert seen["moments"]["reversed"] is None
    assert "Ada" == seen["words"][0]["withdrawn_by"]
    assert 404 == theatre.act("withdraw", word=word).status


def test_what_was_taken_out_strikes_no_more(theatre: Theatre) -> None:
    """Its counts stay."""
    number = theatre.inject("Overloaded", on="list")
    theatre.client("GET", "")

    theatre.act("take-out", incident=number)

    assert 200 == theatre.client("GET", "").status
    assert (1, "Ada") == (card(theatre)["strikes"], card(theatre)["ended_by"])
    assert 409 == theatre.act("take-out", incident=number).status


def test_faults_of_the_start_and_of_admin_calls_are_incidents_too(tmp_path: Path) -> None:
    """Nothing goes wrong behind the scorecard's back."""
    theatre = a_theatre(tmp_path, Api(clock=VirtualClock(), faults=[LostReply()]))
    headers = {"authorization": f"Bearer {FACILITATOR}", "content-type": "application/json"}
    theatre.call("POST", "/_gameday/faults", headers, b'{"name": "Overloaded", "on": "list"}')

    first, second = theatre.section("people")

    assert ("faults from the start", "the command line") == (first["title"], first["by"])
    assert ("faults of an admin call", "an admin call") == (second["title"], second["by"])
    assert "POST /_gameday/faults" in theatre.items()
    theatre.call("DELETE", "/_gameday/faults", headers)
    assert [True, True] == [one["ended_at"] is not None for one in theatre.section("people")]


def test_a_reset_ends_incidents_and_keeps_the_scorecard(tmp_path: Path) -> None:
    """The service forgets; people do not. What was given at the start is back as a new incident."""
    theatre = a_theatre(tmp_path, Api(clock=VirtualClock(), faults=[RowsErrored(1.0)]))
    theatre.inject("Overloaded", on="list")
    theatre.client("GET", "")

    theatre.act("reset")

    assert 0 == theatre.section("service")["calls"]
    assert 1 == card(theatre, 2)["strikes"]
    assert card(theatre, 2)["ended_by"] == "Ada, by a reset"
    assert card(theatre, 3)["by"] == "the command line, after a reset"


def test_the_clock_moves_on_by_hand(theatre: Theatre) -> None:
    """By so much, or to the end of the next batch; never back, never for ever."""
    start = theatre.api.clock.now()
    assert 422 == theatre.act("next-end").status
    theatre.act("advance", seconds=60)
    theatre.create()
    theatre.act("next-end")

    assert start + minutes(1) < theatre.api.clock.now() < start + hours(24)
    assert "ended" == theatre.section("service")["batches"][0]["status"]
    for seconds in (0, -1, 1e12, float("nan"), "60", None, True):
        assert 422 == theatre.act("advance", seconds=seconds).status, seconds
    assert 422 == theatre.act("speed", speed=2).status


def test_real_time_can_run_faster(tmp_path: Path) -> None:
    """Where the clock follows the wall; what has passed has passed."""
    clock = RealClock()
    theatre = a_theatre(tmp_path, Api(clock=clock))

    assert 200 == theatre.act("speed", speed=60).status
    assert (60, "real") == (clock.speed, theatre.section("clock")["kind"])
    for speed in (0, -1, 1e9, float("inf"), "2"):
        assert 422 == theatre.act("speed", speed=speed).status, speed


def test_a_day_that_was_met_passes_and_says_what_that_is_worth(theatre: Theatre) -> None:
    """There was no calm and no bare arm: every face of the report says so."""
    number = theatre.inject("Overloaded", on="list")
    theatre.client("GET", "")
    theatre.wall.wait(minutes(3))
    for moment in Moment:
        theatre.act("say", OBSERVER, by="Grace", incident=number, moment=moment.value)

    (drill,) = closed(theatre)

    assert (Verdict.PASS, "noticed, stopped and reversed; there was no calm and no bare arm") == (
        drill.verdict,
        drill.because,
    )
    assert drill.people is not None
    assert [minutes(3)] * 3 == [word.waited for word in drill.people.words]
    report = theatre.day.report
    assert report is not None
    for form in Format:
        text = render(report, form)
        assert "no calm and no bare arm" in text, form
        assert "Grace" in text or form is Format.CSV, form


def test_what_nobody_came_to_fails(theatre: Theatre) -> None:
    """A person who noticed is not one who stopped it."""
    number = theatre.inject("Overloaded", on="list")
    theatre.client("GET", "")
    theatre.act("say", incident=number, moment="noticed")

    (drill,) = closed(theatre)

    assert (Verdict.FAIL, "never stopped and never reversed") == (drill.verdict, drill.because)


def test_what_never_struck_proves_nothing(theatre: Theatre) -> None:
    """Whatever people say about it."""
    number = theatre.inject("Overloaded", on="list")
    for moment in Moment:
        theatre.act("say", incident=number, moment=moment.value)

    (drill,) = closed(theatre)

    assert Verdict.INCONCLUSIVE is drill.verdict


def test_a_day_without_an_incident_proves_nothing(theatre: Theatre) -> None:
    """An empty scorecard is not green."""
    assert "INCONCLUSIVE" == theatre.act("close").document["verdict"]
    assert theatre.section("day")["closed"]


def test_after_the_end_nothing_is_changed(theatre: Theatre) -> None:
    """The report stands; faults are out; clients go on being served."""
    number = theatre.inject("Overloaded", on="list")
    theatre.act("close")

    for name in ("inject", "take-out", "advance", "reset", "say", "note", "withdraw", "close"):
        reply = theatre.act(name, incident=number, seconds=1, moment="noticed", note="late", word=1)
        assert CLOSED == (reply.status, reply.document["error"]), name
    assert 200 == theatre.client("GET", "").status
    headers = {"authorization": f"Bearer {OBSERVER}"}
    page = theatre.call("GET", f"{CONSOLE}report/report.html", headers)
    assert (theatre.folder / "report.html").read_bytes() == page.body
    assert "attachment" in page.headers["content-disposition"]


def test_a_server_that_is_stopped_closes_the_day(theatre: Theatre) -> None:
    """Nobody loses an hour of other people's work by Ctrl-C."""
    theatre.inject("Overloaded", on="list")

    page = theatre.day.stop()

    assert theatre.folder / "report.html" == page
    state = verify_journal(theatre.folder / "journal.jsonl")
    assert (True, STOPPED) == (state.finished, state.last_fields["closed_by"])


def test_an_empty_day_leaves_no_report_when_the_server_stops(theatre: Theatre) -> None:
    """Somebody only looked."""
    assert theatre.day.stop() is None
    assert not (theatre.folder / "report.html").exists()


def test_the_journal_is_an_unbroken_chain_of_what_was_done(theatre: Theatre) -> None:
    """With names; plain looking is left out, and so are keys and tokens."""
    number = theatre.inject("Overloaded", on="list", times="1")
    theatre.create()
    for _ in range(2):
        theatre.client("GET", "")
    theatre.act("say", incident=number, moment="noticed")
    theatre.act("close")

    text = (theatre.folder / "journal.jsonl").read_text("ascii")
    events = [json.loads(line) for line in text.splitlines()]
    told = [(event["event"], event["fields"].get("who")) for event in events]

    assert verify_journal(theatre.folder / "journal.jsonl").finished
    assert ("fault", "Ada") in told
    assert ("people", "Ada") in told
    calls = [event["fields"]["what"] for event in events if event["event"] == "call"]
    path = "/v1/messages/batches"
    assert [f"POST {path} → 200", f"GET {path} → 529; struck by Overloaded"] == calls
    assert not [secret for secret in (FACILITATOR, OBSERVER, "key-of-a-client") if secret in text]


def test_a_report_whose_people_say_otherwise_is_refused(theatre: Theatre) -> None:
    """`gameday report` judges a live incident again."""
    theatre.inject("Overloaded", on="list")
    theatre.client("GET", "")
    theatre.act("close")
    text = (theatre.folder / "report.json").read_text("utf-8")
    forged = text.replace('"verdict": "FAIL"', '"verdict": "PASS"')

    with pytest.raises(Exception, match="its people make it FAIL"):
        load(forged)


def test_hostile_texts_reach_nobody_as_themselves(theatre: Theatre) -> None:
    """Names, notes, ids, paths and user agents: bounded, and visible instead of obeyed."""
    number = theatre.inject("RowsErrored", share="1")
    headers = {"x-api-key": "k", "user-agent": "\x1b]0;owned\x07" + "a" * 5_000}
    theatre.call("GET", "/v1/" + "x" * 5_000 + "\x1b[2J", headers)
    theatre.create(1, "row-" + "y" * 60)
    theatre.act("advance", seconds=86_400)
    theatre.act("say", by="Eve\u202e", incident=number, moment="noticed", note=HOSTILE)
    theatre.act("note", by="Eve", note=HOSTILE)
    events = theatre.stream()

    for event in events:
        for character in "\x1b\u202e\x00\x07":
            assert character not in json.dumps(event["data"], ensure_ascii=False)
    assert all(len(e["data"]["what"]) < 1_000 for e in events if e["event"] == "item")
    assert any("\\u202eevil" in text for text in theatre.items())
    theatre.act("close")
    page = (theatre.folder / "report.html").read_text("utf-8")
    assert "<script>alert" not in page
    assert "\u202e" not in page


def test_a_note_and_a_number_have_bounds(theatre: Theatre) -> None:
    """Somebody who floods the scorecard is stopped in words."""
    number = theatre.inject("LostReply")

    assert 422 == theatre.act("note", note="x" * 501).status
    assert 422 == theatre.act("note", note=" ").status
    assert 422 == theatre.act("say", incident=number, moment="bored").status
    assert 404 == theatre.act("say", incident=99, moment="noticed").status
    statuses = [theatre.act("say", incident=number, moment="noticed").status for _ in range(101)]
    assert [200] * 100 + [409] == statuses


def test_time_that_passes_by_itself_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody calls, and a batch ends: the next look tells it."""
    monkeypatch.setattr(watch, "TICK_SECONDS", 0.01)
    theatre = a_theatre(tmp_path)
    theatre.create()
    theatre.api.clock.sleep(timedelta(days=1))

    async def look_on() -> None:
        task = asyncio.create_task(theatre.day.watch.run())
        await asyncio.sleep(0.05)
        task.cancel()

    theatre.runner.run(look_on())

    assert any("has ended: 3 succeeded" in text for text in theatre.items())


def test_a_storm_of_calls_drives_no_act_out_of_the_report(theatre: Theatre) -> None:
    """Calls are bounded apart from what people do, and what is left out is counted."""
    number = theatre.inject("Overloaded", on="list")
    theatre.act("say", incident=number, moment="noticed")
    for _ in range(CALLS_TOLD + 20):
        theatre.client("GET", "")
    theatre.act("note", note="it is over")

    (drill,) = closed(theatre)

    assert drill.people is not None
    timeline = [entry.what for entry in drill.people.timeline]
    assert CALLS_TOLD == sum("GET /v1" in what and "→ 529" in what for what in timeline)
    assert "it is over" in timeline
    assert "20 events more, most of them calls: journal.jsonl has them" == timeline[-1]
