"""The quarantine threshold: shares and numbers, warnings and stops."""

from __future__ import annotations

import pytest

from controls import ControlError, QuarantineThreshold
from controls.core.decision import Decision, Halt, Proceed, Warn
from controls.policy import CanaryPolicy, QuarantinePolicy, check_job_type
from tests.controls.builders import (
    Bench,
    a_job_type,
    after_canary,
    an_answer,
    before_promote,
    number_in,
)

DEFAULT = QuarantinePolicy()
ROWS_ONLY = QuarantinePolicy(warn_share=None, stop_share=None, warn_rows=2, stop_rows=4)
KEPT = "{} rows are in quarantine: the limit of {}"


@pytest.mark.parametrize(
    ("policy", "quarantined", "rows", "expected"),
    [
        (DEFAULT, 0, 100, Proceed()),
        (DEFAULT, 4, 100, Proceed()),
        (DEFAULT, 5, 100, Warn(KEPT.format("5 of 100", "5.0% is reached"))),
        (DEFAULT, 24, 100, Warn(KEPT.format("24 of 100", "5.0% is reached"))),
        (DEFAULT, 25, 100, Halt(KEPT.format("25 of 100", "25.0% stops the job"))),
        (DEFAULT, 100, 100, Halt(KEPT.format("100 of 100", "25.0% stops the job"))),
        (ROWS_ONLY, 1, 1, Proceed()),
        (ROWS_ONLY, 2, 9_000, Warn(KEPT.format("2 of 9,000", "2 rows is reached"))),
        (ROWS_ONLY, 4, 9_000, Halt(KEPT.format("4 of 9,000", "4 rows stops the job"))),
    ],
)
def test_a_limit_that_is_reached_counts(
    policy: QuarantinePolicy, quarantined: int, rows: int, expected: Decision
) -> None:
    """The stricter of share and number."""
    moment = before_promote(rows=rows, quarantined=quarantined, staged=rows - quarantined)

    assert expected == QuarantineThreshold(policy).decide(moment)


def test_other_moments_are_none_of_its_business() -> None:
    """It looks at the end only."""
    assert Proceed() == QuarantineThreshold().decide(after_canary())


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (QuarantinePolicy(stop_share=1.5), "no share"),
        (QuarantinePolicy(warn_share=0.0), "no share"),
        (QuarantinePolicy(stop_rows=0), "below one row"),
        (QuarantinePolicy(warn_share=0.5, stop_share=0.1), "before it warns"),
        (QuarantinePolicy(warn_rows=5, stop_rows=4), "before it warns"),
    ],
)
def test_limits_that_cannot_hold_are_refused(policy: QuarantinePolicy, says: str) -> None:
    """When the job type is read."""
    with pytest.raises(ControlError, match=says):
        check_job_type(a_job_type(quarantine=policy))


def test_a_job_with_too_much_in_quarantine_promotes_nothing() -> None:
    """A third of the rows is refused after a canary that let it pass."""
    bench = Bench(
        says=lambda question: "{}" if number_in(question) % 3 == 0 else an_answer(question),
        job_type=a_job_type(
            canary=CanaryPolicy(max_bad_share=0.9, min_rows=10), quarantine=DEFAULT
        ),
    )

    outcome = bench.run(60)

    assert ("halted", 0, 20) == (outcome.status, outcome.promoted, outcome.quarantined)
    assert "20 of 60 rows are in quarantine" in outcome.why
    assert {} == bench.labels
