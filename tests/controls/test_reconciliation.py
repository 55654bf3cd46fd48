"""Reconciliation: sent against seen."""

from __future__ import annotations

from typing import Any

import pytest

from controls import Reconciliation
from controls.core.decision import Decision, Halt, Proceed, Redownload
from tests.controls.builders import after_canary, after_download, before_promote


@pytest.mark.parametrize(
    ("balance", "expected"),
    [
        ({}, Proceed()),
        ({"duplicated": 3, "recovered": 2, "unreadable": 1, "conflicting": (4,)}, Proceed()),
        (
            {"lost": ("t-j-1", "t-j-2")},
            Redownload("2 of 10 rows are missing from the results of batch msgbatch_1", 10.0),
        ),
        (
            {"lost": ("t-j-1",), "downloads": 2},
            Redownload("1 of 10 rows are missing from the results of batch msgbatch_1", 20.0),
        ),
        (
            {"lost": ("t-j-1",), "downloads": 3},
            Halt(
                "1 of 10 rows are missing from the results of batch msgbatch_1, after 3 downloads"
            ),
        ),
        (
            {"kinds": {"succeeded": 9, "errored": 1}, "downloads": 3},
            Halt(
                "the counts of batch msgbatch_1 do not agree: 10 succeeded by the counts, 9 in "
                "the results, after 3 downloads"
            ),
        ),
        ({"counted": {}, "kinds": {"succeeded": 10}}, Proceed()),
        ({"problem": "it broke off"}, Redownload("it broke off", 10.0)),
        ({"problem": "it broke off", "downloads": 3}, Halt("it broke off, after 3 downloads")),
        (
            {"unexpected": ("x", "y"), "lost": ("t-j-1",)},
            Halt("batch msgbatch_1 returned 2 custom_ids that were never sent in it, first 'x'"),
        ),
    ],
)
def test_a_download_balances_or_is_read_again_or_is_an_incident(
    balance: dict[str, Any], expected: Decision
) -> None:
    """Missing rows are looked for twice more; strangers stop the job at once."""
    assert expected == Reconciliation().decide(after_download(**balance))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ({}, Proceed()),
        ({"staged": 7, "quarantined": 3}, Proceed()),
        (
            {"staged": 8, "lost": ("t-j-1", "t-j-2")},
            Halt("2 of 10 rows are neither staged nor quarantined, first t-j-1"),
        ),
        (
            {"staged": 10, "quarantined": 1},
            Halt("10 staged and 1 quarantined rows do not add up to 10"),
        ),
    ],
)
def test_nothing_is_promoted_unless_every_row_is_somewhere_once(
    moment: dict[str, Any], expected: Decision
) -> None:
    """Staged plus quarantined is the number of rows, or nothing moves."""
    assert expected == Reconciliation().decide(before_promote(**moment))


def test_reconciliation_has_nothing_to_say_of_other_moments() -> None:
    """It proceeds."""
    assert Proceed() == Reconciliation().decide(after_canary())


def test_the_number_of_downloads_is_a_setting() -> None:
    """One download: the first gap is final."""
    decision = Reconciliation(max_downloads=1).decide(after_download(lost=("t-j-1",)))

    assert isinstance(decision, Halt)
