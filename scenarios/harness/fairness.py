"""Whether a calm day could be good at all: by the service's books, not by the word of a control.

On a calm day nothing goes wrong on purpose. If it still ends badly, either the controls did harm,
or the job and the rows do not suffice: too few rows for the canary, too little money, an answer
that the simulated model cannot give. Only what is found here excuses the controls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

from controls import Canary, PromptFence, RowBinding
from controls.canary import bounds, rows_to_decide
from controls.core.dressing import Dresser
from controls.core.grading import expected_shares
from controls.ids import Namespace
from controls.policy import label_text
from controls.prices import default_prices
from scenarios.harness.record import Record
from simulator.books import RequestBook
from simulator.tokens import BYTES_PER_TOKEN

GENEROUS = 2
"""A ceiling below so many times what the service counts may be refused: the worst case is
bounded from above."""


def unfit(record: Record) -> str:
    """Why the day could not be good, and what to change; empty if nothing stood in its way."""
    reasons = (*_by_the_service(record), *_by_the_money(record), *_by_the_canary(record))
    return next(iter(reasons), "")


def _by_the_service(record: Record) -> Iterator[str]:
    """Rows that the service refused, and answers that the simulated model could not give."""
    job = record.job_type
    refused = [book for book in record.books.requests if book.outcome == "errored"]
    answered = [book for book in record.books.requests if book.outcome == "succeeded"]
    if refused:
        says = f"{refused[0].error_type}: {refused[0].error_message[:120]}"
        yield f"the service refused {len(refused):,} rows ({says}); mend them or the prompt"
    cut = sum(book.stop_reason == "max_tokens" for book in answered)
    if cut:
        yield (
            f"{cut:,} answers were cut off at prompt.max_tokens = {job.prompt.max_tokens}; raise it"
        )
    unseen = sum(book.subject is None for book in answered)
    if unseen:
        yield (
            f"the simulated model did not find the text of {unseen:,} rows in their prompts; give "
            f"{job.text_field!r} a place of its own in prompt.template"
        )
    odd = sum(not _fits(record, book) for book in answered)
    if odd:
        yield (
            f"the simulated model gave {odd:,} answers that do not fit [answer.schema]; simplify it"
        )


def _fits(record: Record, book: RequestBook) -> bool:
    value = record.answered(book.text)
    return value is not None and record.shape.fits(value)


def _by_the_money(record: Record) -> Iterator[str]:
    """A ceiling so low that the worst case of these rows may lie above it."""
    if record.sent or record.status not in {"halted", "waiting for approval"}:
        return
    prompt = record.job_type.prompt
    namespace = Namespace(record.job_type.team, "job")
    dresser = Dresser(record.job_type, namespace, b"", PromptFence(), RowBinding())
    tokens = sum(len(dresser.dress(row).params) // BYTES_PER_TOKEN + 16 for row in record.rows)
    output = len(record.rows) * (prompt.max_tokens or 0)
    price = default_prices().price(prompt.model)
    worst = price.worst(GENEROUS * tokens, output, largest_prompt=0)
    if record.approved_usd < worst:
        yield (
            f"spend.ceiling_usd = {record.approved_usd} is too little for the worst case of "
            f"{len(record.rows):,} rows; ${_up(worst)} is enough, or give fewer rows"
        )


def _up(usd: Decimal) -> Decimal:
    """Whole cents, and one more."""
    return usd.quantize(Decimal("0.01")) + Decimal("0.01")


def _by_the_canary(record: Record) -> Iterator[str]:
    """A slice that cannot prove what it has to, however it is graded."""
    job, rows = record.job_type, record.rows
    policy, size = job.canary, Canary(job.canary).size(len(rows))
    if record.status != "halted" or record.sent != size:
        return
    rest = len(rows) - size
    bad = sum(not _fits(record, book) for book in record.books.requests)
    if _highest(bad, size, rest, policy.confidence) > policy.max_bad_share:
        need = rows_to_decide(policy.max_bad_share, policy.confidence)
        yield (
            f"a canary of {size:,} rows with {bad} bad ones cannot prove canary.max_bad_share = "
            f"{policy.max_bad_share}; it takes {need:,} without a bad one: raise canary.min_rows "
            "or leave it out, or give more rows"
        )
    column = job.rows.label_column or ""
    given = [(rows[_ordinal(book)].fields.get(column, ""), book) for book in record.books.requests]
    labels = [_label(record, book) for _, book in given]
    graded = [label == truth for label, (truth, _) in zip(labels, given, strict=True) if truth]
    wrong, known = graded.count(False), len(graded)
    if known and 1 - _highest(wrong, known, rest, policy.confidence) < policy.min_accuracy:
        yield (
            f"the simulated model gave the known answer in {known - wrong:,} of {known:,} rows of "
            f"the canary, which cannot prove canary.min_accuracy = {policy.min_accuracy}; lower "
            "it, raise canary.min_rows, or give more rows"
        )
    yield from _by_the_labels(record, labels, column)


def _by_the_labels(record: Record, labels: Sequence[str], column: str) -> Iterator[str]:
    """Labels of the slice that lie further from the known answers than is agreed."""
    limit, shares = record.job_type.canary.max_label_shift, Counter(labels)
    expected = expected_shares(record.rows, column or None)
    far = [
        name
        for name in (sorted(expected.keys() | shares.keys()) if expected else ())
        if abs(shares[name] / len(labels) - expected.get(name, 0.0)) > limit
    ]
    if far:
        yield (
            f"the share of the label {far[0][:60]!r} among {len(labels):,} rows of the canary lies "
            f"further from that of the known answers than canary.max_label_shift = {limit}; raise "
            "it, or give more rows"
        )


def _highest(hits: int, trials: int, rest: int, confidence: float) -> float:
    """The highest share that so many hits may mean; known where the slice is everything."""
    return bounds(hits, trials, confidence)[1] if rest else hits / trials


def _ordinal(book: RequestBook) -> int:
    return int(book.custom_id.rpartition("-")[2])


def _label(record: Record, book: RequestBook) -> str:
    value = record.answered(book.text) or {}
    return label_text(value.get(record.job_type.answer.label))
