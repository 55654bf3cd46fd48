"""The quarantine desk: every answer is settled once, by somebody, for a reason."""

from __future__ import annotations

from collections import Counter

import pytest

from controls import ControlError
from controls.audit import verify_trail
from controls.policy import CanaryPolicy
from controls.quarantine_desk import QuarantineDesk, RowAgain
from simulator.faults import UnknownRows
from tests.controls.builders import Bench, a_job_type, an_answer, number_in, rows

BAD = {7, 17, 27}


def a_bench(**settings: object) -> Bench:
    """Three of 40 rows are kept back."""
    bench = Bench(
        says=lambda asked: "x" if number_in(asked) in BAD else an_answer(asked),
        job_type=a_job_type(canary=CanaryPolicy(max_bad_share=0.5, min_rows=10)),
        **settings,  # type: ignore[arg-type]
    )
    bench.run(40)
    return bench


def test_open_answers_are_counted_listed_and_shown() -> None:
    """With the reason and the bytes that came."""
    desk = QuarantineDesk(a_bench().ledger)

    assert {"job_1": Counter(not_json=3)} == desk.count() == desk.count("job_1")
    kept = list(desk.each("job_1"))
    assert BAD == {item.ordinal for item in kept}
    assert [] == list(desk.each("job_1", reason="schema"))
    assert kept[0] == desk.one(kept[0].id)
    assert b'"text":"x"' in kept[0].evidence


def test_rows_go_again_into_a_job_that_names_the_old_one() -> None:
    """The ledgers of both jobs tell the lineage; the trail stays intact."""
    bench = a_bench()
    desk = QuarantineDesk(bench.ledger)

    again = desk.requeue("job_1", by="A. Person", why="the prompt was mended")

    assert [RowAgain(ordinal, f"key-{ordinal}") for ordinal in sorted(BAD)] == again
    assert {"job_1": Counter(requeued=3)} == desk.count()
    (entry,) = bench.entries("requeued")
    assert ("A. Person", "the prompt was mended") == (entry["by"], entry["why"])
    bench.runner.run(bench.a_job("job_2", requeued_from="job_1"), rows(len(again)))
    assert "job_1" == bench.ledger.entries("job_2", "opened")[0].body["requeued_from"]
    assert () == verify_trail(bench.store).tampering


def test_some_are_discarded_and_nothing_is_settled_twice() -> None:
    """Exactly those that are named; a second time is refused."""
    bench = a_bench()
    desk = QuarantineDesk(bench.ledger)
    first, *others = [item.id for item in desk.each("job_1")]

    assert 1 == desk.discard("job_1", [first], by="A. Person", why="nonsense")
    with pytest.raises(ControlError, match="no open answers"):
        desk.requeue("job_1", [first], by="A. Person", why="again")
    with pytest.raises(ControlError, match="no open answers"):
        desk.discard("job_1", [*others, 999], by="A. Person", why="again")

    assert {"job_1": Counter(discarded=1, not_json=2)} == desk.count()
    assert 2 == desk.discard("job_1", by="A. Person", why="the rest")
    assert 0 == desk.discard("job_1", by="A. Person", why="nothing left")
    assert 2 == len(bench.entries("discarded"))
    assert () == verify_trail(bench.store).tampering


def test_what_belongs_to_no_row_cannot_go_again() -> None:
    """All open answers means those with a row; naming another is refused."""
    bench = a_bench(faults=[UnknownRows(2)])
    desk = QuarantineDesk(bench.ledger)
    rowless = [item.id for item in desk.each("job_1") if item.ordinal is None]
    assert rowless

    with pytest.raises(ControlError, match="belongs to no row"):
        desk.requeue("job_1", rowless, by="A. Person", why="try")

    assert [] == desk.requeue("job_1", by="A. Person", why="try")
    assert len(rowless) == desk.discard("job_1", by="A. Person", why="noise")


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda desk: desk.count("job_9"), "no job 'job_9'"),
        (lambda desk: list(desk.each("job_9")), "no job 'job_9'"),
        (lambda desk: desk.one(999), "999 is not in quarantine"),
        (lambda desk: desk.discard("job_9", by="A", why="b"), "no job 'job_9'"),
        (lambda desk: desk.discard("job_1", by=" ", why="b"), "Nobody"),
        (lambda desk: desk.requeue("job_1", by="A", why=""), "no reason"),
    ],
)
def test_what_cannot_be_is_refused(act: object, says: str) -> None:
    """With the way out."""
    assert callable(act)
    with pytest.raises(ControlError, match=says):
        act(QuarantineDesk(a_bench().ledger))
