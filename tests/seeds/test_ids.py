"""The usual recipes for a `custom_id`."""

from __future__ import annotations

import json

import anthropic
import pytest

from controls import Canary
from controls.ids import Namespace
from simulator import Question
from tests.controls.builders import Bench, a_job_type, an_answer, rows
from tests.seeds.builders import Usual, number_of, requests

TEAM, JOB = "billing", "reconcile-2026-06-06"


def by_colons(team: str, job: str, number: int) -> str:
    """Team, job and number."""
    return f"{team}:{job}:{number}"


def by_job(job: str, number: int) -> str:
    """The job and the place in its list."""
    return f"{job}-{number}"


@pytest.mark.parametrize(
    ("naive", "team", "job"),
    [
        (by_colons(TEAM, JOB, 42), TEAM, JOB),
        (by_job("nightly claims 2026/06", 0), "claims", "nightly claims 2026/06"),
        (by_job("caf\u00e9", 0), "kitchen", "caf\u00e9"),
        (by_job("reconcile-" + "x" * 60, 0), TEAM, "reconcile-" + "x" * 60),
        (by_job("", 0) + ".pdf", TEAM, "scan.pdf"),
    ],
    ids=["colons", "spaces and slash", "accent", "too long", "file name"],
)
def test_one_illegal_id_refuses_the_whole_batch(naive: str, team: str, job: str) -> None:
    """The service admits 64 letters, digits, `_` and `-`. One other character, and no row of the
    batch is accepted: the nightly job of that team never runs."""
    usual = Usual()
    asked = requests(rows(3))
    asked[1]["custom_id"] = naive

    with pytest.raises(anthropic.BadRequestError, match="custom_id"):
        usual.client.messages.batches.create(requests=asked)
    assert 0 == usual.batches

    bench = Bench(job_type=a_job_type(team=team), without=[Canary])
    assert "done" == bench.run(3, name=job).status
    assert {"key-0", "key-1", "key-2"} == bench.labels.keys()


def test_a_separator_that_may_stand_in_a_name_makes_two_jobs_one() -> None:
    """Results of two teams land under one id in shared storage, and one overwrites the other."""
    one, other = ("ops:eu", "daily"), ("ops", "eu:daily")

    assert by_colons(*one, 1) == by_colons(*other, 1)
    assert Namespace(*one).custom_id(1) != Namespace(*other).custom_id(1)


def test_an_id_by_place_means_another_row_once_the_list_was_rebuilt() -> None:
    """Without a mapping written down, the answer of place 1 goes to whoever stands there when the
    results are read: a row that was deleted meanwhile shifts all behind it."""
    sent = rows(20)
    right = {row.key: "pos" if row.ordinal % 2 else "neg" for row in sent}

    def says(asked: Question) -> str:
        return an_answer(asked, right[f"key-{number_of(asked)}"])

    usual = Usual(says)
    batch = usual.run(sent)
    rebuilt = sent[1:]
    read = {}
    for line in usual.results(batch):
        place = int(line.custom_id.removeprefix("row-"))
        if place < len(rebuilt) and line.result.type == "succeeded":
            (block,) = line.result.message.content
            assert block.type == "text"
            read[rebuilt[place].key] = json.loads(block.text)["label"]

    assert all(label != right[key] for key, label in read.items())

    bench = Bench(says=says, without=[Canary])
    bench.run(sent)
    assert right == bench.labels
