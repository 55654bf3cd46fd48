"""The examples on trial: the naive ones fail for the right reason, the good one holds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reports import Verdict
from scenarios.examples.__main__ import EXAMPLES, HERE, put_on_trial
from tests.scenarios.pipeline.trials import broken
from tests.sdk.environments import typescript

BY_NAME = {example.file: example for example in EXAMPLES}
SWAPPED, EXPIRED = "swapped_answers_are_caught", "expired_rows_are_resent"


@pytest.mark.parametrize(
    ("file", "drill", "arm", "check"),
    [
        ("naive_zip.py", SWAPPED, 0, "RecordIsRight"),
        ("naive_loop.py", EXPIRED, 2, "EveryRowAnswered"),
    ],
)
def test_a_naive_pipeline_fails_for_the_right_reason(
    file: str, drill: str, arm: int, check: str
) -> None:
    """Order for identity; success for completeness."""
    (report,) = put_on_trial(BY_NAME[file], [drill], workers=1)

    assert Verdict.FAIL is report.verdict
    assert check in broken(report, arm)


def test_the_example_that_holds_holds() -> None:
    """Swapped answers end in its quarantine."""
    (report,) = put_on_trial(BY_NAME["guarded.py"], [SWAPPED], workers=1)

    assert (Verdict.PASS, 0) == (report.verdict, report.arms[2].blast.wrong), report.because
    assert report.arms[2].blast.quarantined > 0


@pytest.mark.sdk_lines
@pytest.mark.timeout(420)
def test_the_example_in_javascript_does_what_it_says(tmp_path: Path) -> None:
    """Rows that expired are sent again; a reply that is lost is paid twice."""
    shutil.copy(HERE / "classify.mjs", tmp_path)
    (tmp_path / "node_modules").symlink_to(typescript() / "node_modules")

    lost = "lost_reply_is_not_paid_twice"
    reports = put_on_trial(BY_NAME["classify.mjs"], [EXPIRED, lost], tmp_path)

    assert {EXPIRED: Verdict.PASS, lost: Verdict.FAIL} == {
        report.name: report.verdict for report in reports
    }
