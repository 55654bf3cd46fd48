"""The default stack."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import controls
from controls import (
    ApprovedOnly,
    Canary,
    CircuitBreaker,
    CostCeiling,
    FairShare,
    FieldAllowlist,
    FirstRun,
    IdempotentSubmit,
    KillSwitch,
    PromptFence,
    QuarantineThreshold,
    Reconciliation,
    Requeue,
    RowBinding,
    SensitiveText,
    Staging,
    Watchdog,
    default_stack,
    open_store,
)
from controls.policy import QuarantinePolicy
from controls.sensitive import KeepText
from tests.controls.builders import a_job_type, a_record


def test_the_default_stack_has_the_settings_of_the_job_type() -> None:
    """Every guardrail, set by the policy that was reviewed."""
    job_type = a_job_type(
        allowed=("text", "plan"),
        ceiling="3",
        approvable="4",
        max_rounds=1,
        quarantine=QuarantinePolicy(stop_rows=9),
    )
    sink = Staging(open_store("sqlite://"), a_record())
    stack = default_stack(job_type, sink)

    assert (
        KillSwitch(),
        ApprovedOnly(),
        FieldAllowlist(("text", "plan")),
        SensitiveText(),
        CostCeiling(Decimal(3), 128, Decimal(4)),
        Canary(job_type.canary),
        FirstRun(),
        CircuitBreaker(),
        FairShare(),
        IdempotentSubmit(),
        Watchdog(job_type.watchdog),
        Reconciliation(),
        Requeue(1),
        QuarantineThreshold(QuarantinePolicy(stop_rows=9)),
    ) == stack.controls
    assert (PromptFence(), RowBinding(), sink) == (stack.fence, stack.identity, stack.sink)
    assert "Quarantine()" == repr(stack.gate)


def test_what_looks_at_the_data_stands_before_what_sends_any() -> None:
    """The estimate has requests counted by the service; the allowlist has seen them by then."""
    stack = default_stack(a_job_type(), Staging(open_store("sqlite://"), a_record()))
    kinds = [type(control) for control in stack.controls]

    assert kinds.index(FieldAllowlist) < kinds.index(CostCeiling)


def test_rows_are_scrubbed_where_the_control_for_it_stands() -> None:
    """Whoever takes it out of the list goes without both, its verdict and its marks."""
    stack = default_stack(a_job_type(), Staging(open_store("sqlite://"), a_record()))
    kept = [part for part in stack.controls if not isinstance(part, SensitiveText)]

    assert KeepText() == replace(stack, controls=tuple(kept)).scrubbing
    assert SensitiveText() == replace(stack, controls=(*kept, SensitiveText())).scrubbing


def test_everything_public_is_there_and_in_order() -> None:
    """What the README imports."""
    assert sorted(controls.__all__) == controls.__all__
    assert all(hasattr(controls, name) for name in controls.__all__)
