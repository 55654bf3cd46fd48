"""`python -m benchmarks.jobs [--smoke]`: how long a large job takes to be ready to send, and how
long a runner that was killed in the middle of it takes to be working again.

The job runs as in production, with every control of the default stack but the canary and the
release of a first run, which would send a slice first. It is killed by an error that nothing
catches: when it is about to create its batch, and when it has read a part of the results.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

import anthropic
import httpx2
from sqlalchemy import Column, Float, MetaData, Table, Text, create_engine

from controls import (
    Alerts,
    BatchRunner,
    Canary,
    FirstRun,
    Job,
    JobType,
    Ledger,
    Register,
    Row,
    Staging,
    SystemOfRecord,
    default_stack,
    open_store,
)
from controls.policy import AnswerPolicy, Prompt, RowsPolicy, SpendPolicy
from simulator import Api, FromCallable, Question, VirtualClock
from simulator.transport import SimulatorTransport

FULL, SMOKE = 100_000, 2_000
TO_BUILD, TO_RESUME = 50_000, 2.0
"""Targets: rows per second until the batch is ready to be created; seconds to be working again."""
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["label", "score"],
    "properties": {
        "label": {"type": "string", "enum": ["late", "lost", "other"]},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
    },
}
JOB_TYPE = JobType(
    name="benchmark",
    team="bench",
    owner="nobody",
    policy_version="1",
    approved_by="nobody",
    rows=RowsPolicy(allowed_fields=("subject", "body")),
    prompt=Prompt(
        model="claude-haiku-5-5", template="What is it about? {subject}\n{body}", max_tokens=64
    ),
    answer=AnswerPolicy(schema=SCHEMA),
    spend=SpendPolicy(ceiling_usd=Decimal(1_000), max_tokens_cap=64),
)


class Killed(BaseException):
    """What ends the process, as far as the runner can see."""


class Tapped(httpx2.BaseTransport):
    """The service, and somebody who hears each call before it is made."""

    def __init__(self, api: Api, heard: Callable[[httpx2.Request], None]) -> None:
        self._inner = SimulatorTransport(api)
        self._heard = heard

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One call, unless it is the one that is not made any more."""
        self._heard(request)
        return self._inner.handle_request(request)


def a_row(place: int) -> Row:
    """A ticket of about 450 characters, with a customer number that may not be sent."""
    body = f"The parcel {place} was to come on Monday, and nobody rang. " * 8
    fields = {
        "subject": f"Parcel {place} is late",
        "body": body,
        "customer": f"C-{place * 7919 % 10**8:08}",
    }
    return Row(place, f"ticket-{place}", fields)


def says(question: Question) -> str:
    """What was asked for, with the reference that the prompt ends with."""
    reference = question.user.rpartition('Copy "')[2].partition('"')[0]
    return json.dumps({"ref": reference, "label": "late", "score": 0.5})


class Scene:
    """One service, one store in a file, and runners that come and go."""

    def __init__(self, folder: str, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.clock = VirtualClock()
        self.api = Api(clock=self.clock, responder=FromCallable(says))
        self.store_url = f"sqlite:///{folder}/store.db"
        engine = create_engine("sqlite://")
        columns = (Column("id", Text, primary_key=True), Column("label", Text))
        Table("answers", MetaData(), *columns, Column("score", Float)).create(engine)
        self.record = SystemOfRecord(engine, "answers", "id")
        ledger = Ledger(open_store(self.store_url), self.clock.now)
        Register(ledger).note(JOB_TYPE, by="nobody")

    def run(self, heard: Callable[[httpx2.Request], None]) -> float:
        """A new runner on the job, until it ends or is killed; seconds until then."""
        store = open_store(self.store_url)
        stack = default_stack(JOB_TYPE, Staging(store, self.record))
        left = [part for part in stack.controls if not isinstance(part, Canary | FirstRun)]
        client = anthropic.Anthropic(
            api_key="test",
            base_url="http://simulator.invalid",
            http_client=anthropic.DefaultHttpxClient(transport=Tapped(self.api, heard)),
            max_retries=0,
        )
        gc.collect()
        start = time.perf_counter()
        runner = BatchRunner(
            client,
            Ledger(store, self.clock.now),
            self.clock,
            replace(stack, controls=tuple(left)),
            pager=Alerts(),
        )
        try:
            outcome = runner.run(Job("job", JOB_TYPE), self.rows)
        except Killed:
            return time.perf_counter() - start
        finally:
            client.close()
            store.dispose()
        assert (outcome.status, outcome.promoted) == ("done", len(self.rows)), outcome.why
        return time.perf_counter() - start


def at_create(request: httpx2.Request) -> None:
    """Killed when the batch is about to be created."""
    if request.method == "POST" and request.url.path.endswith("/batches"):
        raise Killed


def at_results(request: httpx2.Request) -> None:
    """Killed when the results are about to be read."""
    if request.url.path.endswith("/results"):
        raise Killed


def at_once(_request: httpx2.Request) -> None:
    """Killed at the first call, whatever it is: the runner is working again."""
    raise Killed


def nothing(_request: httpx2.Request) -> None:
    """Let live."""


def tell(what: str, figure: str, target: str, *, met: bool) -> None:
    """One line."""
    print(f"{'ok' if met else 'MISSED':<7} {what:<44} {figure:>18}  (target {target})")


def main() -> int:
    """Run every measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jobs", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small sizes: does it run?")
    count = SMOKE if parser.parse_args().smoke else FULL
    rows = tuple(map(a_row, range(count)))
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(folder, rows)
        rate = count / scene.run(at_create)
        before_create = scene.run(at_once)
        scene.run(at_results)
        before_results = scene.run(at_once)
        scene.run(nothing)
    size = f"{count:,} rows"
    tell(
        f"build and check {size}, until the call",
        f"{rate:,.0f} rows/s",
        f">= {TO_BUILD:,}",
        met=rate >= TO_BUILD,
    )
    for where, seconds in (("the create", before_create), ("the results", before_results)):
        tell(
            f"resume {size}, killed before {where}",
            f"{seconds:.2f} s",
            f"<= {TO_RESUME:g}",
            met=seconds <= TO_RESUME,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
