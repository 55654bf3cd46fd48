"""The real service, for at most a cent, when somebody asks for it; and the same path without it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import anthropic
import pytest

from controls import ControlError, SystemClock
from controls.prices import Price, PriceTable, default_prices
from simulator import FromCallable, Question
from simulator.testing import opened
from tests.controls.builders import ECHO
from tests.real.smoke import BUDGET_USD, COMMAND, KEY, MAX_TOKENS, ROWS, cheapest, plan, run

HOME = Path(__file__).parents[2]
DOCS = (HOME / "docs" / "real-api.md").read_text("utf-8")


@pytest.mark.real_api
@pytest.mark.timeout(0)
def test_two_rows_go_through_the_real_service(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Create, poll, download, judge, promote, delete: nothing between us and the service."""
    key = os.environ.get(KEY)
    if not key:
        pytest.skip(f"costs up to ${BUDGET_USD} of your money; to run it: {COMMAND}")
    planned = plan(default_prices())
    assert planned.worst_usd <= BUDGET_USD

    def tell(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}")

    done = run(planned, anthropic.Anthropic(api_key=key), SystemClock(), tmp_path, tell)

    assert ("done", "") == (done.outcome.status, done.outcome.why)
    assert {row.key for row in ROWS} == done.labels.keys()
    assert 1 == len(done.batches)


def labels(question: Question) -> str:
    """What a good model would say of the two rows."""
    label = "complaint" if "broken" in question.user else "content"
    echo = ECHO.search(question.user)
    assert echo is not None
    return f'{{"label":"{label}","ref":"{echo[1]}"}}'


def test_the_same_path_goes_through_the_simulated_service(tmp_path: Path) -> None:
    """Another base URL and another clock over a real socket: all else is the code of the test
    above, so that it is known to work on the day when somebody pays for it."""
    said: list[str] = []
    planned = plan(default_prices())
    with opened(responder=FromCallable(labels)) as service:
        client = anthropic.Anthropic(api_key=service.api_key, base_url=service.url)
        done = run(planned, client, service.clock, tmp_path, said.append)
        left = list(client.messages.batches.list())
        service.assert_no_row_paid_twice()
        billed = service.billed_usd

    assert ("done", "") == (done.outcome.status, done.outcome.why)
    assert {"thanks": "content", "broken": "complaint"} == done.labels
    assert (1, []) == (len(done.batches), left)
    assert 0 < billed <= planned.worst_usd
    assert [planned.announced(str(client.base_url))] == said


def test_the_worst_case_is_told_before_the_first_call(tmp_path: Path) -> None:
    """Whoever reads it can still press Ctrl-C for nothing."""
    with opened(responder=FromCallable(labels)) as service:

        def tell(text: str) -> None:
            assert "2 rows" in text
            assert f"${planned.worst_usd:.6f} at most" in text
            assert not service.history
            raise KeyboardInterrupt

        planned = plan(default_prices())
        with pytest.raises(KeyboardInterrupt):
            run(planned, service.client(), service.clock, tmp_path, tell)

        service.assert_sent(0)


def test_the_worst_case_is_below_a_cent() -> None:
    """Both rows whole: a token per byte, all of max_tokens, and every create attempt paid."""
    planned = plan(default_prices())
    price = planned.prices.price(planned.job_type.prompt.model)
    output = 5 * len(ROWS) * MAX_TOKENS * price.output / 1_000_000

    assert "claude-haiku-5-5" == planned.job_type.prompt.model == cheapest(default_prices())
    assert output < planned.worst_usd <= BUDGET_USD


@pytest.mark.parametrize(("usd", "fits"), [("0.5", True), ("2", False), ("1000", False)])
def test_whatever_could_cost_more_is_refused_without_a_call(usd: str, fits: bool) -> None:  # noqa: FBT001 - a column of a table
    """In a table where even the cheapest model is dear, nothing is sent, not even to be counted."""
    one = Decimal(usd)
    price = Price(input=one, output=one, cache_write_5m=one, cache_write_1h=one, cache_read=one)
    table = PriceTable(date(2027, 1, 1), {"claude-dear-1": price})

    if fits:
        assert plan(table).worst_usd <= BUDGET_USD
    else:
        with pytest.raises(ControlError, match=r"more than \$0.01"):
            plan(table)


def test_an_ordinary_key_does_not_start_it() -> None:
    """A developer's `ANTHROPIC_API_KEY` is no consent: the test is skipped and says how to run."""
    environment = {name: value for name, value in os.environ.items() if name != KEY}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "real_api", "-p", "no:cacheprovider", __file__],
        cwd=HOME,
        env=environment | {"ANTHROPIC_API_KEY": "sk-ant-ordinary"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "1 skipped" in done.stdout
    assert not re.search(r"passed|failed|error", done.stdout)
    assert COMMAND in done.stdout


def test_the_page_says_what_is_true() -> None:
    """Command, cost and budget in docs/real-api.md are those of the code."""
    (worst,) = re.findall(r"at most \$(0\.\d+)", DOCS)

    assert COMMAND in DOCS
    assert f"{plan(default_prices()).worst_usd:.6f}" == worst
    assert cheapest(default_prices()) in DOCS
