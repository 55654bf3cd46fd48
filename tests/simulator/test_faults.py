"""What single faults do, in detail; what all of them must do is in `faults/test_catalogue.py`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from simulator import Api, LabelOracle, Request, SimulatorError, Truth, days, hours, minutes
from simulator.clock import START
from simulator.faults import (
    DRIFTS,
    AnswersSwapped,
    BrokenLines,
    Endpoint,
    Fault,
    LostReply,
    NoFault,
    Overloaded,
    RowsDuplicated,
    RowsErrored,
    RowsExpired,
    RowsMissing,
    RunsOn,
    SchemaDrift,
    Stall,
    UnknownRows,
    Window,
    WrongButValid,
    first,
)
from simulator.faults.drift import drifted
from simulator.faults.fault import duration, shown
from simulator.faults.seams import (
    AnswerFault,
    LifecycleFault,
    Line,
    ResultsFault,
    RowFault,
    WireCall,
    WireFault,
)
from simulator.randomness import RowDice
from simulator.schedule import Pace
from tests.simulator.builders import (
    a_batch,
    a_request,
    an_ended_batch,
    by_id,
    call,
    create,
    document,
    message,
    requests,
    results,
    retrieve,
    texts,
)

LABELS = ("good", "bad", "mixed")
ROWS = 200


def an_api(*faults: Fault, seed: int = 0) -> Api:
    """A service with a labelling model that is always right."""
    truths = {f"text {row}": Truth(f"subject-{row}", LABELS[row % 3]) for row in range(ROWS)}
    return Api(seed=seed, responder=LabelOracle(truths, LABELS), faults=faults)


def rows(count: int = ROWS, **changes: Any) -> list[dict[str, Any]]:
    """Requests that ask for JSON."""
    return requests(count, system="Answer in JSON.", **changes)


def run(*faults: Fault, seed: int = 0, batches: int = 1) -> Api:
    """So many batches, each looked at, polled and downloaded."""
    api = an_api(*faults, seed=seed)
    for _ in range(batches):
        response = create(api, rows())
        if response.status == 200:
            api.clock.sleep(hours(24))
            batch_id = api.books().batches[-1].id
            retrieve(api, batch_id)
            results(api, batch_id).read()
    return api


def comparable(api: Api) -> list[tuple[Any, ...]]:
    """The books without the raw params, which compare by identity."""
    return [
        tuple(getattr(request, field) for field in request.__struct_fields__ if field != "params")
        for request in api.books().requests
    ]


# The wire.


def test_a_lost_reply_leaves_the_batch_behind() -> None:
    """Accepted, billed later, and the client never heard of it."""
    api = an_api(LostReply())

    lost = create(api, rows(2))
    second = create(api, rows(2))

    assert lost.cut is not None
    assert (lost.cut.kind, lost.read()) == ("lost", b"")
    assert second.cut is None
    books = api.books()
    assert len(books.batches) == 2
    assert (200, "lost", books.batches[0].id, "LostReply") == (
        books.calls[0].status,
        books.calls[0].cut,
        books.calls[0].batch_id,
        books.calls[0].struck_by,
    )
    assert books.firings["LostReply()"].places == ("POST /v1/messages/batches",)


def test_overload_is_answered_before_anything_is_done() -> None:
    """529 and no batch; only where it was asked for."""
    api = an_api(Overloaded(on=Endpoint.CREATE, times=1))

    assert call(api, "GET", "/v1/messages/batches").status == 200
    refused = create(api, rows(1))

    assert (refused.status, message(refused)) == (529, "Overloaded")
    assert document(refused)["error"]["type"] == "overloaded_error"
    assert refused.header("request-id") == document(refused)["request_id"]
    assert api.books().batches == ()
    assert create(api, rows(1)).status == 200


def test_a_wire_fault_can_strike_every_endpoint() -> None:
    """Without `on`, any call; by share."""
    api = an_api(Overloaded(share=0.5))

    statuses = [call(api, "GET", "/v1/models").status for _ in range(200)]

    assert 70 < statuses.count(529) < 130


# The lifecycle.


def test_a_stall_fires_when_it_begins() -> None:
    """Not when it is planned: a batch cancelled before was never stalled."""
    api = an_api(Stall(after_share=0.5, lasting=hours(1)))
    a_batch(api, 10)
    assert len(api.plan.silent()) == 1
    api.clock.sleep(hours(1))

    (firing,) = api.books().firings.values()

    assert firing.count == 1
    assert firing.places[0].endswith("after 5 of 10 requests")


def test_a_stall_beyond_a_short_batch_does_not_strike() -> None:
    """500 requests are never reached in a canary of 10."""
    api = an_api(Stall(after_requests=500, lasting=hours(25)))
    an_ended_batch(api, 10)

    assert len(api.plan.silent()) == 1
    assert api.books().batches[0].counts.succeeded == 10


# The rows.


def test_errored_rows_look_like_an_overload() -> None:
    """Two levels, a worker's request id, not billed, tagged."""
    api = an_api(RowsErrored(1.0, error_type="api_error"))
    batch_id = an_ended_batch(api, 1)

    error = by_id(api, batch_id)["row-0"]["error"]
    (row,) = api.books().requests

    assert (error["error"]["type"], error["error"]["message"]) == ("api_error", "Overloaded")
    assert error["request_id"].startswith("workerreq_01")
    assert (
        row.outcome,
        row.error_type,
        row.billed_picodollars,
        row.tags,
    ) == ("errored", "api_error", 0, ("RowsErrored",))


def test_expired_rows_keep_the_batch_open_for_its_day() -> None:
    """A row expires after 24 hours, so the batch cannot end before."""
    api = an_api(RowsExpired(0.1))
    batch_id = a_batch(api, rows())
    api.clock.sleep(hours(23))
    assert document(retrieve(api, batch_id))["processing_status"] == "in_progress"
    assert len(api.plan.silent()) == 1
    api.clock.sleep(hours(1))

    counts = document(retrieve(api, batch_id))["request_counts"]

    assert 5 < counts["expired"] < 40
    assert counts["expired"] + counts["succeeded"] == ROWS
    assert counts["expired"] == api.books().firings["RowsExpired(share=0.1)"].count


def test_a_row_that_is_refused_anyway_is_not_struck() -> None:
    """Its own error comes first."""
    api = an_api(RowsErrored(1.0))
    an_ended_batch(api, [a_request("a", max_tokens=0)])

    assert api.books().requests[0].error_type == "invalid_request_error"
    assert len(api.plan.silent()) == 1


# The answers.


def test_every_kind_of_drift_appears() -> None:
    """The kinds take turns; each strike is tagged with its kind, and the model's text is kept."""
    api = run(SchemaDrift(0.5))

    struck = [row for row in api.books().requests if "SchemaDrift" in row.tags]

    assert set(DRIFTS) == {row.tags[0] for row in struck}
    assert all(row.text != row.sent_text for row in struck)
    assert all(set(msgspec.json.decode(row.text)) == {"label", "score"} for row in struck)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("fenced", '```json\n{"label":"good","score":0.5}\n```'),
        ("wrong_types", '{"label":"good","score":"0.5"}'),
        ("nan", '{"label":"good","score":NaN}'),
        ("true_score", '{"label":"good","score":true}'),
        ("out_of_range", '{"label":"good","score":151.0}'),
        ("list_not_object", '[{"label":"good","score":0.5}]'),
        ("unknown_label", '{"label":"unclear/other","score":0.5}'),
        ("empty", ""),
    ],
)
def test_what_drift_does(kind: str, expected: str) -> None:
    """Each kind, on the same answer."""
    assert expected == drifted(kind, '{"label":"good","score":0.5}', RowDice(1))


@pytest.mark.parametrize("kind", ["malformed", "truncated", "prose_around", "nan"])
def test_some_drift_is_no_json(kind: str) -> None:
    """A strict reader refuses it, for any dice."""
    for row in range(20):
        text = drifted(kind, '{"label":"good","score":0.5}', RowDice(1).at(row))

        assert text is not None
        with pytest.raises(msgspec.MsgspecError):
            msgspec.json.decode(text)


@pytest.mark.parametrize("kind", ["missing_field", "extra_field", "null_field"])
def test_some_drift_is_json_of_another_shape(kind: str) -> None:
    """It decodes, and is not what was asked for."""
    text = drifted(kind, '{"label":"good","score":0.5}', RowDice(1))

    assert text is not None
    assert msgspec.json.decode(text) != {"label": "good", "score": 0.5}


@pytest.mark.parametrize("text", ["plain prose", "", "[1]", "{}", "1", "[" * 5_000])
@pytest.mark.parametrize("kind", DRIFTS)
def test_drift_needs_a_json_object(kind: str, text: str) -> None:
    """There is nothing to bend in anything else."""
    assert drifted(kind, text, RowDice(1)) is None


@pytest.mark.parametrize("kind", ["nan", "true_score", "out_of_range", "unknown_label"])
def test_drift_that_finds_nothing_to_change(kind: str) -> None:
    """Numbers or texts have to be there; wrong types finds something anyway."""
    text = '{"a":null}'

    assert drifted(kind, text, RowDice(1)) is None
    assert drifted("wrong_types", text, RowDice(1)) == '{"a":[null]}'


def test_drift_does_not_strike_prose() -> None:
    """And says nothing of the kind."""
    api = Api(faults=[SchemaDrift(1.0), WrongButValid(1.0, ("a", "b"))])
    an_ended_batch(api, 3)

    assert len(api.plan.silent()) == 2


def test_a_wrong_label_is_the_only_change() -> None:
    """Another label of the list; the score is untouched, and so is what the model said."""
    api = run(WrongButValid(0.3, LABELS))

    struck = [row for row in api.books().requests if row.tags == ("WrongButValid",)]

    assert 30 < len(struck) < 90
    for row in struck:
        said, sent = msgspec.json.decode(row.text), msgspec.json.decode(row.sent_text)
        assert sent["label"] != said["label"]
        assert sent["label"] in LABELS
        assert said | {"label": sent["label"]} == sent


def test_a_wrong_label_needs_another_one() -> None:
    """With one label only, or under a key that is not there, nothing is changed."""
    alone = run(WrongButValid(1.0, ("good",)))
    elsewhere = run(WrongButValid(1.0, LABELS, key="verdict"))

    assert all(row.sent_text.startswith('{"label":"good"') for row in alone.books().requests)
    assert len(elsewhere.plan.silent()) == 1


def test_an_answer_that_runs_on_is_billed_in_full() -> None:
    """It stops at `max_tokens`, with that stop reason, and is no JSON."""
    api = an_api(RunsOn(1.0))
    batch_id = an_ended_batch(api, rows(1))

    (row,) = api.books().requests
    (text,) = texts(api, batch_id).values()

    assert (row.output_tokens, row.stop_reason, row.tags) == (64, "max_tokens", ("RunsOn",))
    assert len(text) == 64 * 4
    with pytest.raises(msgspec.MsgspecError):
        msgspec.json.decode(text)


def test_faults_of_answers_add_up() -> None:
    """Two faults may bend one answer, in the order of the plan."""
    api = run(WrongButValid(1.0, LABELS), SchemaDrift(1.0, kinds=("fenced",)))

    assert {("WrongButValid", "fenced", "SchemaDrift")} == {
        row.tags for row in api.books().requests
    }


# The results file.


def names(body: bytes) -> list[str]:
    """The custom_ids of a file, in order."""
    return [msgspec.json.decode(line)["custom_id"] for line in body.splitlines()]


def test_missing_rows_come_back_with_the_next_download() -> None:
    """One download is struck by default; with `times=None` the same rows stay lost."""
    api = an_api(RowsMissing(0.1))
    batch_id = an_ended_batch(api, rows())
    stays = an_api(RowsMissing(0.1, times=None))
    stays_id = an_ended_batch(stays, rows())

    lost, whole = names(results(api, batch_id).read()), names(results(api, batch_id).read())

    assert len(lost) < ROWS == len(whole)
    assert results(stays, stays_id).read() == results(stays, stays_id).read()
    firing = api.books().firings["RowsMissing(share=0.1)"]
    assert ROWS - len(lost) == firing.count
    assert not set(firing.places) & set(lost)


def test_duplicated_rows_stand_twice() -> None:
    """The same line twice, somewhere."""
    api = an_api(RowsDuplicated(0.1))
    found = names(results(api, an_ended_batch(api, rows())).read())

    twice = {name for name in found if found.count(name) == 2}

    assert len(found) - ROWS == len(twice) == api.books().firings["RowsDuplicated(share=0.1)"].count
    assert len(set(found)) == ROWS


def test_swapped_answers_keep_form_and_counts() -> None:
    """Pairs of succeeded rows bear each other's answer; the books know the right one."""
    api = an_api(AnswersSwapped(0.1), RowsErrored(0.5))
    batch_id = an_ended_batch(api, rows())
    books = api.books()
    own = {row.custom_id: row.message_id for row in books.requests}

    delivered = by_id(api, batch_id)
    swapped = {
        name
        for name, result in delivered.items()
        if result["type"] == "succeeded" and result["message"]["id"] != own[name]
    }

    firing = api.books().firings["AnswersSwapped(share=0.1)"]
    assert len(swapped) == firing.count > 0
    assert firing.count % 2 == 0
    assert set(firing.places) <= swapped
    assert len(delivered) == ROWS


def test_one_swapped_row_finds_a_partner() -> None:
    """A share that catches a single row takes a second one; a file of one row has none."""
    lines = [Line(f"row-{row}", row) for row in range(40)]
    books = an_api()
    an_ended_batch(books, rows(40))

    found = [
        AnswersSwapped(0.03).bend(list(map(copied, lines)), books.books().requests, RowDice(seed))
        for seed in range(30)
    ]

    assert {0, 2} <= {len(concerned) for concerned in found}
    assert AnswersSwapped(1.0).bend(lines[:1], books.books().requests, RowDice(1)) == []


def copied(line: Line) -> Line:
    """Another line like it."""
    return Line(line.custom_id, line.row)


def test_unknown_rows_were_never_sent() -> None:
    """Valid ids, valid results, nobody's rows."""
    api = an_api(UnknownRows(3))
    found = names(results(api, an_ended_batch(api, rows())).read())

    strangers = set(found) - {f"row-{row}" for row in range(ROWS)}

    assert len(found) == ROWS + 3
    assert len(strangers) == 3
    assert strangers == set(api.books().firings["UnknownRows(count=3)"].places)
    assert all(len(name) <= 64 for name in strangers)


def test_broken_lines_are_no_json() -> None:
    """Cut, garbled, blank, in turn; the other lines are whole."""
    api = an_api(BrokenLines(3))
    body = results(api, an_ended_batch(api, rows())).read()

    broken = []
    for line in body.split(b"\n")[:-1]:
        try:
            msgspec.json.decode(line)
        except msgspec.MsgspecError:
            broken.append(line)

    assert len(broken) == 3
    assert b"" in broken
    assert body.count(b"\n") == ROWS


# What all share.


def test_no_fault_is_no_fault() -> None:
    """The neutral member changes nothing and is not counted as silent."""
    api = run(NoFault())

    assert comparable(run()) == comparable(api)
    assert (api.plan.silent(), api.books().firings) == ((), {})
    assert (NoFault().describe(), NoFault().planned()) == ("NoFault()", "nothing")


def test_the_same_fault_twice_is_counted_twice() -> None:
    """Each has its own name in the books, and its own dice."""
    books = run(RowsErrored(0.1), RowsErrored(0.1)).books()

    assert list(books.firings) == ["RowsErrored(share=0.1)", "RowsErrored(share=0.1) #2"]
    one, other = books.firings.values()
    assert one.places != other.places


def test_a_plan_takes_faults_only() -> None:
    """Anything else is refused at the start."""
    with pytest.raises(SimulatorError, match="no fault"):
        Api(faults=["Stall"])  # type: ignore[list-item]


DESCRIPTIONS = [
    (
        Stall(after_share=0.5, lasting=hours(25)),
        "Stall(after_share=0.5, lasting=25h)",
        "all batches",
    ),
    (
        RowsErrored(0.02, spare_batches=1),
        "RowsErrored(share=0.02, spare_batches=1)",
        "2% of the rows, after the first batch",
    ),
    (
        LostReply(on=Endpoint.CANCEL, times=2),
        "LostReply(on=cancel, times=2)",
        "all cancel calls, 2 times at most",
    ),
    (
        Overloaded(during=first(hours(1)), spare_batches=2),
        "Overloaded(during=0s..1h, spare_batches=2)",
        "all calls, after the first 2 batches",
    ),
    (
        SchemaDrift(0.125, kinds=("nan", "empty")),
        "SchemaDrift(share=0.125, kinds=[nan, empty])",
        "12.5% of the rows",
    ),
    (RowsMissing(0.1), "RowsMissing(share=0.1)", "10% of the rows, in the first download"),
    (
        RowsMissing(0.1, times=3),
        "RowsMissing(share=0.1, times=3)",
        "10% of the rows, in 3 downloads",
    ),
    (RowsMissing(0.1, times=None), "RowsMissing(share=0.1, times=None)", "10% of the rows"),
    (UnknownRows(2), "UnknownRows(count=2)", "2 unknown rows in each results file"),
    (BrokenLines(), "BrokenLines()", "1 broken line in each results file"),
]


@pytest.mark.parametrize(("fault", "described", "planned"), DESCRIPTIONS)
def test_a_fault_describes_itself(fault: Fault, described: str, planned: str) -> None:
    """As one would write it, and in words."""
    assert (described, planned) == (fault.describe(), fault.planned())


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (timedelta(0), "0s"),
        (hours(25), "25h"),
        (hours(24), "24h"),
        (days(2), "2d"),
        (minutes(90), "90min"),
        (timedelta(seconds=1.5), "1.5s"),
    ],
)
def test_durations_are_shown_short(span: timedelta, expected: str) -> None:
    """The largest unit that divides them."""
    assert expected == duration(span)


def test_other_settings_are_shown_too() -> None:
    """A later fault may have settings of any kind."""
    assert shown(START) == "2026-11-20T09:00:00+00:00"
    assert shown(b"x") == "b'x'"


BAD: list[tuple[Callable[[], object], str]] = [
    (lambda: RowsErrored(1.5), "share=1.5 is no share"),
    (lambda: RowsErrored(-0.1), "Use 0 to 1"),
    (lambda: RowsErrored(0.1, times=0), "share=0 switches a fault off"),
    (lambda: RowsErrored(0.1, spare_batches=-1), "Use 0 or more"),
    (lambda: RowsErrored(0.1, error_type="oops"), "Use one of invalid_request_error"),
    (lambda: Stall(lasting=hours(1)), "after_requests or after_share"),
    (lambda: Stall(after_requests=1, after_share=0.5, lasting=hours(1)), "not both"),
    (lambda: Stall(after_requests=-1, lasting=hours(1)), "Use 0 or more"),
    (lambda: Stall(after_share=1.0, lasting=hours(1)), "less than 1"),
    (lambda: Stall(after_share=0.5, lasting=hours(0)), "more than zero"),
    (lambda: SchemaDrift(0.1, kinds=()), "Pass a tuple"),
    (lambda: SchemaDrift(0.1, kinds=("odd",)), "no kinds"),
    (lambda: SchemaDrift(0.1, kinds="nan"), "Pass a tuple"),  # type: ignore[arg-type]
    (lambda: WrongButValid(0.1, ()), "Pass a tuple"),
    (lambda: UnknownRows(0), "Use 1 or more"),
    (lambda: BrokenLines(0), "Use 1 or more"),
    (lambda: Window(hours(2), hours(1)), "holds no time"),
    (lambda: Window(hours(-1), hours(1)), "Start at zero"),
]


@pytest.mark.parametrize(("make", "expected"), BAD)
def test_a_fault_that_cannot_be(make: Callable[[], object], expected: str) -> None:
    """Refused where it is written, with what to write instead."""
    with pytest.raises(SimulatorError, match=expected):
        make()


def test_a_family_has_one_seam() -> None:
    """The bases only name it."""
    request = Request(method="GET", path="/")
    seams: list[Callable[[], object]] = [
        lambda: WireFault().strike(WireCall(Endpoint.LIST, request, "")),
        lambda: LifecycleFault().bend(Pace(1, hours(1))),
        lambda: RowFault(0.1).fate,
        lambda: AnswerFault(0.1).bend(None, 0, RowDice(1)),  # type: ignore[arg-type]
        lambda: ResultsFault().bend([], [], RowDice(1)),
    ]
    for seam in seams:
        with pytest.raises(NotImplementedError):
            seam()
