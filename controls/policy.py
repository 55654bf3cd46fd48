"""Job types: the reviewed, versioned policy that a job runs under.

A job type is a TOML document. It names the team and the people who answer for it, the model, the
fields that may leave the house, the prompt, the shape of an accepted answer, and the limits of
spend and canary. It protects from jobs that nobody has thought about before they run at scale.

Weakness: it says what is allowed, not whether the prompt is any good; that is what the canary
is for. Neighbour: `FieldAllowlist` holds the assembled requests to `allowed_fields`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from string import Formatter
from typing import Any

import jsonschema_rs
import msgspec

from controls.core.errors import ControlError
from controls.ids import REFERENCE_FIELD

LAST_PAYLOAD_DAY = 28
"""The service keeps results for 29 days after the creation of a batch (its documentation)."""


class RowsPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which columns exist for this job and what they are for."""

    allowed_fields: tuple[str, ...]
    """Columns whose values may appear in a request body."""
    key: str | None = None
    """Column that identifies a row; without one the row's number does."""
    text: str | None = None
    """Column with the untrusted free text; by default the template's first field."""
    label_column: str | None = None
    """Column with known answers. Where it is filled, the canary uses it as its eval set."""
    injection_column: str | None = None
    """Column of injected instructions, in a file that exists to be planted by a drill."""


class Prompt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every request says."""

    model: str
    template: str
    """The user message; `{column}` stands for a row's value, `{{` for a brace."""
    max_tokens: int | None
    system: str = ""


class AnswerPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an accepted answer looks like."""

    schema: dict[str, Any]
    """JSON Schema (draft 2020-12) of the answer object; `additionalProperties` must be false."""
    label: str = "label"
    """The property whose distribution and correctness the canary grades."""


class SpendPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much money this job may cost, in US dollars."""

    ceiling_usd: Decimal
    """A job whose worst case lies above is not started without approval."""
    max_tokens_cap: int
    """No request may ask for more output tokens than this."""
    approvable_usd: Decimal | None = None
    """Up to here a person may approve what exceeds the ceiling; without it nobody may."""


class CanaryPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The slice that goes first, and what it must show."""

    share: float = 0.02
    min_rows: int | None = None
    """By default as many rows as it takes to decide `max_bad_share` at `confidence`."""
    confidence: float = 0.95
    max_bad_share: float = 0.10
    """Errored rows and answers that break the schema, together."""
    min_accuracy: float = 0.70
    """Against the known answers of `label_column`."""
    max_label_shift: float = 0.20
    """How far a label's share may lie from its share among the known answers."""


class RequeuePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How often rows that failed without being at fault are sent again."""

    max_rounds: int = 2


class QuarantinePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many rows may be kept back. Shares have defaults; a number of rows holds where it is
    set."""

    warn_share: float | None = 0.05
    """At this share of all rows the owner is told why."""
    stop_share: float | None = 0.25
    """At this share nothing is promoted."""
    warn_rows: int | None = None
    stop_rows: int | None = None


class RetentionPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long what belongs to a job is kept, in days from its opening."""

    payload_days: int = 14
    """Batches at the service, staged answers and counted labels; at most 28, as the service
    deletes results after 29."""
    evidence_days: int = 28
    """The bytes of answers in quarantine."""
    before_images_days: int = 28
    """What stood in the system of record before a promotion. Without it nothing can be undone."""
    keys_days: int = 365
    """Keys of rows and digests of requests: who was in which job."""


class SchedulePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When this job may have its turn."""

    priority: int = 0
    """Larger goes first."""


class JobType(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The approved policy of one kind of job."""

    name: str
    team: str
    owner: str
    """Who is paged."""
    policy_version: str
    approved_by: str
    rows: RowsPolicy
    prompt: Prompt
    answer: AnswerPolicy
    spend: SpendPolicy
    canary: CanaryPolicy = CanaryPolicy()
    requeue: RequeuePolicy = RequeuePolicy()
    schedule: SchedulePolicy = SchedulePolicy()
    quarantine: QuarantinePolicy = QuarantinePolicy()
    retention: RetentionPolicy = RetentionPolicy()

    @property
    def text_field(self) -> str:
        """The column with the untrusted free text."""
        return self.rows.text or next(Template(self.prompt.template).fields())

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that the schema admits, in its order; empty where it does not list them."""
        label = self.answer.schema.get("properties", {}).get(self.answer.label, {})
        return tuple(value for value in label.get("enum", ()) if isinstance(value, str))


@dataclass(frozen=True, slots=True)
class Template:
    """A user message with named gaps."""

    text: str

    def fields(self) -> Iterator[str]:
        """The names of the gaps, in order of appearance."""
        return (name for _, name in self.segments() if name is not None)

    def segments(self) -> list[tuple[str, str | None]]:
        """Literal text, each followed by the name of the gap behind it or None.

        Raises:
            ControlError: the braces do not match, or a gap is more than a column name.
        """
        try:
            parsed = list(Formatter().parse(self.text))
        except ValueError as error:
            raise ControlError(
                f"The prompt template cannot be read: {error}.",
                fix="Write {column} for a value and {{ or }} for a brace.",
            ) from None
        for _, name, spec, conversion in parsed:
            if name is not None and (not name or spec or conversion or set(name) & set(".[]")):
                raise ControlError(
                    f"The gap {{{name}}} in the prompt template is not a column name.",
                    fix="Write {column} and nothing else between the braces.",
                )
        return [(literal, name) for literal, name, _, _ in parsed]


def load_job_type(path: Path) -> JobType:
    """Read a job type from a TOML file.

    Raises:
        ControlError: the file cannot be read, is not TOML, or does not describe a job type.
    """
    try:
        document = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ControlError(
            f"The job file {path} cannot be read: {error.strerror}.", fix="Check the path."
        ) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ControlError(
            f"The job file {path} is not TOML: {error}.", fix="Mend the line it names."
        ) from None
    try:
        job_type = msgspec.convert(document, JobType)
    except msgspec.ValidationError as error:
        raise ControlError(
            f"The job file {path} does not describe a job type: {error}.",
            fix="Compare it with scenarios/jobs/tickets.toml.",
        ) from None
    check_job_type(job_type)
    return job_type


def check_job_type(job_type: JobType) -> None:
    """Refuse a policy that cannot hold.

    Raises:
        ControlError: with the first rule that it breaks.
    """
    for broken, what, fix in (*_rules(job_type), *_limits(job_type), *_times(job_type)):
        if broken:
            raise ControlError(f"The job type {job_type.name!r} {what}.", fix=fix)
    try:
        jsonschema_rs.validator_for(job_type.answer.schema)
    except (ValueError, jsonschema_rs.ValidationError) as error:
        raise ControlError(
            f"The answer schema of {job_type.name!r} is not a JSON Schema: {error}.",
            fix="Mend [answer.schema].",
        ) from None


def _rules(job: JobType) -> Iterator[tuple[bool, str, str]]:
    """Each rule as (is it broken, what is wrong, how to mend it)."""
    fields = list(Template(job.prompt.template).fields())
    strangers = sorted(set(fields) - set(job.rows.allowed_fields))
    schema = job.answer.schema
    yield not fields, "has a template without any {column}", "Put a column into prompt.template."
    yield (
        bool(strangers),
        f"uses {', '.join(strangers)} in its template but does not allow it",
        "Add it to rows.allowed_fields, or take it out of the template.",
    )
    yield (
        schema.get("type") != "object" or schema.get("additionalProperties") is not False,
        "admits answers of any shape",
        'Set type = "object" and additionalProperties = false in [answer.schema].',
    )
    yield (
        job.answer.label not in schema.get("properties", {}),
        f"grades {job.answer.label!r}, which its schema does not have",
        "Name a property of the schema in answer.label.",
    )
    yield (
        REFERENCE_FIELD in schema.get("properties", {}),
        f"has a property {REFERENCE_FIELD!r}, in which the reference of a row is given back",
        "Give the property another name.",
    )
    yield (
        not job.approved_by.strip() or not job.owner.strip(),
        "names nobody who approved it, or nobody to page",
        "Fill approved_by and owner.",
    )


def _limits(job: JobType) -> Iterator[tuple[bool, str, str]]:
    """The rules about numbers."""
    ceiling = job.spend.ceiling_usd
    yield (
        not ceiling.is_finite() or ceiling <= 0,
        "has no spend ceiling above zero",
        "Set spend.ceiling_usd.",
    )
    yield job.spend.max_tokens_cap < 1, "caps output below one token", "Raise max_tokens_cap."
    yield (
        not 0 < job.canary.share <= 1,
        f"has a canary share of {job.canary.share}",
        "Set canary.share between 0 and 1, for example 0.02.",
    )
    yield (
        not 0 < job.canary.max_bad_share < 1 or not 0 < job.canary.confidence < 1,
        "has a canary that cannot decide",
        "Set canary.max_bad_share and canary.confidence between 0 and 1.",
    )
    yield (
        not 0 <= job.canary.min_accuracy <= 1 or not 0 <= job.canary.max_label_shift <= 1,
        "asks for an accuracy or a label shift that is no share",
        "Set canary.min_accuracy and canary.max_label_shift between 0 and 1.",
    )
    yield job.requeue.max_rounds < 0, "has a negative number of rounds", "Set requeue.max_rounds."


def _times(job: JobType) -> Iterator[tuple[bool, str, str]]:
    """The rules about what is kept back, and how long anything is kept."""
    kept, days = job.quarantine, job.retention
    shares = [share for share in (kept.warn_share, kept.stop_share) if share is not None]
    rows = [count for count in (kept.warn_rows, kept.stop_rows) if count is not None]
    yield (
        any(not 0 < share <= 1 for share in shares) or any(count < 1 for count in rows),
        "has a limit for its quarantine that is no share, or below one row",
        "Set the shares of [quarantine] between 0 and 1, and the rows to 1 or more.",
    )
    yield (
        shares != sorted(shares) or rows != sorted(rows),
        "stops for its quarantine before it warns",
        "Set the stop limits of [quarantine] above the warn limits.",
    )
    yield (
        not 1 <= days.payload_days <= LAST_PAYLOAD_DAY,
        f"keeps payload for {days.payload_days} days",
        f"Set retention.payload_days between 1 and {LAST_PAYLOAD_DAY}; the service deletes later.",
    )
    yield (
        min(days.evidence_days, days.before_images_days, days.keys_days) < 1,
        "keeps something for less than a day",
        "Set the days of [retention] to 1 or more.",
    )


def check_columns(job_type: JobType, columns: Mapping[str, Any] | tuple[str, ...]) -> None:
    """Refuse rows that lack a column which the job type needs.

    Raises:
        ControlError: naming the column, and the nearest that exists.
    """
    rows = job_type.rows
    needed = dict.fromkeys(Template(job_type.prompt.template).fields(), "the template uses it")
    needed |= {rows.key: "it identifies a row"} if rows.key else {}
    needed |= {rows.label_column: "it holds the known answers"} if rows.label_column else {}
    for name, reason in needed.items():
        if name not in columns:
            near = get_close_matches(name, list(columns), n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(columns)}."
            raise ControlError(
                f"The rows have no column {name!r}, but {reason} (job type {job_type.name!r}).",
                fix=hint,
            )
