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
from typing import Any, Literal

import jsonschema_rs
import msgspec

from controls.core.errors import ControlError
from controls.ids import REFERENCE_FIELD
from controls.secrets import NAMES, Action

HIGHEST_PRIORITY = 9
BATCH_HOURS = 24
"""So long after its creation the API ends a batch; rows that are unprocessed then expire."""
DEEPEST_SCHEMA = 64
"""Levels of [answer.schema]: deeper than any that a person writes."""

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
    sensitive: Mapping[str, Action] = {}
    """What happens to finds in the text, by detector of `controls.secrets`, where it differs."""
    on_sensitive: Literal["quarantine", "halt"] = "quarantine"
    """Whether a row with something to refuse stays at home alone, or stops its job."""


class Prompt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every request says."""

    model: str
    """One that the price table knows."""
    template: str
    """The user message; `{column}` stands for a row's value, `{{` for a brace."""
    max_tokens: int | None
    """The longest answer; at most `spend.max_tokens_cap`."""
    system: str = ""
    """The system prompt."""


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
    team_usd_per_day: Decimal | None = None
    """What all jobs of the team together may reserve or spend on one day (UTC)."""
    prices_days: int | None = None
    """So old the price table may be; without it however old. Nothing at the API tells prices."""


class CanaryPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The slice that goes first, and what it must show."""

    share: float = 0.02
    """Of all rows."""
    min_rows: int | None = None
    """By default as many rows as it takes to decide `max_bad_share` at `confidence`."""
    confidence: float = 0.95
    """How sure the bounds on what the slice shows must be."""
    max_bad_share: float = 0.10
    """Errored rows and answers that break the schema, together."""
    min_accuracy: float = 0.70
    """Against the known answers of `label_column`."""
    ramp: tuple[float, ...] = (0.1, 0.5)
    """Shares of all rows at which the job stops again to be graded, ascending; `[]` for none."""
    max_label_shift: float = 0.20
    """How far a label's share may lie from its share among the known answers."""


class RequeuePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How often rows that failed without being at fault are sent again."""

    max_rounds: int = 2
    """After the first sending."""


class QuarantinePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many rows may be kept back. Shares have defaults; a number of rows holds where it is
    set."""

    warn_share: float | None = 0.05
    """At this share of all rows the owner is told why."""
    stop_share: float | None = 0.25
    """At this share nothing is promoted."""
    warn_rows: int | None = None
    """At this number the owner is told why."""
    stop_rows: int | None = None
    """At this number nothing is promoted."""


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
    """When batches of this job type go, if many share the account."""

    priority: int = 0
    """Larger goes first: 0 for ordinary jobs, above for urgent ones, below for what can wait."""
    window: tuple[int, int] | None = None
    """Low-traffic hours (UTC) in which a job of priority below 0 goes, e.g. `[22, 6]`."""
    deadline_hours: float | None = None
    """Answers are needed so long after the job was opened; the router chooses by it."""


class WatchdogPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From when on a person hears of errored rows and of batches that do not end."""

    warn_errored_share: float = 0.05
    """Of the requests of a batch: the owner is told."""
    warn_errored_rows: int = 20
    """Both must be reached: one errored row of ten is no pattern."""
    stop_errored_share: float = 0.50
    """Of the requests of a batch: the job stops."""
    stop_errored_rows: int = 100
    """Both must be reached here too."""
    warn_hours: float = 20.0
    """The API ends a batch 24 hours after its creation; what is unprocessed then has expired."""
    grace_hours: float = 1.0
    """A batch that is not ended so long after the 24 hours is stuck."""


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
    watchdog: WatchdogPolicy = WatchdogPolicy()
    quarantine: QuarantinePolicy = QuarantinePolicy()
    retention: RetentionPolicy = RetentionPolicy()

    @property
    def text_field(self) -> str:
        """The column with the untrusted free text."""
        return self.rows.text or next(Template(self.prompt.template).fields())

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that the schema admits, as text and in its order; empty where it does not
        list them."""
        schema = self.answer.schema
        values = _listed(schema.get("properties", {}).get(self.answer.label), schema)
        return tuple(dict.fromkeys(label_text(value) for value in values if value is not None))


def label_text(value: Any) -> str:
    """A label as text, as it stands in a column of known answers: `true`, `3`, `pos`."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _listed(schema: Any, root: Mapping[str, Any], depth: int = 0) -> list[Any]:
    """The values that a schema lists, wherever it does; empty where it leaves them open."""
    if not isinstance(schema, Mapping) or depth > DEEPEST_SCHEMA:
        return []
    if "const" in schema:
        return [schema["const"]]
    if "enum" in schema:
        return list(schema["enum"])
    if "$ref" in schema:
        return _listed(_target(str(schema["$ref"]), root), root, depth + 1)
    options = schema.get("anyOf", schema.get("oneOf"))
    if isinstance(options, list):
        parts = [_listed(option, root, depth + 1) for option in options]
        return [value for part in parts for value in part] if all(parts) else []
    closed: dict[str, list[Any]] = {"boolean": [False, True], "null": [None]}
    return closed.get(str(schema.get("type")), [])


def _target(reference: str, root: Mapping[str, Any]) -> Any:
    """What a reference into the same schema points at, or None."""
    target: Any = root
    for part in reference.removeprefix("#").split("/")[1:]:
        target = target.get(part) if isinstance(target, Mapping) else None
    return target


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
    try:
        check_job_type(job_type)
    except ControlError as error:
        raise ControlError(f"In {path}: {error.what}", fix=error.fix) from None
    return job_type


def check_job_type(job_type: JobType) -> None:
    """Refuse a policy that cannot hold.

    Raises:
        ControlError: with the first rule that it breaks.
    """
    _check_schema(job_type)
    for broken, what, fix in (*_rules(job_type), *_limits(job_type), *_times(job_type)):
        if broken:
            raise ControlError(f"The job type {job_type.name!r} {what}.", fix=fix)


def _check_schema(job: JobType) -> None:
    """Refuse what is no JSON Schema, or looks for a part of itself somewhere else."""
    problem = _outside(job.answer.schema)
    if not problem:
        try:
            jsonschema_rs.validator_for(job.answer.schema)
        except (ValueError, jsonschema_rs.ValidationError) as error:
            problem = str(error).split("\n", 1)[0].removesuffix(".")
    if problem:
        raise ControlError(
            f"The answer schema of {job.name!r} is not a JSON Schema: {problem}.",
            fix="Mend [answer.schema].",
        )


def _outside(schema: Any, depth: int = 0) -> str:
    """Why a schema cannot be read by itself; empty when it can."""
    if depth > DEEPEST_SCHEMA:
        return f"it is deeper than {DEEPEST_SCHEMA} levels"
    if isinstance(schema, list):
        return next(filter(None, (_outside(part, depth + 1) for part in schema)), "")
    if not isinstance(schema, dict):
        return ""
    reference = schema.get("$ref", "#")
    if isinstance(reference, str) and not reference.startswith("#"):
        return f"its reference {reference[:80]!r} leads out of it; write #/$defs/NAME"
    return next(filter(None, (_outside(part, depth + 1) for part in schema.values())), "")


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
        job.rows.text is not None and job.rows.text not in fields,
        f"has {job.rows.text!r} for rows.text, which its template does not use",
        f"Name a column of the template: {', '.join(map(repr, fields))}.",
    )
    yield (
        _nests(schema.get("properties", {}).get(job.answer.label)),
        f"grades {job.answer.label!r}, which is a list or an object",
        "Name a property in answer.label that is a text, a number or a boolean.",
    )
    yield (
        REFERENCE_FIELD in schema.get("properties", {}),
        f"has a property {REFERENCE_FIELD!r}, in which the reference of a row is given back",
        "Give the property another name.",
    )
    unknown = sorted(job.rows.sensitive.keys() - set(NAMES))
    yield (
        bool(unknown),
        f"says what happens to {', '.join(map(repr, unknown))}, which nothing looks for",
        f"Name one of these in [rows.sensitive]: {', '.join(NAMES)}.",
    )
    yield (
        not job.approved_by.strip() or not job.owner.strip(),
        "names nobody who approved it, or nobody to page",
        "Fill approved_by and owner.",
    )


def _nests(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") in ("array", "object")


def _limits(job: JobType) -> Iterator[tuple[bool, str, str]]:
    """The rules about numbers."""
    ceiling = job.spend.ceiling_usd
    yield (
        not ceiling.is_finite() or ceiling <= 0,
        "has no spend ceiling above zero",
        "Set spend.ceiling_usd.",
    )
    yield (
        not _limits_money(job.spend.approvable_usd),
        "lets a person approve an amount that is none",
        "Set spend.approvable_usd above zero, or take it out.",
    )
    yield (
        not _limits_money(job.spend.team_usd_per_day),
        "has a ceiling for the team's day that is no amount above zero",
        "Set spend.team_usd_per_day, or take it out.",
    )
    yield job.spend.max_tokens_cap < 1, "caps output below one token", "Raise max_tokens_cap."
    asked, cap = job.prompt.max_tokens, job.spend.max_tokens_cap
    yield (
        asked is not None and asked < 1,
        f"asks for {asked} output tokens in prompt.max_tokens",
        "Set prompt.max_tokens to 1 or more.",
    )
    yield (
        asked is not None and asked > cap,
        f"asks for {asked} output tokens in prompt.max_tokens; spend.max_tokens_cap is {cap}",
        "Lower prompt.max_tokens, or raise the cap.",
    )
    least = job.canary.min_rows
    yield (
        least is not None and least < 1,
        f"has {least} for canary.min_rows",
        "Set canary.min_rows to 1 or more, or leave it out: by default it is as many as it takes.",
    )
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
    yield from _schedule_limits(job.schedule)
    yield from _watchdog_limits(job.watchdog)


def _schedule_limits(schedule: SchedulePolicy) -> Iterator[tuple[bool, str, str]]:
    window, deadline = schedule.window, schedule.deadline_hours
    yield (
        abs(schedule.priority) > HIGHEST_PRIORITY,
        f"has a priority of {schedule.priority}",
        f"Set schedule.priority between -{HIGHEST_PRIORITY} and {HIGHEST_PRIORITY}.",
    )
    yield (
        window is not None and (not {*window} <= {*range(24)} or window[0] == window[1]),
        f"has the window {list(window or ())}",
        "Set schedule.window to two different hours from 0 to 23, for example [22, 6].",
    )
    yield (
        window is not None and schedule.priority >= 0,
        "is kept to a window, though its priority says that it cannot wait",
        "Set schedule.priority below 0, or take out schedule.window.",
    )
    yield (
        deadline is not None and not 0 < deadline < float("inf"),
        f"has a deadline after {deadline} hours",
        "Set schedule.deadline_hours above 0, or take it out.",
    )


def _watchdog_limits(watchdog: WatchdogPolicy) -> Iterator[tuple[bool, str, str]]:
    yield (
        not 0 < watchdog.warn_errored_share <= watchdog.stop_errored_share <= 1
        or not 1 <= watchdog.warn_errored_rows <= watchdog.stop_errored_rows,
        "has a watchdog that stops before it warns, or at a share that is none",
        "Set watchdog.warn_errored_* up to stop_errored_*: shares up to 1, rows from 1.",
    )
    yield (
        not 0 < watchdog.warn_hours < BATCH_HOURS or not 0 <= watchdog.grace_hours < float("inf"),
        "has a watchdog that warns when the 24 hours of a batch are over",
        "Set watchdog.warn_hours below 24, and watchdog.grace_hours from 0.",
    )


def _limits_money(usd: Decimal | None) -> bool:
    """Whether this is an amount above zero, or deliberately nothing."""
    return usd is None or (usd.is_finite() and usd > 0)


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
    needed |= {rows.text: "it is named in rows.text"} if rows.text else {}
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
