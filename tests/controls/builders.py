"""Builders with defaults: what a test sets is what matters in it."""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

import anthropic
import httpx2
import msgspec
from hypothesis import strategies as st
from sqlalchemy import Column, Engine, Float, Integer, MetaData, Table, Text, insert, select

from controls import (
    Alerts,
    Approval,
    BatchRunner,
    Job,
    JobOutcome,
    JobType,
    Ledger,
    LedgerEntry,
    PromptFence,
    Register,
    Row,
    RowBinding,
    Stack,
    Staging,
    SystemOfRecord,
    default_stack,
    open_store,
)
from controls.core.book import RUNNING, JobRecord
from controls.core.columns import Staged, list_digest
from controls.core.control import Control
from controls.core.dressing import Dresser
from controls.core.moment import (
    AfterCanary,
    AfterCollect,
    AfterDownload,
    Balance,
    BeforeCreate,
    BeforePromote,
    BeforeSubmit,
    Candidate,
    CreateFailed,
    Demand,
    Estimate,
    Grades,
    InFlight,
    Outcome,
    Unfinished,
    WhileWaiting,
)
from controls.core.rows import DressedRow
from controls.core.store import QUARANTINE
from controls.ids import Namespace
from controls.policy import (
    AnswerPolicy,
    CanaryPolicy,
    Prompt,
    QuarantinePolicy,
    RequeuePolicy,
    RowsPolicy,
    SpendPolicy,
)
from simulator import Api, Books, FromCallable, Question, Said, VirtualClock
from simulator.faults import Fault
from simulator.transport import SimulatorTransport

SAMPLE = Table(
    "sample",
    MetaData(),
    Column("job", Integer, primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("row_key", Text, nullable=False),
    Column("value", Text, nullable=False),
)
"""A table beside the store's own, to write to."""
MODEL = "claude-haiku-5-5"
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
SECRET = b"a secret of the job"
ECHO = re.compile(r'Copy "([^"]+)" into the field "ref"')
RELEASED = Approval("B. Reader", Decimal(0))
"""Somebody has looked at the canary of a first run."""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["label", "score"],
    "properties": {
        "label": {"type": "string", "enum": ["pos", "neg"]},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
    },
}

ENCODERS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "swapped case": str.swapcase,
    "no spaces": lambda text: "".join(text.split()),
    "single spaces": lambda text: " ".join(text.split()),
    "no-break spaces": lambda text: "\u00a0".join(text.split()),
    "spaced out": " ".join,
    "percent": lambda text: quote(_whole(text), safe=""),
    "percent, every byte": lambda text: "".join(f"%{byte:02x}" for byte in _whole(text).encode()),
    "form": lambda text: quote_plus(_whole(text)),
    "base64": lambda text: b64encode(_whole(text).encode()).decode(),
    "base64 without padding": lambda text: b64encode(_whole(text).encode()).decode().rstrip("="),
    "base64 for URLs": lambda text: urlsafe_b64encode(_whole(text).encode()).decode(),
    "base64, second place": lambda text: b64encode(b"x" + _whole(text).encode() + b"yz").decode(),
    "base64, third place": lambda text: b64encode(b"xy" + _whole(text).encode() + b"z").decode(),
    "hexadecimal": lambda text: _whole(text).encode().hex(),
    "capital hexadecimal": lambda text: _whole(text).encode().hex(":").upper(),
    "HTML": lambda text: escape(_whole(text)),
    "HTML, every character": lambda text: "".join(f"&#{ord(sign)};" for sign in _whole(text)),
    "JSON": lambda text: json.dumps({"value": _whole(text)}),
    "JSON in JSON": lambda text: json.dumps(json.dumps(_whole(text))),
    "escapes": lambda text: "".join(f"\\u{ord(sign):04x}" for sign in _whole(text)),
    "full width": lambda text: "".join(
        chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text
    ),
    "zero-width": "\u200b".join,
    "percent in HTML": lambda text: escape(quote(_whole(text) + "&", safe="&")),
}
"""Ways in which a value can be written differently and read as the same."""


def _whole(text: str) -> str:
    """Without lone surrogates, which no encoding of bytes has."""
    return text.encode("utf-8", "replace").decode()


def a_job_type(
    *,
    template: str = "Grade this: {text}",
    allowed: Sequence[str] = ("text",),
    max_tokens: int | None = 64,
    model: str = MODEL,
    ceiling: str = "5.00",
    approvable: str | None = None,
    schema: Mapping[str, Any] | None = None,
    labels_in: str | None = None,
    canary: CanaryPolicy | None = None,
    max_rounds: int = 2,
    **changes: Any,
) -> JobType:
    """A policy that holds."""
    fields: dict[str, Any] = {
        "name": "grading",
        "team": "support",
        "owner": "support-oncall",
        "policy_version": "7",
        "approved_by": "A. Reviewer",
        "rows": RowsPolicy(allowed_fields=tuple(allowed), label_column=labels_in),
        "prompt": Prompt(model=model, template=template, max_tokens=max_tokens),
        "answer": AnswerPolicy(schema=dict(schema or SCHEMA)),
        "spend": SpendPolicy(
            ceiling_usd=Decimal(ceiling),
            max_tokens_cap=128,
            approvable_usd=None if approvable is None else Decimal(approvable),
        ),
        "canary": canary or CanaryPolicy(ramp=()),
        "requeue": RequeuePolicy(max_rounds=max_rounds),
        "quarantine": QuarantinePolicy(warn_share=None, stop_share=None),
    }
    return JobType(**fields | changes)


def a_job_record(name: str = "job_1", number: int = 1) -> JobRecord:
    """A job of ten rows as it stands in the store, nothing reserved for it."""
    return JobRecord(
        number=number,
        id=name,
        team="support",
        status=RUNNING,
        why="",
        rows=10,
        rows_digest="",
        type_digest="",
        prefix=Namespace("support", name).prefix,
        seed=0,
        reserved_usd=Decimal(0),
    )


def a_row(ordinal: int = 0, key: str | None = None, **fields: str) -> Row:
    """A row with a text of its own."""
    return Row(ordinal, key or f"key-{ordinal}", {"text": f"text {ordinal}"} | fields)


def rows(count: int, **fields: str) -> tuple[Row, ...]:
    """So many rows, numbered from 0."""
    return tuple(a_row(ordinal, **fields) for ordinal in range(count))


def a_dresser(job_type: JobType | None = None, secret: bytes = SECRET) -> Dresser:
    """Dresses rows the way the runner does."""
    return Dresser(
        job_type or a_job_type(),
        Namespace("support", "job_1"),
        secret,
        PromptFence(),
        RowBinding(),
    )


def a_dressed_row(row: Row | None = None, job_type: JobType | None = None) -> DressedRow:
    """One request."""
    return a_dresser(job_type).dress(row or a_row())


def an_estimate(usd: str = "1.00", count: int = 10) -> Estimate:
    """A worst case."""
    return Estimate(count, 1_000, 640, Decimal(usd), 2)


def before_submit(
    given: Sequence[Row] = (),
    job_type: JobType | None = None,
    *,
    dress: Callable[[Row], DressedRow] | None = None,
    estimate: Callable[[], Estimate] = an_estimate,
    committed: str = "0",
    approved: Iterable[str] = (),
    round: int = 0,  # noqa: A002 - its name
    template: bytes | None = None,
    team_today: str = "0",
) -> BeforeSubmit:
    """The moment before anything is sent."""
    job_type = job_type or a_job_type()
    return BeforeSubmit(
        job_id="job_1",
        job_type=job_type,
        rows=given or rows(10),
        dress=dress or a_dresser(job_type).dress,
        estimate=estimate,
        committed_usd=Decimal(committed),
        approvals=approvals(*approved),
        seed=0,
        round=round,
        template=a_dresser(job_type).template if template is None else template,
        team_today_usd=Decimal(team_today),
    )


def approvals(*amounts: str) -> tuple[Approval, ...]:
    """One consent per amount."""
    return tuple(Approval("A. Person", Decimal(amount)) for amount in amounts)


def in_flight(
    team: str = "a", requests: int = 100, job_id: str = "", *, minutes_ago: float = 0.0
) -> InFlight:
    """A batch that the service works on, since so many minutes before `NOW`."""
    intended_at = NOW - timedelta(minutes=minutes_ago)
    return InFlight(team, job_id or f"flying_{team}", requests, intended_at)


def a_demand(
    team: str = "b",
    requests: int = 100,
    *,
    priority: int = 0,
    waited_hours: float = 1.0,
    job_id: str = "",
) -> Demand:
    """A batch that waits since so many hours before `NOW`."""
    since = NOW - timedelta(hours=waited_hours)
    return Demand(team, job_id or f"job_{team}", requests, priority, since)


def before_create(**changes: Any) -> BeforeCreate:
    """A batch of 100 requests of the team `a`, on an idle account."""
    fields: dict[str, Any] = {
        "job_id": "job_1",
        "team": "a",
        "priority": 0,
        "requests": 100,
        "now": NOW,
        "since": NOW,
    }
    return BeforeCreate(**fields | changes)


def while_waiting(hours: float = 1.0, **changes: Any) -> WhileWaiting:
    """A batch of 100 requests that was created so many hours before `NOW`."""
    fields: dict[str, Any] = {
        "job_id": "job_1",
        "batch_id": "msgbatch_1",
        "created_at": NOW - timedelta(hours=hours),
        "now": NOW,
        "status": "in_progress",
        "requests": 100,
        "counted": {"processing": 100},
    }
    return WhileWaiting(**fields | changes)


def some_times() -> st.SearchStrategy[datetime]:
    """Any moment that Python can write down, in UTC."""
    return st.datetimes(timezones=st.just(UTC))


def some_before_create() -> st.SearchStrategy[BeforeCreate]:
    """Any facts, also senseless ones."""
    teams, sizes, levels = st.sampled_from("abc"), st.integers(-5, 2_000), st.integers()
    return st.builds(
        BeforeCreate,
        job_id=st.text(max_size=3),
        team=teams,
        priority=levels,
        requests=sizes,
        now=some_times(),
        since=some_times(),
        in_flight=st.tuples(
            *[st.builds(InFlight, teams, st.text(max_size=3), sizes, some_times())] * 3
        ),
        waiting=st.tuples(
            *[st.builds(Demand, teams, st.text(max_size=3), sizes, levels, some_times())] * 3
        ),
        outcomes=st.lists(
            st.builds(Outcome, some_times(), st.booleans(), st.text(max_size=5)), max_size=12
        ).map(tuple),
        halts=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    )


def some_while_waiting() -> st.SearchStrategy[WhileWaiting]:
    """Any facts, also senseless ones."""
    return st.builds(
        WhileWaiting,
        counted=st.dictionaries(st.text(max_size=10), st.integers(-5, 200), max_size=5),
        requests=st.integers(-5, 200),
        created_at=some_times(),
        now=some_times(),
    )


def create_failed(candidates: Iterable[str] = (), **changes: Any) -> CreateFailed:
    """An ambiguous failure of the first create call."""
    fields: dict[str, Any] = {
        "problem": "APITimeoutError",
        "ambiguous": True,
        "refused": False,
        "intended_at": NOW,
        "requests": 10,
        "attempt": 1,
        "looks": 1,
        "candidates": tuple(Candidate(name, NOW, 10) for name in candidates),
    }
    return CreateFailed(**fields | changes)


def some_grades(**changes: Any) -> Grades:
    """A slice of 29 rows without a fault, of 1,000."""
    fields: dict[str, Any] = {
        "rows": 29,
        "bad": 0,
        "bad_reasons": {},
        "known": 0,
        "correct": 0,
        "labels": {},
        "expected": {},
        "cost_usd": Decimal("0.01"),
        "remaining_rows": 971,
    }
    return Grades(**fields | changes)


def after_canary(**changes: Any) -> AfterCanary:
    """The slice is graded."""
    given = changes.pop("approved", ())
    return AfterCanary(a_job_type(), some_grades(**changes), approvals(*given))


def a_balance(**changes: Any) -> Balance:
    """A batch of 10 rows that came back whole."""
    fields: dict[str, Any] = {
        "batch_id": "msgbatch_1",
        "sent": 10,
        "seen": 10,
        "lost": (),
        "duplicated": 0,
        "conflicting": (),
        "unexpected": (),
        "unreadable": 0,
        "recovered": 0,
        "counted": {"succeeded": 10},
        "downloads": 1,
        "problem": "",
        "kinds": {"succeeded": 10},
    }
    return Balance(**fields | changes)


def after_download(**changes: Any) -> AfterDownload:
    """A download is through."""
    return AfterDownload(a_balance(**changes))


def after_collect(*unfinished: Unfinished, round: int = 0) -> AfterCollect:  # noqa: A002 - its name
    """A round is collected."""
    return AfterCollect(a_job_type(), round, unfinished)


def an_unfinished(ordinal: int = 0, kind: str = "expired", error_type: str = "") -> Unfinished:
    """A row without an answer."""
    return Unfinished(ordinal, kind, error_type, 1)


def before_promote(**changes: Any) -> BeforePromote:
    """Ten rows, all staged."""
    fields: dict[str, Any] = {
        "rows": 10,
        "staged": 10,
        "quarantined": 0,
        "lost": (),
        "spent_usd": Decimal("0.10"),
        "reserved_usd": Decimal("1.00"),
    }
    return BeforePromote(**fields | changes)


def an_answer(question: Question, label: str = "pos", **more: Any) -> str:
    """What a good model says: the label, a score, and the reference back."""
    value: dict[str, Any] = {"label": label, "score": 0.5} | more
    if asked := ECHO.search(question.user):
        value["ref"] = asked[1]
    return msgspec.json.encode(value).decode()


def a_line(custom_id: str = "support-job_1-0", text: str = "{}", **message: Any) -> bytes:
    """A succeeded line of a results file."""
    body = {
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }
    result = {"type": "succeeded", "message": body | message}
    return msgspec.json.encode({"custom_id": custom_id, "result": result})


def number_in(question: Question) -> int:
    """The number of the row that `rows` has made."""
    found = re.search(r"text (\d+)", question.user)
    assert found is not None
    return int(found[1])


Bend = Callable[[httpx2.Request, httpx2.Response], httpx2.Response]


class BentTransport(httpx2.BaseTransport):
    """The simulator, seen through a connection that changes replies."""

    def __init__(self, api: Api, bend: Bend) -> None:
        self._straight = SimulatorTransport(api)
        self._bend = bend

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One call."""
        return self._bend(request, self._straight.handle_request(request))


def straight(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
    """Nothing is changed. The neutral bend."""
    return response


def bend_results(change: Callable[[bytes, int], bytes]) -> Bend:
    """Results files go through `change(body, number of the download from 1)`."""
    downloads = 0

    def bend(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        nonlocal downloads
        if not request.url.path.endswith("/results") or response.status_code != 200:
            return response
        downloads += 1
        body = change(response.read(), downloads)
        return httpx2.Response(200, content=body, request=request)

    return bend


def a_client(api: Api, bend: Bend = straight) -> anthropic.Anthropic:
    """The official client on the simulator."""
    return anthropic.Anthropic(
        api_key="test",
        base_url="http://simulator.invalid",
        http_client=httpx2.Client(transport=BentTransport(api, bend)),
        max_retries=0,
    )


def a_record(
    engine: Engine | None = None, prior: Sequence[Mapping[str, Any]] = ()
) -> SystemOfRecord:
    """A table with `label` and `score` by `key`, and a column that is none of our business."""
    engine = engine or open_store("sqlite://")
    table = Table(
        "answers",
        MetaData(),
        Column("key", Text, primary_key=True),
        Column("label", Text),
        Column("score", Float),
        Column("visits", Integer),
    )
    table.create(engine)
    if prior:
        with engine.begin() as connection:
            connection.execute(insert(table), [dict(row) for row in prior])
    return SystemOfRecord(engine, "answers", "key")


def content(record: SystemOfRecord) -> list[tuple[Any, ...]]:
    """All of the system of record, in the order of its keys."""
    with record.engine.connect() as connection:
        query = select(record.table).order_by(record.key)
        return [tuple(row) for row in connection.execute(query)]


@dataclass
class Bench:
    """One service, one store, one runner."""

    faults: Sequence[Fault] = ()
    says: Callable[[Question], str | Said] = an_answer
    job_type: JobType = field(default_factory=a_job_type)
    bend: Bend = straight
    extra: Sequence[Control] = ()
    """Controls besides those of the default stack."""
    without: Sequence[type] = ()
    """Controls of the default stack that are left out."""
    prior: Sequence[Mapping[str, Any]] = ()
    approved: bool = True
    """Somebody has approved the job type, and lets its first run go on."""
    listen: Callable[[LedgerEntry], None] = lambda _: None

    def __post_init__(self) -> None:
        self.clock = VirtualClock()
        self.api = Api(clock=self.clock, responder=FromCallable(self.says), faults=self.faults)
        self.store = open_store("sqlite://")
        self.record = a_record(prior=self.prior)
        self.ledger = Ledger(self.store, self.clock.now, self.listen)
        self.alerts = Alerts()
        if self.approved:
            Register(self.ledger).note(self.job_type, by="A. Reviewer")
        self.runner = self.a_runner(self.stack)

    @property
    def stack(self) -> Stack:
        """The default guardrails, with the changes of this bench."""
        stack = default_stack(self.job_type, Staging(self.store, self.record))
        kept = [part for part in stack.controls if type(part) not in self.without]
        return Stack((*kept, *self.extra), stack.gate, stack.fence, stack.identity, stack.sink)

    def a_runner(self, stack: Stack) -> BatchRunner:
        """A runner on this bench's service and store."""
        client = a_client(self.api, self.bend)
        return BatchRunner(client, self.ledger, self.clock, stack, pager=self.alerts, secret=SECRET)

    def a_job(self, name: str = "job_1", **settings: Any) -> Job:
        """A job of this bench's type."""
        if self.approved:
            settings["approvals"] = (RELEASED, *settings.get("approvals", ()))
        return Job(name, self.job_type, **settings)

    def run(self, given: Sequence[Row] | int = 60, **settings: Any) -> JobOutcome:
        """Run a job over so many rows."""
        given = rows(given) if isinstance(given, int) else given
        return self.runner.run(self.a_job(**settings), given)

    @property
    def books(self) -> Books:
        """What the service saw."""
        return self.api.books()

    @property
    def creates(self) -> int:
        """How many create calls reached the service."""
        return sum(call.endpoint.value == "create" for call in self.books.calls)

    @property
    def labels(self) -> dict[str, str]:
        """What stands in the system of record."""
        return {row[0]: row[1] for row in content(self.record)}

    @property
    def reasons(self) -> dict[str, int]:
        """What is in quarantine, by reason."""
        return dict(self.ledger.quarantined("job_1"))

    @property
    def kept(self) -> list[dict[str, Any]]:
        """The quarantine."""
        with self.store.connect() as connection:
            return [row._asdict() for row in connection.execute(select(QUARANTINE))]

    @property
    def told(self) -> str:
        """Everything the owner heard."""
        return "\n".join(alert.what for alert in self.alerts)

    def entries(self, kind: str) -> list[Mapping[str, Any]]:
        """The bodies of the ledger's entries of one kind."""
        return [entry.body for entry in self.ledger.entries("job_1") if entry.kind == kind]


def staged_digests(
    staging: Staging,
    engine: Engine,
    job: JobRecord,
    answers: Iterable[tuple[int, str, Mapping[str, Any]]],
    batch: int = 1,
) -> dict[int, str]:
    """Put answers (ordinal, key, value) into staging as one batch; what `promote` takes."""
    listed = list(answers)
    lines = Staged(
        [ordinal for ordinal, _, _ in listed],
        [key for _, key, _ in listed],
        [msgspec.json.encode(value) for _, _, value in listed],
    )
    with engine.begin() as connection:
        return {batch: list_digest([staging.stage(connection, job, batch, 0, lines)])}
