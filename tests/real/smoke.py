"""Two rows through the whole runner, for at most one cent: the same code for real and simulated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import anthropic
from sqlalchemy import Column, MetaData, Table, Text

from controls import (
    Alerts,
    Approval,
    BatchRunner,
    ControlError,
    CostCeiling,
    IdempotentSubmit,
    Job,
    JobOutcome,
    JobType,
    Ledger,
    Register,
    Row,
    Staging,
    SystemOfRecord,
    default_stack,
    open_store,
)
from controls.ceiling import estimate_cost
from controls.core.clock import Clock
from controls.core.decision import Proceed
from controls.core.moment import Estimate
from controls.policy import AnswerPolicy, Prompt, RequeuePolicy, RowsPolicy, SpendPolicy
from controls.prices import PriceTable
from tests.controls.builders import a_dresser, before_submit

KEY = "GAMEDAY_REAL_API_KEY"
COMMAND = f"{KEY}=sk-ant-... python -m pytest -m real_api tests/real -s"
BUDGET_USD = Decimal("0.01")
MAX_TOKENS = 256
JOB = "real-api-smoke"
ROWS = (
    Row(0, "thanks", {"text": "The new release fixed it. Thank you!"}),
    Row(1, "broken", {"text": "The export is broken again, third time this week."}),
)


def cheapest(prices: PriceTable) -> str:
    """The model of which a token in and a token out cost least."""
    return min(prices.models, key=lambda name: _dollars(prices, name))


def _dollars(prices: PriceTable, name: str) -> Decimal:
    price = prices.price(name)
    return price.input + price.output


def job_type(model: str) -> JobType:
    """Label two short texts; nothing is sent a second time."""
    return JobType(
        name="real-api-smoke",
        team="gameday",
        owner="whoever started this",
        policy_version="1",
        approved_by="whoever started this",
        rows=RowsPolicy(allowed_fields=("text",)),
        prompt=Prompt(
            model=model,
            template="Is this message content or a complaint?\n\n{text}",
            max_tokens=MAX_TOKENS,
            system=(
                "Answer with one JSON object and nothing else, no code fence: "
                '{"label": "content" or "complaint", "ref": the reference you are given}.'
            ),
        ),
        answer=AnswerPolicy(
            schema={
                "type": "object",
                "additionalProperties": False,
                "required": ["label"],
                "properties": {"label": {"type": "string", "enum": ["content", "complaint"]}},
            }
        ),
        spend=SpendPolicy(ceiling_usd=BUDGET_USD, max_tokens_cap=MAX_TOKENS),
        requeue=RequeuePolicy(max_rounds=0),
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be sent, and what that costs at most."""

    job_type: JobType
    prices: PriceTable
    worst_usd: Decimal

    def announced(self, base_url: str) -> str:
        """What a person reads before anything is sent."""
        return (
            f"gameday sends {len(ROWS)} rows to {base_url} in one batch, with "
            f"{self.job_type.prompt.model}: ${self.worst_usd:.6f} at most. A batch of this size "
            "takes minutes, and 24 hours at most. The batch is deleted afterwards.\n"
        )


def plan(prices: PriceTable) -> Plan:
    """The worst case without asking anybody: a token per byte, and every attempt to create paid.

    Raises:
        ControlError: that could cost more than a cent. Nothing was sent.
    """
    kind = job_type(cheapest(prices))
    dressed = [a_dresser(kind).dress(row) for row in ROWS]

    def uncounted(_: object) -> int:
        raise ControlError("Nothing is counted before the worst case is known.", fix="")

    once = estimate_cost(dressed, kind, prices, uncounted, frozenset())
    attempts = IdempotentSubmit().max_attempts
    worst = Estimate(
        attempts * once.rows,
        attempts * once.input_tokens,
        attempts * once.output_tokens,
        attempts * once.worst_case_usd,
        0,
    )
    decision = CostCeiling.of(kind).decide(before_submit(ROWS, kind, estimate=lambda: worst))
    if not isinstance(decision, Proceed) or worst.worst_case_usd > BUDGET_USD:
        raise ControlError(
            f"This could cost ${worst.worst_case_usd:.4f}, more than ${BUDGET_USD}.",
            fix="Look into the price table: no model in it is cheap enough.",
        )
    return Plan(kind, prices, worst.worst_case_usd)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it."""

    outcome: JobOutcome
    ledger: Ledger
    labels: dict[str, str]
    batches: frozenset[str]


def run(
    plan: Plan,
    client: anthropic.Anthropic,
    clock: Clock,
    folder: Path,
    tell: Callable[[str], object],
) -> Done:
    """Announce, send, wait, collect, promote into a table of its own, delete at the service."""
    tell(plan.announced(str(client.base_url)))
    store = open_store(f"sqlite:///{folder / 'gameday.db'}")
    table = Table(
        "answers", MetaData(), Column("key", Text, primary_key=True), Column("label", Text)
    )
    table.create(store)
    record = SystemOfRecord(store, "answers", "key")
    ledger = Ledger(store, clock.now)
    Register(ledger).approve(plan.job_type, by=plan.job_type.approved_by)
    released = Approval(plan.job_type.approved_by, Decimal(0))
    runner = BatchRunner(
        client,
        ledger,
        clock,
        default_stack(plan.job_type, Staging(store, record)),
        pager=Alerts(),
        secret=b"of no worth: these rows are public",
        prices=plan.prices,
    )
    outcome = runner.run(Job(JOB, plan.job_type, (released,)), ROWS)
    batches = frozenset(
        str(entry.body["batch_id"]) for entry in ledger.entries(JOB) if "batch_id" in entry.body
    )
    for batch in sorted(batches):
        client.messages.batches.delete(batch)
    with store.connect() as connection:
        labels = {row.key: row.label for row in connection.execute(table.select())}
    store.dispose()
    return Done(outcome, ledger, labels, batches)
