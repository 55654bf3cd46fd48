"""The door of a game day: what cannot end well is refused before anything runs.

`check_job_type` refuses policies that cannot hold anywhere. Here stands what is only known
together with the rows and the simulated service: a red report must never be the fault of a job
that could not have run.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from math import ceil, log
from pathlib import Path
from typing import NamedTuple

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from controls import Canary, ControlError, JobType
from controls.canary import rows_to_decide
from controls.ids import REFERENCE_FIELD
from controls.prices import default_prices
from scenarios.harness.errors import UsageError
from scenarios.harness.model import ACCURACY, answer_writer, label_check
from scenarios.harness.rows import RowSet
from scenarios.harness.shapes import Shape
from scenarios.harness.tables import give_record_back, take_record
from simulator.models import working_model
from simulator.tokens import text_tokens

SCORES = tuple(step / 20 for step in range(21))
"""What answers depend on besides their label: sampled, as there are a thousand."""


class Trouble(NamedTuple):
    """What stands in the way of a game day."""

    what: str
    fix: str


def check_door(job_type: JobType, rowset: RowSet, labels: tuple[str, ...], path: Path) -> None:
    """Refuse a job and rows of which it is known that no calm day can hold.

    Raises:
        UsageError: naming the job file, the field, its value, and what to write instead.
    """
    troubles = chain(
        _model(job_type),
        _table(job_type),
        _answers(job_type, rowset, labels),
        _money(job_type, rowset),
        _canary(job_type, rowset),
        _texts(job_type, rowset),
    )
    first = next(troubles, None)
    if first is not None:
        raise UsageError(f"In {path}: {first.what}", fix=first.fix)


def _model(job: JobType) -> Iterator[Trouble]:
    """The model has a price, and the service knows it and gives it so many tokens."""
    name, asked = job.prompt.model, job.prompt.max_tokens or 1
    try:
        default_prices().price(name)
    except ControlError as error:
        yield Trouble(f"prompt.model = {name!r}: {error.what}", f"Known: {', '.join(_models())}.")
        return
    model = working_model(name)
    if model is None:
        yield Trouble(
            f"prompt.model = {name!r}, which does not answer any more.",
            f"Known: {', '.join(_models())}.",
        )
    elif asked > model.output_cap(""):
        yield Trouble(
            f"prompt.max_tokens = {asked:,}, but {name} writes {model.output_cap(''):,} at most.",
            "Lower prompt.max_tokens.",
        )


def _models() -> list[str]:
    return [name for name in default_prices().models if working_model(name)]


def _table(job: JobType) -> Iterator[Trouble]:
    """The properties can be the columns of one table."""
    seen: dict[str, str] = {}
    for name in job.answer.schema["properties"]:
        plain = name.lower()
        if plain in seen:
            yield Trouble(
                f"the properties {seen[plain]!r} and {name!r} differ in case alone, and columns "
                "of a table do not.",
                "Rename one in [answer.schema].",
            )
        if not name.strip() or "\0" in name:
            yield Trouble(
                f"the property {name!r} cannot be the name of a column.",
                "Rename it in [answer.schema].",
            )
        seen[plain] = name
    try:
        give_record_back(job, take_record(job))
    except SQLAlchemyError as error:
        yield Trouble(
            f"no table can be made of the properties in [answer.schema]: {type(error).__name__}.",
            "Rename them, or use fewer.",
        )


def _answers(job: JobType, rowset: RowSet, labels: tuple[str, ...]) -> Iterator[Trouble]:
    """The simulated model can answer in the agreed shape, within its tokens."""
    shape, answer, fits = Shape.of(job.answer.schema), answer_writer(job), label_check(job)
    asked, column = job.prompt.max_tokens, job.rows.label_column
    known = {row.fields[column] for row in rowset.rows} if column else set()
    tried = [(label, 0.5) for label in labels] + [(labels[0], score) for score in SCORES]
    for label, score in tried:
        problem = shape.problem(msgspec.json.decode(answer(label, score, {})))
        if problem and label in known and not fits(label):
            yield Trouble(
                f"the label {label[:60]!r}, a known answer of the rows, does not fit "
                f"[answer.schema]: {problem}.",
                "Mend the column or the schema, or leave rows.label_column out.",
            )
        if problem:
            yield Trouble(
                "the simulated model cannot make up an answer that fits [answer.schema]: "
                f"{problem}.",
                "Simplify that part of the schema.",
            )
        tokens = text_tokens(answer(label, score, {REFERENCE_FIELD: "0123456789"}))
        if asked is not None and tokens > asked:
            yield Trouble(
                f"prompt.max_tokens = {asked} cuts off the answers, which take {tokens}.",
                f"Set prompt.max_tokens to {2 * tokens} or more.",
            )


def _money(job: JobType, rowset: RowSet) -> Iterator[Trouble]:
    """The ceiling lies above what the output alone may cost, whatever the prompts are."""
    count, ceiling = len(rowset.rows), job.spend.ceiling_usd
    price = default_prices().price(job.prompt.model)
    least = price.worst(count, count * (job.prompt.max_tokens or 0), largest_prompt=0)
    if least > ceiling:
        yield Trouble(
            f"spend.ceiling_usd = {ceiling}, but the worst case of {count:,} rows is more than "
            f"${least:.4f}: CostCeiling would refuse every day.",
            "Raise spend.ceiling_usd, lower prompt.max_tokens, or give fewer rows.",
        )


def _canary(job: JobType, rowset: RowSet) -> Iterator[Trouble]:
    """A slice without a fault proves what the canary has to prove."""
    policy, count = job.canary, len(rowset.rows)
    size = Canary(policy).size(count)
    column, floor = job.rows.label_column, policy.min_accuracy
    graded = column is not None and any(row.fields[column] for row in rowset.rows)
    if graded and floor >= ACCURACY:
        yield Trouble(
            f"canary.min_accuracy = {floor}, but the simulated model gives the known answer in "
            f"{ACCURACY:.0%} of the rows.",
            f"Lower canary.min_accuracy below {ACCURACY} for drills.",
        )
    if size == count:
        return
    need = rows_to_decide(policy.max_bad_share, policy.confidence)
    if size < need:
        yield Trouble(
            f"canary.min_rows = {policy.min_rows} makes a canary of {size:,} of {count:,} rows; it "
            f"takes {need:,} to prove canary.max_bad_share = {policy.max_bad_share}.",
            f"Set canary.min_rows to {need} or more, or leave it out.",
        )
    need = ceil(log(1 - policy.confidence) / log(floor)) if graded and 0 < floor < 1 else 0
    if size < need:
        yield Trouble(
            f"the canary takes {size:,} of {count:,} rows, but it takes {need:,} to prove "
            f"canary.min_accuracy = {floor}.",
            f"Set canary.min_rows to {need} or more, or lower canary.min_accuracy.",
        )


def _texts(job: JobType, rowset: RowSet) -> Iterator[Trouble]:
    """Rows can be told apart."""
    name = job.text_field
    texts = {row.fields[name] for row in rowset.rows}
    if len(texts) == 1 and len(rowset.rows) > 1:
        yield Trouble(
            f"rows.text is {name!r}, and all {len(rowset.rows):,} rows of {rowset.source} say the "
            f"same there: {next(iter(texts))[:40]!r}. Nothing could tell their answers apart.",
            "Give rows with different texts, or name another column.",
        )
