"""Law: every control has a drill that breaks without it."""

from __future__ import annotations

from inspect import isclass, isfunction

import controls
from controls import default_stack
from scenarios.harness.discovery import all_drills
from scenarios.harness.game import open_game
from scenarios.harness.naive import ALL_CONTROLS, BESIDE_THE_STACK

NAMED = {kind for drill in all_drills() if not drill.is_good_day for kind in drill.control_types}
NO_CONTROLS = {
    *("Alert", "Alerts", "Approval", "Attribution", "BatchFacts", "ControlError", "Finding"),
    *("Job", "JobOutcome", "JobType", "Ledger", "LedgerEntry", "Pager", "Polling", "Register"),
    *("Route", "Row"),
    *("Stack", "SystemClock", "SystemOfRecord", "default_stack", "load_job_type"),
    *("open_database", "open_store"),
}
"""Values, stores and shapes of the public list: nothing that a pipeline could go without."""
OTHERWISE_PROVED = {
    "AppriseAlerts": "it hands alerts to Apprise, an extra; tests/controls/test_alerts_apprise.py",
    "AlertBook": "the memory of `Watch`; tests/controls/test_watch.py",
    "KnownAlert": "a line of that memory",
    "Watch": "`look_over`, told by the rules of `AlertBook`; tests/controls/test_watch.py",
}


def test_every_control_is_named_by_a_drill_of_a_bad_day() -> None:
    """Whatever the bare arm can go without, some drill goes without."""
    missing = {kind.__name__ for kind in (*ALL_CONTROLS, *BESIDE_THE_STACK) if kind not in NAMED}

    assert not missing


def test_every_part_of_the_default_stack_can_be_named() -> None:
    """A guardrail that no drill can take away is never proved."""
    stack = default_stack(open_game(None, None, 0).job_type, None)  # type: ignore[arg-type]
    parts = (*stack.controls, stack.gate, stack.fence, stack.identity, stack.chunking)

    assert not {type(part).__name__ for part in parts if type(part) not in ALL_CONTROLS}


def test_every_public_control_can_be_named() -> None:
    """What `controls` offers is drilled, or stands here with the reason why not."""
    drilled = {kind.__name__ for kind in (*ALL_CONTROLS, *BESIDE_THE_STACK)}
    offered = {
        name
        for name in controls.__all__
        if isclass(getattr(controls, name)) or isfunction(getattr(controls, name))
    }

    assert not offered - drilled - NO_CONTROLS - OTHERWISE_PROVED.keys()
