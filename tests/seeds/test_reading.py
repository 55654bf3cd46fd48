"""The usual ways to read a results file with the official client, and which rows they lose."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from controls import Canary
from simulator.faults import BlankLine, BrokenLines, RowsErrored, RowsExpired, RowsMissing
from tests.controls.builders import Bench, a_job_type, an_answer, rows
from tests.seeds.builders import Usual, number_of

ROWS = rows(20)


def texts_of(lines: Iterable[Any]) -> dict[str, str]:
    """The text of every row, as if each had one."""
    return {line.custom_id: line.result.message.content[0].text for line in lines}


@pytest.mark.parametrize("fault", [RowsErrored(share=0.3), RowsExpired(share=0.3)], ids=repr)
def test_a_row_that_did_not_succeed_has_no_message(fault: Any) -> None:
    """The loop dies with an AttributeError at the first errored or expired row: a team loses the
    rest of the file, although it was answered and paid for."""
    usual = Usual(faults=[fault])
    batch = usual.run(ROWS)

    with pytest.raises(AttributeError, match="has no attribute 'message'"):
        texts_of(usual.results(batch))

    bench = Bench(faults=[fault], without=[Canary], job_type=a_job_type(max_rounds=9))
    bench.run(ROWS)
    assert 20 == len(bench.labels)


def test_a_result_is_no_dictionary() -> None:
    """`result["message"]` is how the documents read; the client's objects cannot be subscripted."""
    usual = Usual()
    (line, *_) = usual.results(usual.run(ROWS))
    naive: Any = line

    with pytest.raises(TypeError, match="not subscriptable"):
        naive["message"]

    bench = Bench(without=[Canary])
    bench.run(ROWS)
    assert 20 == len(bench.labels)


def test_reading_only_what_succeeded_loses_the_others_silently() -> None:
    """The silent partial drop: no exception, no alarm, fewer rows in the table."""
    usual = Usual(faults=[RowsErrored(share=0.3)])
    batch = usual.run(ROWS)
    kept = [line.custom_id for line in usual.results(batch) if line.result.type == "succeeded"]

    assert 0 < len(kept) < 20

    bench = Bench(
        faults=[RowsErrored(share=0.3)], without=[Canary], job_type=a_job_type(max_rounds=9)
    )
    bench.run(ROWS)
    assert 20 == len(bench.labels)
    assert "came back without an answer" in bench.told


def test_results_are_not_in_the_order_of_the_requests() -> None:
    """Zipped with the rows, answers land on the wrong ones: no row is lost, and most are wrong."""
    labels = {number: "pos" if number < 10 else "neg" for number in range(20)}
    usual = Usual(lambda asked: an_answer(asked, labels[number_of(asked)]))
    texts = texts_of(usual.results(usual.run(ROWS))).values()
    zipped = {row.ordinal: json.loads(text)["label"] for row, text in zip(ROWS, texts, strict=True)}

    assert labels != zipped
    assert sorted(labels.values()) == sorted(zipped.values())

    bench = Bench(says=lambda asked: an_answer(asked, labels[number_of(asked)]), without=[Canary])
    bench.run(ROWS)
    assert {f"key-{number}": label for number, label in labels.items()} == bench.labels


def test_the_usage_of_an_answer_is_no_json() -> None:
    """Written out with the text, the client's `usage` object raises at the very first row: an
    export of a paid batch writes nothing at all."""
    usual = Usual()
    (line, *_) = usual.results(usual.run(ROWS))
    assert line.result.type == "succeeded"

    with pytest.raises(TypeError, match="Usage is not JSON serializable"):
        json.dumps({"id": line.custom_id, "tokens": line.result.message.usage})

    bench = Bench(without=[Canary])
    bench.run(ROWS)
    assert 20 == len(bench.labels)
    assert bench.entries("collected")[0]["input_tokens"] > 0


@pytest.mark.parametrize("fault", [BrokenLines(count=1), BlankLine(count=1)], ids=repr)
def test_one_bad_line_ends_the_clients_iterator(fault: Any) -> None:
    """The client parses line by line and raises at the bad one: all rows behind it are lost."""
    usual = Usual(faults=[fault])
    batch = usual.run(ROWS)

    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Invalid|Extra"):
        texts_of(usual.results(batch))

    bench = Bench(faults=[fault], without=[Canary])
    bench.run(ROWS)
    assert 19 <= len(bench.labels)
    assert 20 == len(bench.labels) + sum(bench.reasons.values())


def test_a_file_that_ends_early_looks_like_a_file() -> None:
    """A connection that closes at a line's end loses rows without an error, and the export that
    streams them to storage completes its upload: a shorter file, taken for the whole."""
    usual = Usual(faults=[RowsMissing(share=0.3)])
    export = texts_of(usual.results(usual.run(ROWS)))

    assert 0 < len(export) < 20

    bench = Bench(faults=[RowsMissing(share=0.3)], without=[Canary])
    bench.run(ROWS)
    assert 20 == len(bench.labels)
    assert "are missing from the results" in bench.told
