"""The frozen evidence that one arm leaves behind: the only thing checks may look at.

It is made from the service's books and from outside views of the tables, never from the ledger
or from the word of a control.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import islice

import msgspec

from controls import Alert, JobType, Row
from controls.ids import REFERENCE_FIELD
from controls.policy import label_text
from reports.phrases import money
from scenarios.harness.shapes import Shape, Value
from simulator import Books
from simulator.books import RequestBook


@dataclass(frozen=True)
class Record:
    """What happened in one arm."""

    job_type: JobType
    rows: tuple[Row, ...]
    """The rows as the user has them, before any sabotage."""
    planted: Mapping[str, str]
    """Row key to the instruction that was planted in its text."""
    books: Books
    before: Mapping[str, Value]
    """The system of record before the arm, by key."""
    after: Mapping[str, Value]
    quarantined: Mapping[str, str]
    """Row key to reason code, as the quarantine table says."""
    status: str
    """How the pipeline ended: `done`, `halted`, `waiting for approval`, `crashed`, `hung` or
    `not run`."""
    why: str
    alarms: tuple[Alert, ...]
    lasted: timedelta
    approved_usd: Decimal
    besides: tuple[bytes, ...] = ()
    """Bodies that were sent to the service outside of batches, to be counted for example."""
    strangers: tuple[str, ...] = ()
    """Hosts other than the service's to which the key was sent."""
    told_to_wait: int = 0
    """How often a reply said with `retry-after` when to come back."""
    hurried: tuple[str, ...] = ()
    """Calls that came earlier than that."""
    sabotaged: int = 0
    """How many things were changed on the user's side."""
    subjects: Mapping[str, str] = field(default_factory=dict)
    """Row key to the name under which the service's model knows the row's text."""
    truths: Mapping[str, str] = field(default_factory=dict)
    """That name to the right label of the text, as text."""
    acts: tuple[Act, ...] = ()
    """What people did, in order of time."""
    live_calls: tuple[tuple[bytes, bytes], ...] = ()
    """Bodies and replies of live calls that were answered."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Row key to the secret that stood in its text."""
    redacted: frozenset[str] = frozenset()
    """Keys of rows that brought something to redact of their own."""
    remains: tuple[str, ...] = ()
    """Where payload was still kept when its time was over."""
    told_usd: Mapping[str, Decimal] = field(default_factory=dict)
    """What each team was told that it has spent."""
    mishaps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Sabotage by name, to the first places that were changed or struck."""
    jobs: tuple[JobEnd, ...] = ()
    """Each job that was run, in order of their beginning."""

    @cached_property
    def promoted(self) -> frozenset[str]:
        """Keys whose value in the system of record is new."""
        return frozenset(key for key, value in self.after.items() if value != self.before.get(key))

    @cached_property
    def keys(self) -> frozenset[str]:
        """Keys of all rows that the job was about."""
        return frozenset(row.key for row in self.rows)

    @cached_property
    def honest(self) -> Mapping[str, frozenset[str]]:
        """Per subject, what the model answered of its own accord, in canonical form. An answer that
        it was ordered to give and that gives the known label does no harm, and counts too."""
        answers: dict[str, set[str]] = {}
        for body, reply in self.live_calls:
            value = self.answered(msgspec.json.decode(reply)["content"][0]["text"])
            if value is not None and (subject := self._subject_in(body)) is not None:
                answers.setdefault(subject, set()).add(self.shape.canonical(value))
        for request in self.books.requests:
            subject = request.subject
            value = self.answered(request.text) if subject is not None else None
            if subject is None or value is None:
                continue
            if "obeyed" not in request.tags or self._is_right(subject, value):
                answers.setdefault(subject, set()).add(self.shape.canonical(value))
        return {subject: frozenset(values) for subject, values in answers.items()}

    @cached_property
    def wrong(self) -> tuple[str, ...]:
        """Keys in the system of record whose new value is not an answer to their own row."""
        return tuple(sorted(key for key in self.promoted if not self._is_honest(key)))

    def _is_honest(self, key: str) -> bool:
        answers = self.honest.get(self.subjects.get(key, ""))
        return answers is not None and self.shape.canonical(self.after[key]) in answers

    def _is_right(self, subject: str, value: Value) -> bool:
        """Whether an answer gives the known label of its row."""
        label = value.get(self.job_type.answer.label)
        return subject in self.truths and label_text(label) == self.truths[subject]

    @cached_property
    def lost(self) -> tuple[str, ...]:
        """Keys that a pipeline which believes itself done has neither stored nor set aside."""
        if self.status != "done":
            return ()
        return tuple(sorted(self.keys - self.promoted - self.quarantined.keys()))

    @cached_property
    def waiting(self) -> tuple[str, ...]:
        """Keys that a stopped pipeline holds back, visibly, because it says that it stopped."""
        if self.status == "done":
            return ()
        return tuple(sorted(self.keys - self.promoted - self.quarantined.keys()))

    @cached_property
    def bills(self) -> Counter[str]:
        """Per `custom_id`, how often its request succeeded and was billed."""
        return Counter(
            self.billed_as(request)
            for request in self.books.requests
            if request.billed_picodollars > 0
        )

    @cached_property
    def paid_again(self) -> Mapping[str, Decimal]:
        """What was billed after a row had been billed, in USD, by the name that it has in
        `bills`."""
        again = {name: count - 1 for name, count in self.bills.items() if count > 1}
        costs: dict[str, list[int]] = {name: [] for name in again}
        for request in self.books.requests:
            name = self.billed_as(request)
            if name in costs and request.billed_picodollars > 0:
                costs[name].append(request.billed_picodollars)
        return {
            name: Decimal(sum(cost[-again[name] :])).scaleb(-12) for name, cost in costs.items()
        }

    @cached_property
    def paid_twice(self) -> int:
        """Rows that were billed more than once, and are neither wrong nor lost."""
        bad = self.keys.intersection(self.wrong).union(self.lost)
        names = {self.subjects.get(key, "") for key in bad}
        told = {self.billed_as(each) for each in self.books.requests if each.subject in names}
        return min(len(self.paid_again.keys() - told), len(self.rows) - len(bad))

    def billed_as(self, request: RequestBook) -> str:
        """The name of a request's row in `bills`."""
        return request.custom_id

    @property
    def sent(self) -> int:
        """Requests that reached the service in batches, resubmissions included."""
        return len(self.books.requests)

    @property
    def is_repeated(self) -> bool:
        """Whether more requests were sent than there are rows."""
        return self.sent > len(self.rows)

    @cached_property
    def unseen(self) -> int:
        """Requests in which the model did not find the text of any row."""
        return sum(
            request.subject is None or "prose" in request.tags
            for request in self.books.requests
            if request.outcome == "succeeded"
        )

    @cached_property
    def struck(self) -> int:
        """How often faults struck, by the service's own count, and what was sabotaged."""
        return sum(firing.count for firing in self.books.firings.values()) + self.sabotaged

    @cached_property
    def damage(self) -> tuple[str, ...]:
        """Every kind of harm in this arm, with its size."""
        unanswered = len(self.keys - self.promoted) - len(self.lost)
        over = self.books.billed_usd - self.approved_usd
        kinds = (
            (len(self.wrong), f"{len(self.wrong):,} values are wrong"),
            (len(self.lost), f"{len(self.lost):,} rows are lost"),
            (unanswered, f"{unanswered:,} rows have no answer"),
            (len(self.leaks), f"{len(self.leaks):,} forbidden values left the house"),
            (over > 0, f"{money(over)} were spent beyond what was approved"),
            (self.is_repeated, f"{self.sent:,} requests for {len(self.rows):,} rows"),
        )
        return tuple(says for harmed, says in kinds if harmed)

    @cached_property
    def leaks(self) -> tuple[tuple[str, str], ...]:
        """Row key and column of every request that carried a forbidden value of its own row."""
        return tuple(self._leaks())

    def _leaks(self) -> Iterator[tuple[str, str]]:
        by_subject = {self.subjects[row.key]: row for row in self.rows if row.key in self.subjects}
        needles = {subject: self._needles(row) for subject, row in by_subject.items()}
        sent = [(bytes(request.params), request.subject) for request in self.books.requests]
        sent += [(body, self._subject_in(body)) for body in self.besides]
        requests = [(body, subject) for body, subject in sent if subject and subject in needles]
        two = {name: _unlike(name, requests, needles) for name in self.forbidden_columns}
        for params, subject in requests:
            for column, needle in needles[subject].items():
                if needle not in params:
                    continue
                by_chance = self._in_allowed(needle, by_subject[subject])
                static = self._in_prompt(needle)
                for other, stranger in two[column]:
                    if needle != needles[stranger].get(column):
                        chance = self._in_allowed(needle, by_subject[stranger])
                        static = max(0, other.count(needle) - chance)
                        break
                if params.count(needle) > by_chance + static:
                    yield by_subject[subject].key, column

    def _subject_in(self, body: bytes) -> str | None:
        """Whose text stands in a body that is not part of a batch; the longest, if several do."""
        return next((self.subjects.get(key) for text, key in self._texts if text in body), None)

    @cached_property
    def _texts(self) -> list[tuple[bytes, str]]:
        """Every text as it would stand in a body, and the key of its row; the longest first."""
        name = self.job_type.text_field
        longest_first = sorted(self.rows, key=lambda row: -len(row.fields[name]))
        return [(in_json(row.fields[name]), row.key) for row in longest_first]

    def _needles(self, row: Row) -> dict[str, bytes]:
        """Per forbidden column, the row's value as it would stand in a body."""
        found = {column: in_json(row.fields[column]) for column in self.forbidden_columns}
        return {column: needle for column, needle in found.items() if len(needle) >= SHORTEST}

    def _in_allowed(self, needle: bytes, row: Row) -> int:
        allowed = self.job_type.rows.allowed_fields
        return sum(in_json(row.fields.get(name, "")).count(needle) for name in allowed)

    def _in_prompt(self, needle: bytes) -> int:
        """How often a value stands in the agreed prompt, whichever row is asked about."""
        prompt = self.job_type.prompt
        return sum(in_json(text).count(needle) for text in (prompt.system, prompt.template))

    @cached_property
    def forbidden_columns(self) -> tuple[str, ...]:
        """Columns of the rows that the job type does not allow."""
        columns = self.rows[0].fields if self.rows else {}
        return tuple(name for name in columns if name not in self.job_type.rows.allowed_fields)

    @cached_property
    def shape(self) -> Shape:
        """What an answer of this job looks like."""
        return Shape.of(self.job_type.answer.schema)

    def answered(self, text: str) -> Value | None:
        """The answer object in a text, without its reference; None if there is none."""
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return None
        if not isinstance(value, dict):
            return None
        value.pop(REFERENCE_FIELD, None)
        return value


@dataclass(frozen=True, slots=True)
class Act:
    """Something that a person did."""

    at: datetime
    kind: str
    """`stopped`, `approved`, `resumed`, ..."""
    what: str = ""


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How one of several jobs ended."""

    job: str
    keys: frozenset[str]
    """Of its rows."""
    team: str
    prefix: str
    """What its `custom_id`s begin with."""
    status: str
    why: str
    began_at: datetime
    ended_at: datetime


SHORTEST = 4
"""Forbidden values shorter than this occur everywhere by chance and are not searched for."""


@lru_cache(maxsize=65_536)
def in_json(value: str) -> bytes:
    """A text as it stands inside a JSON string."""
    return msgspec.json.encode(value.encode("utf-8", "replace").decode())[1:-1]


def _unlike(
    column: str,
    requests: Sequence[tuple[bytes, str]],
    needles: Mapping[str, Mapping[str, bytes]],
) -> list[tuple[bytes, str]]:
    """The first request, and the first whose row has another value in this column: for any value,
    the first request about a row that does not have it is one of them."""
    values = [(needles[subject].get(column), (params, subject)) for params, subject in requests]
    other = (request for value, request in values if value != values[0][0])
    return [request for _, request in values[:1]] + list(islice(other, 1))
