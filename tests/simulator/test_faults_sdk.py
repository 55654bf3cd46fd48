"""What the official client does with each fault, over a real socket (contract 7 and 8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import anthropic
import httpx2
import pytest

from simulator import Api, LabelOracle, Truth, VirtualClock, hours, seconds
from simulator.faults import CATALOGUE, Fault, from_dict, to_dict
from simulator.server import Server
from simulator.wire import Endpoint
from tests.simulator.builders import requests
from tests.simulator.faults.examples import CANCELING, LABELS, NAMES, make

ROWS: Final = 40
PATIENCE: Final = 10.0
LITTLE_PATIENCE: Final = 0.2
"""Seconds: longer than any call that goes well, shorter than any silence here."""

API: Final = Api(
    responder=LabelOracle(
        {f"text {row}": Truth(f"subject-{row}", LABELS[row % 3]) for row in range(ROWS)}, LABELS
    )
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """One server for all of them."""
    with Server(API) as server:
        yield server.url


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client would have waited before each retry; it does not."""
    found: list[float] = []
    real = anthropic.Anthropic._calculate_retry_timeout

    def noted(self: Any, *args: Any, **settings: Any) -> float:
        found.append(real(self, *args, **settings))
        return 0.0

    monkeypatch.setattr(anthropic.Anthropic, "_calculate_retry_timeout", noted)
    return found


def a_client(url: str, **settings: Any) -> anthropic.Anthropic:
    """The official client, which does not try again."""
    settings = {"timeout": PATIENCE, "max_retries": 0} | settings
    return anthropic.Anthropic(api_key="test", base_url=url, **settings)


def strike(*faults: Fault) -> None:
    """A fresh service with these faults."""
    API.clock = VirtualClock(datetime.now(UTC))
    API.reset()
    API.plan.replace(faults)


def outcome(step: Callable[[], object]) -> str:
    """What a step gave, or what it raised."""
    try:
        return str(step())
    except Exception as raised:  # noqa: BLE001 - which one is what we want to know
        return type(raised).__name__


class Journey:
    """One batch from its creation to its results, step by step, whatever happens on the way."""

    def __init__(self, client: anthropic.Anthropic, *, cancels: bool = False) -> None:
        self.batches = client.messages.batches
        self.rows: list[Any] = []
        self.seen: dict[str, str] = {"create": outcome(self.create)}
        API.clock.sleep(seconds(5))
        known = API.books().batches
        if not known:
            return
        self.batch_id = known[-1].id
        self.seen["poll"] = outcome(self.poll)
        self.seen["list"] = outcome(self.list)
        if cancels:
            self.seen["cancel"] = outcome(self.cancel)
        API.clock.sleep(hours(24))
        self.seen["ended"] = outcome(self.poll)
        self.seen["results"] = outcome(self.results)

    def create(self) -> str:
        """Its status, or the type of what is no batch."""
        batch: Any = self.batches.create(requests=requests(ROWS, system="Answer in JSON."))  # type: ignore[arg-type]
        return batch.processing_status if hasattr(batch, "type") else type(batch).__name__

    def poll(self) -> str:
        """The same."""
        batch: Any = self.batches.retrieve(self.batch_id)
        return batch.processing_status if hasattr(batch, "type") else type(batch).__name__

    def list(self) -> str:
        """How many there are, up to five."""
        return f"{len(list(islice(self.batches.list(), 5)))} listed"

    def cancel(self) -> str:
        """What a cancel says."""
        return self.batches.cancel(self.batch_id).processing_status

    def results(self) -> str:
        """How many rows came before the end, or before what ended them."""
        for row in self.batches.results(self.batch_id):
            self.rows.append(row)
        return f"{len(self.rows)} rows"


# Statuses and connections: which exception, and whether the client tries again.

STATUSES: Final[dict[str, tuple[dict[str, Any], str, int]]] = {
    "Refused": ({}, "APIConnectionError", 2),
    "TlsFailure": ({}, "APIConnectionError", 2),
    "ConnectionReset": ({}, "APIConnectionError", 2),
    "LostReply": ({"on": Endpoint.LIST}, "APIConnectionError", 2),
    "OnHold": ({}, "BadRequestError", 1),
    "Unauthorized": ({}, "AuthenticationError", 1),
    "PaymentRequired": ({}, "PaymentRequiredError", 1),
    "Forbidden": ({}, "PermissionDeniedError", 1),
    "RequestTimeout": ({}, "RequestTimeoutError", 2),
    "Conflict": ({}, "ConflictError", 2),
    "EdgeTooLarge": ({}, "ContentTooLargeError", 1),
    "RateLimited": ({}, "RateLimitError", 2),
    "SpendCapReached": ({}, "EnforcedSpendLimitReachedError", 2),
    "ServerError": ({}, "InternalServerError", 2),
    "BadGateway": ({}, "InternalServerError", 2),
    "Unavailable": ({}, "ServiceUnavailableError", 2),
    "GatewayTimeout": ({}, "GatewayTimeoutError", 2),
    "EdgeError": ({}, "InternalServerError", 2),
    "Overloaded": ({}, "OverloadedError", 2),
    "NoBatchSupport": ({}, "NotFoundError", 1),
}
"""The settings, the exception, and how many attempts there were with one retry allowed."""


@pytest.mark.parametrize("name", STATUSES)
def test_an_error_has_its_exception_and_its_retries(
    name: str, url: str, waits: list[float]
) -> None:
    """Contract 8.2, the whole table: which class, and whether a second attempt came."""
    settings, expected, attempts = STATUSES[name]
    strike(make(name, **{"times": None, **settings}))
    with a_client(url, max_retries=1) as client:
        found = outcome(client.messages.batches.list)

    assert (expected, attempts) == (found, len(API.history))
    assert [0, 1][:attempts] == [call.retry_count for call in API.history]
    assert attempts - 1 == len(waits)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"name": "OnHold", "error_code": "organization_on_hold"}, "OrganizationOnHoldError"),
        (
            {"name": "PaymentRequired", "error_code": "linked_organization_spend_limit_reached"},
            "LinkedOrganizationSpendLimitReachedError",
        ),
        (
            {"name": "RateLimited", "error_code": "ramp_limit_exceeded"},
            "RampLimitExceededError",
        ),
        (
            {"name": "SpendCapReached", "error_code": "contract_spend_limit_reached"},
            "ContractSpendLimitReachedError",
        ),
        ({"name": "Unavailable", "error_code": "cmek_key_unreachable"}, "CMEKKeyUnreachableError"),
    ],
)
def test_an_error_code_has_an_exception_of_its_own(
    fault: dict[str, Any], expected: str, url: str
) -> None:
    """Contract 8.2, the second table."""
    strike(from_dict(fault))
    with a_client(url) as client:
        assert expected == outcome(client.messages.batches.list)


@pytest.mark.parametrize(
    ("settings", "low", "high"),
    [
        ({"retry_after": 7}, 7.0, 7.0),
        ({"retry_after": 1.5}, 1.5, 1.5),
        ({"retry_after": 3600}, 3600.0, 3600.0),
        ({"retry_after": 10**9}, 4_294_967.0, 4_294_967.0),
        ({"retry_after": 0}, 0.375, 0.5),
        ({"retry_after": -5}, 0.375, 0.5),
        ({"retry_after": None}, 0.375, 0.5),
        ({"retry_after": -3600, "as_date": True}, 0.375, 0.5),
        ({"retry_after": 60, "as_date": True}, 50.0, 60.0),
        ({"retry_after": 10**9, "as_date": True}, 10**6, 10**9),
    ],
)
def test_the_client_waits_as_long_as_it_is_told(
    settings: dict[str, Any], low: float, high: float, url: str, waits: list[float]
) -> None:
    """Contract 8.4: seconds, decimals and dates; zero and less mean the default wait."""
    strike(make("RateLimited", times=1, **settings))
    with a_client(url, max_retries=1) as client:
        client.messages.batches.list()

    (wait,) = waits
    assert low <= wait <= high


@pytest.mark.parametrize("retry", [True, False])
def test_a_header_overrules_the_status(retry: bool, url: str, waits: list[float]) -> None:  # noqa: FBT001
    """Contract 8.4: a 404 is tried again, a 529 is not."""
    strike(make("Forbidden" if retry else "Overloaded"), make("ShouldRetry", retry=retry))
    with a_client(url, max_retries=1) as client:
        outcome(client.messages.batches.list)

    assert (1 + retry, retry) == (len(API.history), len(waits))


def test_a_lost_reply_makes_three_batches(url: str, waits: list[float]) -> None:
    """Contract 8.4, the double-create hazard, with the retries of the client."""
    strike(make("StallsBeforeHeaders", on=Endpoint.CREATE, lasting=seconds(30)))
    with a_client(url, max_retries=2, timeout=LITTLE_PATIENCE) as client:
        found = outcome(lambda: client.messages.batches.create(requests=requests(2)))  # type: ignore[arg-type]

    assert "APITimeoutError" == found
    assert [0, 1, 2] == [call.retry_count for call in API.history]
    assert len(API.books().batches) == 3
    assert len(waits) == 2


# What the reply itself looks like.


def test_the_id_of_a_request_comes_from_the_header(url: str) -> None:
    """Contract 3.2 and 8.1: not from the body, and the body may lack it."""
    found = []
    for name in ("NoRequestIdHeader", "NoRequestIdInBody"):
        strike(make("Overloaded"), make(name))
        with a_client(url) as client, pytest.raises(anthropic.OverloadedError) as raised:
            client.messages.batches.list()
        found.append((raised.value.request_id is None, "request_id" in raised.value.body))  # type: ignore[operator]

    assert [(True, True), (False, False)] == found


def test_an_error_without_type_keeps_its_class(url: str) -> None:
    """Contract 15, incident 5: the status decides; and details decide where there are some."""
    strike(make("Overloaded"), make("UntypedEnvelope"))
    with a_client(url) as client:
        untyped = outcome(client.messages.batches.list)
        strike(make("RateLimited"), make("ErrorDetails"))
        detailed = outcome(client.messages.batches.list)

    assert ("OverloadedError", "RampLimitExceededError") == (untyped, detailed)


# The journey of a batch: what differs from a calm one.

CALM: Final = {
    "create": "in_progress",
    "poll": "in_progress",
    "list": "1 listed",
    "ended": "ended",
    "results": f"{ROWS} rows",
}
JOURNEYS: Final[dict[str, tuple[dict[str, Any], dict[str, str]]]] = {
    "EventualNotFound": ({}, {"poll": "NotFoundError", "ended": "NotFoundError"}),
    "ResetMidReply": ({"on": Endpoint.RESULTS}, {"results": "ReadError"}),
    "StallsBeforeHeaders": (
        {"on": Endpoint.CREATE, "lasting": seconds(30)},
        {"create": "APITimeoutError"},
    ),
    "StallsMidBody": ({"on": Endpoint.RESULTS, "lasting": seconds(30)}, {"results": "ReadTimeout"}),
    "SlowDrip": ({"on": Endpoint.LIST, "lasting": seconds(0.01), "piece_bytes": 64}, {}),
    "EmptyReply": ({"on": Endpoint.CREATE}, {"create": "JSONDecodeError"}),
    "HtmlReply": ({"on": Endpoint.CREATE}, {"create": "str"}),
    "ArrayReply": ({"on": Endpoint.CREATE}, {"create": "list"}),
    "UnknownKeys": ({}, {}),
    "KeysMissing": ({}, {}),
    "UnknownStatus": ({}, {"create": "finalizing", "poll": "finalizing"}),
    "GradualCounts": ({}, {}),
    "CountsDoNotAddUp": ({}, {}),
    "ResultsUrlMissing": ({}, {"results": "AnthropicError"}),
    "ForeignResultsUrl": ({}, {"results": "APIConnectionError"}),
    "RelativeResultsUrl": ({}, {}),
    "ZuluTimestamps": ({}, {}),
    "ClockSkew": ({}, {}),
    "ArchivedEarly": ({}, {"results": "AnthropicError"}),
    "StuckPage": ({}, {}),
    "EmptyPageWithMore": ({}, {"list": "0 listed"}),
    "MissingFromList": ({}, {"list": "0 listed"}),
    "Stall": ({"lasting": hours(25)}, {}),
    "NeverEnds": ({}, {"ended": "in_progress", "results": "AnthropicError"}),
    "EndsAtOnce": ({}, {"poll": "ended"}),
    "Expires": ({}, {}),
    "CancelEndsAllSucceeded": ({}, {"cancel": "canceling"}),
    "CancelRacesTheEnd": ({}, {"cancel": "ended"}),
    "CanceledByAnotherOperator": ({"after": seconds(2)}, {"poll": "canceling"}),
    "DeletedByAnotherOperator": ({}, {"results": "NotFoundError"}),
    "BrokenLines": ({}, {"results": "JSONDecodeError"}),
    "BlankLine": ({}, {"results": "JSONDecodeError"}),
    "InvalidUtf8": ({}, {"results": "UnicodeDecodeError"}),
    "CrlfLines": ({}, {"results": "JSONDecodeError"}),
    "TruncatedAtLine": ({}, {"results": "20 rows"}),
    "TruncatedMidLine": ({}, {"results": "JSONDecodeError"}),
    "AbortedDownload": ({}, {"results": "RemoteProtocolError"}),
    "ShortOfItsLength": ({}, {"results": "RemoteProtocolError"}),
    "WrongGzip": ({}, {"results": "DecodingError"}),
    "EmptyResults": ({}, {"results": "0 rows"}),
    "ResultsUnavailable": ({}, {"results": "ServiceUnavailableError"}),
    "UnknownRows": ({}, {"results": f"{ROWS + 1} rows"}),
}
"""The settings, and the steps that differ."""
SAME: Final = (
    "Reshuffled", "NoFinalNewline", "ByteOrderMark", "NoContentType", "Gzipped",
    "RedirectedResults", "ShapeVariations", "AnswersSwapped", "LineSeparatorsInside", "HugeRow",
    "UnknownResultType", "RowsErrored", "OverloadedAsApiError", "VagueError", "CreditExhausted",
    "RowsExpired", "SchemaDrift", "WrongButValid", "RunsOn", "Refusal", "StopsAtMaxTokens",
    "PauseTurn", "ThinkingFirst", "ToolUseOnly", "EmptyText", "UsageKeysMissing", "CachedUsage",
    "ModelDiffers",
)  # fmt: skip
"""Those that no step shows: only the rows do."""
OTHERS: Final = ("RowsMissing", "RowsDuplicated")


def travel(name: str, url: str, **settings: Any) -> Journey:
    """The journey with one fault."""
    fault = make(name, **settings)
    assert fault == from_dict(to_dict(fault))
    strike(fault)
    patience = LITTLE_PATIENCE if name.startswith("Stalls") else PATIENCE
    with a_client(url, timeout=patience) as client:
        journey = Journey(client, cancels=name in CANCELING)
    assert API.plan.silent() == ()
    return journey


@pytest.mark.parametrize("name", [*JOURNEYS, *SAME])
def test_a_batch_and_a_fault(name: str, url: str) -> None:
    """Contract 7.3, 7.4 and 8.4: step by step, from create to results."""
    settings, different = JOURNEYS.get(name, ({}, {}))

    assert CALM | different == travel(name, url, **settings).seen


def test_every_fault_is_here() -> None:
    """A new one needs a line in one of the tables."""
    here = {*STATUSES, *JOURNEYS, *SAME, *OTHERS}
    here |= {"ShouldRetry", "NoRequestIdHeader", "NoRequestIdInBody"}
    here |= {"UntypedEnvelope", "ErrorDetails"}

    assert {*NAMES} == here
    assert {*CATALOGUE} == here | {"NoFault"}


# What only the rows and the objects show.


def succeeded(journey: Journey) -> list[Any]:
    """The messages."""
    return [row.result.message for row in journey.rows if row.result.type == "succeeded"]


def stops(journey: Journey) -> set[str]:
    """Why the answers stopped."""
    return {message.stop_reason for message in succeeded(journey)}


def errors(journey: Journey) -> set[tuple[str, str]]:
    """The inner errors: type and text, two levels down."""
    found = [row.result.error for row in journey.rows if row.result.type == "errored"]
    return {(error.error.type, error.error.message) for error in found}


def types(journey: Journey) -> set[str]:
    """The types of the results."""
    return {row.result.type for row in journey.rows}


def blocks(journey: Journey) -> set[str]:
    """What the messages are made of."""
    return {"+".join(block.type for block in message.content) for message in succeeded(journey)}


def first_texts(journey: Journey) -> list[str]:
    """The answers, as a careful reader finds them."""
    return [
        next((block.text for block in message.content if block.type == "text"), "")
        for message in succeeded(journey)
    ]


ROWS_SHOW: Final[dict[str, Callable[[Journey], bool]]] = {
    "RowsErrored": lambda seen: errors(seen) == {("overloaded_error", "Overloaded")},
    "OverloadedAsApiError": lambda seen: errors(seen) == {("api_error", "Overloaded")},
    "VagueError": lambda seen: errors(seen) == {("invalid_request_error", "Error")},
    "CreditExhausted": lambda seen: types(seen) == {"errored"},
    "RowsExpired": lambda seen: types(seen) == {"succeeded", "expired"},
    "Expires": lambda seen: types(seen) == {"expired"},
    "Stall": lambda seen: types(seen) == {"succeeded", "expired"},
    "CancelEndsAllSucceeded": lambda seen: types(seen) == {"succeeded"},
    "CancelRacesTheEnd": lambda seen: types(seen) == {"succeeded"},
    "CanceledByAnotherOperator": lambda seen: "canceled" in types(seen),
    "UnknownResultType": lambda seen: "deferred" in types(seen),
    "Refusal": lambda seen: stops(seen) == {"end_turn", "refusal"} and "" in blocks(seen),
    "StopsAtMaxTokens": lambda seen: stops(seen) == {"end_turn", "max_tokens"},
    "RunsOn": lambda seen: stops(seen) == {"end_turn", "max_tokens"},
    "PauseTurn": lambda seen: stops(seen) == {"end_turn", "pause_turn"},
    "ThinkingFirst": lambda seen: blocks(seen) == {"text", "thinking+text"},
    "ToolUseOnly": lambda seen: blocks(seen) == {"text", "tool_use"},
    "EmptyText": lambda seen: blocks(seen) == {"text"} and "" in first_texts(seen),
    "UsageKeysMissing": lambda seen: any(
        message.usage.cache_read_input_tokens is None for message in succeeded(seen)
    ),
    "CachedUsage": lambda seen: any(
        message.usage.cache_read_input_tokens for message in succeeded(seen)
    ),
    "ModelDiffers": lambda seen: len({message.model for message in succeeded(seen)}) == 2,
    "LineSeparatorsInside": lambda seen: any("\u2028" in text for text in first_texts(seen)),
    "HugeRow": lambda seen: max(map(len, first_texts(seen))) > 2**20,
    "UnknownRows": lambda seen: any("_" in row.custom_id for row in seen.rows),
    "RowsMissing": lambda seen: 0 < len(seen.rows) < ROWS,
    "RowsDuplicated": lambda seen: (
        len(seen.rows) > ROWS and len({row.custom_id for row in seen.rows}) == ROWS
    ),
    "TruncatedMidLine": lambda seen: len(seen.rows) == ROWS // 2,
    "BlankLine": lambda seen: len(seen.rows) < ROWS,
}
"""What one sees in the rows."""


@pytest.mark.parametrize("name", ROWS_SHOW)
def test_the_rows_show_it(name: str, url: str) -> None:
    """The same journey, and what came out of it."""
    settings = JOURNEYS.get(name, ({}, {}))[0]

    assert ROWS_SHOW[name](travel(name, url, **settings))


def test_each_download_has_another_order(url: str) -> None:
    """Contract 7.1: the same rows, and their order means nothing."""
    strike(make("Reshuffled"))
    with a_client(url) as client:
        journey = Journey(client)
        first = [row.custom_id for row in journey.rows]
        again = [row.custom_id for row in client.messages.batches.results(journey.batch_id)]

    assert first != again
    assert sorted(first) == sorted(again)


def test_details_and_ids_of_errors_come_and_go(url: str) -> None:
    """Contract 7.2: absent, null or an object; the client takes all of them."""
    found = []
    for details, request_id in (("absent", "absent"), ("null", "null"), ("other", "worker")):
        fault = make("RowsErrored", share=1.0, details=details, request_id=request_id)
        strike(fault)
        with a_client(url) as client:
            row = Journey(client).rows[0].result.error
        found.append(("details" in row.error.model_fields_set or "details" in (
            row.error.model_extra or {}), row.request_id is None))  # fmt: skip

    assert [(False, True), (True, True), (True, False)] == found


def an_ended(url: str, *names: str, **settings: Any) -> Any:
    """An ended batch as the client shows it."""
    strike(*(make(name, **settings) for name in names))
    with a_client(url) as client:
        batch = client.messages.batches.create(requests=requests(4))  # type: ignore[arg-type]
        API.clock.sleep(hours(24))
        return client.messages.batches.retrieve(batch.id)


def test_the_batch_shows_it(url: str) -> None:
    """Contract 5.1: keys, counts and times that are not what they were."""
    calm = an_ended(url)
    created = calm.created_at

    assert "progress" in an_ended(url, "UnknownKeys").model_extra
    assert "archived_at" in calm.model_fields_set
    assert "archived_at" not in an_ended(url, "KeysMissing").model_fields_set
    assert an_ended(url, "CountsDoNotAddUp").request_counts.succeeded == 5
    assert an_ended(url, "ZuluTimestamps").created_at > created
    assert an_ended(url, "ArchivedEarly").archived_at is not None
    assert an_ended(url, "RelativeResultsUrl").results_url.startswith("/v1/")
    skewed = an_ended(url, "ClockSkew", by=hours(-30))
    assert skewed.ended_at < API.clock.now() - hours(25)


def test_counts_drain(url: str) -> None:
    """Contract 5.4: the switch for a service that shows progress."""
    strike(make("GradualCounts"))
    with a_client(url) as client:
        batch = client.messages.batches.create(requests=requests(40))  # type: ignore[arg-type]
        API.clock.sleep(seconds(8))
        counts = client.messages.batches.retrieve(batch.id).request_counts

    assert counts.succeeded > 0
    assert counts.processing + counts.succeeded == 40


def test_a_stuck_page_is_walked_for_ever(url: str) -> None:
    """Contract 15, incident 16: the same two batches again and again."""
    strike(make("StuckPage"))
    with a_client(url) as client:
        for _ in range(3):
            client.messages.batches.create(requests=requests(1))  # type: ignore[arg-type]
        seen = [batch.id for batch in islice(client.messages.batches.list(limit=2), 12)]

    assert len(seen) == 12
    assert len(set(seen)) == 3


def test_a_key_is_sent_to_a_foreign_host(url: str) -> None:
    """Contract 7.4: `results_url` is trusted blindly."""
    elsewhere = Api()
    with Server(elsewhere) as other, a_client(url) as client:
        strike(make("ForeignResultsUrl", base_url=other.url))
        found = Journey(client).seen["results"]

    assert "NotFoundError" == found
    assert [Endpoint.RESULTS] == [call.endpoint for call in elsewhere.history]


def test_a_redirect_is_followed_and_a_loop_is_left(url: str) -> None:
    """Contract 7.4: twenty steps; then it is a connection error."""
    strike(make("RedirectedResults", loop=True))
    with a_client(url) as client:
        found = Journey(client).seen["results"]

    calls = [call for call in API.history if call.endpoint is Endpoint.RESULTS]
    assert "APIConnectionError" == found
    assert len(calls) == 21


def test_a_silence_ends_for_who_is_patient(url: str) -> None:
    """The reply comes when the stall is over, before the headers or in the middle."""
    strike(
        make("StallsBeforeHeaders", on=Endpoint.LIST, lasting=seconds(0.05)),
        make("StallsMidBody", on=Endpoint.RESULTS, lasting=seconds(0.05)),
        make("StallsMidBody", on=Endpoint.CREATE, after_bytes=10**6),
    )
    with a_client(url) as client:
        assert CALM == Journey(client).seen


def test_a_fault_can_come_and_go_between_calls(url: str) -> None:
    """The plan of a running service, its counts kept."""
    strike()
    with a_client(url) as client:
        (key,) = API.plan.add(make("Overloaded"))
        refused = outcome(client.messages.batches.list)
        API.plan.remove(key)
        served = outcome(lambda: len(client.messages.batches.list().data))

    assert ("OverloadedError", "0") == (refused, served)
    assert API.plan.firings()[key].count == 1


def test_the_next_client_is_served(url: str) -> None:
    """After every broken connection."""
    for name in ("Refused", "TlsFailure", "ConnectionReset", "LostReply"):
        strike(make(name, on=Endpoint.MODELS, times=1))
        with httpx2.Client(base_url=url, headers={"x-api-key": "k", "anthropic-version": "x"}) as c:
            with pytest.raises(httpx2.TransportError):
                c.get("/v1/models")
            assert c.get("/v1/models").status_code in {200, 400}
