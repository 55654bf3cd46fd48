"""Faults in plan files and in documents: what is read, and what is refused with which advice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from simulator import SimulatorError, hours, minutes
from simulator.faults import (
    PRESETS,
    BrokenLines,
    LostReply,
    Overloaded,
    RowsMissing,
    Stall,
    Window,
    from_dict,
    from_dicts,
    load_plan,
    preset,
    to_dict,
)
from simulator.wire import Endpoint
from tests.simulator.faults.examples import run

PLAN = """
[[fault]]
name = "Stall"
after_share = 0.5
lasting = "25h"

[[fault]]
name = "Overloaded"
on = "create"
share = 0.1
during = "0s..90min"
calls = [2, 3]
attempts = 1

[[fault]]
name = "RowsMissing"
share = 0.01
times = "none"
custom_ids = ["row-1"]
"""
FAULTS = (
    Stall(after_share=0.5, lasting=hours(25)),
    Overloaded(
        on=Endpoint.CREATE,
        share=0.1,
        during=Window(timedelta(0), minutes(90)),
        calls=(2, 3),
        attempts=(1,),
    ),
    RowsMissing(0.01, times=None, custom_ids=("row-1",)),
)


def test_a_plan_is_read_from_a_text_or_a_file(tmp_path: Path) -> None:
    """The same faults as values."""
    path = tmp_path / "plan.toml"
    path.write_text(PLAN, "utf-8")

    assert FAULTS == load_plan(PLAN) == load_plan(path) == load_plan(str(path))
    assert load_plan("") == ()
    assert FAULTS == from_dicts(map(to_dict, FAULTS))


def test_times_can_be_numbers_of_seconds() -> None:
    """As an admin call may send them."""
    fault = from_dict({"name": "Stall", "after_requests": 2, "lasting": 90})

    assert Stall(after_requests=2, lasting=timedelta(seconds=90)) == fault


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": "Overlaoded"}, "no fault 'Overlaoded'. Did you mean 'Overloaded'?"),
    ({"name": "overloaded"}, "Did you mean 'Overloaded'?"),
    ({"name": "rows-missing"}, "Did you mean 'RowsMissing'?"),
    ({"name": "zzz"}, "Use a fault's name: NoFault, Refused"),
    ({}, "There is no fault None"),
    ({"name": 1}, "There is no fault 1"),
    ({"name": "Stall", "lasing": "1h"}, "no setting 'lasing'. Did you mean 'lasting'?"),
    ({"name": "Stall", "after_share": 0.5}, "Stall needs lasting. Give lasting."),
    ({"name": "Stall", "lasting": "soon"}, "Write a time such as 90s or 25h"),
    ({"name": "Stall", "lasting": True}, "Write a time"),
    ({"name": "Stall", "lasting": "9999999999d"}, "Write a time"),
    ({"name": "Stall", "after_share": 0.5, "lasting": "999999999d"}, "Use 36500 days at most"),
    ({"name": "Stall", "lasting": "1h"}, "after_requests or after_share, not both"),
    ({"name": "Overloaded", "on": "creat"}, "Did you mean 'create'?"),
    ({"name": "Overloaded", "on": 7}, "Use an endpoint: create"),
    ({"name": "Overloaded", "share": "half"}, "share='half' cannot be. Write a number."),
    ({"name": "Overloaded", "share": True}, "Write a number"),
    ({"name": "Overloaded", "share": 2}, "Use 0 to 1"),
    ({"name": "Overloaded", "times": 1.5}, "Write a whole number"),
    ({"name": "Overloaded", "done": "yes"}, "Write true or false"),
    ({"name": "Overloaded", "error_code": 7}, "Write a text"),
    ({"name": "Overloaded", "during": "1h"}, "Write a window such as 0s..1h"),
    ({"name": "Overloaded", "during": 3}, "Write a window such as 0s..1h"),
    ({"name": "Overloaded", "during": "2h..1h"}, "holds no time"),
    ({"name": "Overloaded", "calls": [0]}, "counted from 1"),
    ({"name": "Overloaded", "attempts": ["x"]}, "Write a whole number"),
    ({"name": "Overloaded", "per_batch": 0}, "counted from 1"),
    ({"name": "StuckPage", "on": "create"}, "create calls never show this. Use one of: list."),
    ({"name": "NoContentType", "on": "list"}, "Use one of: results"),
    ({"name": "RateLimited", "retry_after": "none", "as_date": True}, "a date of when"),
    ({"name": "RateLimited", "retry_after": float("inf")}, "any finite number"),
    ({"name": "ResetMidReply", "after_bytes": 0}, "Use 1 or more"),
    ({"name": "StallsMidBody", "lasting": "0s"}, "Use more than zero"),
    ({"name": "StallsMidBody", "after_bytes": 0}, "Use 1 or more"),
    ({"name": "SlowDrip", "piece_bytes": 0}, "Use 1 or more"),
    ({"name": "GradualCounts", "over": "0s"}, "Use more than zero"),
    ({"name": "CountsDoNotAddUp", "by": 0}, "Use 1 or -1"),
    ({"name": "ForeignResultsUrl", "base_url": "/v1"}, "Write it as http"),
    ({"name": "ClockSkew", "by": "0s"}, "Use any other time"),
    ({"name": "MissingFromList", "lasting": "0s"}, "Use more than zero"),
    ({"name": "Expires", "worked": 1}, "less than 1"),
    ({"name": "CanceledByAnotherOperator", "after": "0s"}, "Use more than zero"),
    ({"name": "RowsErrored", "share": 1, "details": "odd"}, "Use one of user_facing"),
    ({"name": "RowsErrored", "share": 1, "request_id": "odd"}, "Use one of worker"),
    ({"name": "CreditExhausted", "after_requests": -1}, "Use 0 or more"),
    ({"name": "Refusal", "share": 1, "category": "odd"}, "Use one of cyber"),
    ({"name": "UsageKeysMissing", "share": 1, "keys": []}, "Pass a tuple"),
    ({"name": "CachedUsage", "share": 1, "cached_share": 0}, "Use more than 0"),
    ({"name": "HugeRow", "size_bytes": 0}, "Use 1 to"),
    ({"name": "BlankLine", "count": 0}, "Use 1 or more"),
    ({"name": "TruncatedAtLine", "after_share": 1}, "less than 1"),
    ({"name": "RedirectedResults", "location": "http://x", "loop": True}, "Give location or loop"),
    ({"name": "ResultsUnavailable", "status": 404}, "Use 500 to 599"),
]


@pytest.mark.parametrize(("document", "expected"), REFUSED)
def test_what_cannot_be_is_refused(document: dict[str, Any], expected: str) -> None:
    """With what to write instead."""
    with pytest.raises(SimulatorError) as refused:
        from_dict(document)

    assert expected in str(refused.value)
    assert refused.value.fix


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ("[[fault]]\nname =", "This plan is no TOML"),
        ('[fault]\nname = "Stall"\n', "Write [[fault]]"),
        ('[[faults]]\nname = "Stall"\n', "Did you mean 'fault'?"),
        ('[[fault]]\nname = "NoFault"\n[[fault]]\nname = "Stal"\n', "Fault 2: There is no fault"),
        ("fault = [1]\n", "1 is no fault"),
        ('preset = "worse day"\n', "Did you mean 'worst day'?"),
        ("preset = 1\n", "There is no preset 1"),
        ("no/such/plan.toml", "There is no plan"),
        ("/", "cannot be read"),
    ],
)
def test_a_plan_that_cannot_be_read(plan: str, expected: str) -> None:
    """One sentence about what, one about what to do."""
    with pytest.raises(SimulatorError) as refused:
        load_plan(plan)

    assert expected in str(refused.value)


def test_a_plan_can_begin_with_a_preset() -> None:
    """And add to it."""
    plan = load_plan('preset = "bad day"\n[[fault]]\nname = "BrokenLines"\n')

    assert (*PRESETS["bad day"], BrokenLines()) == plan
    assert LostReply() in plan


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_can_be_run(name: str) -> None:
    """Each by its name, in any spelling; a batch comes through, and something has struck."""
    assert PRESETS[name] == preset(name) == preset(name.replace(" ", "-").upper())
    api = run(*preset(name), batches=12)

    assert any(firing.count for firing in api.plan.firings().values())
    assert any(batch.counts.succeeded for batch in api.books().batches)
    assert preset(name) == from_dicts(map(to_dict, preset(name)))
