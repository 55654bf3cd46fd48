"""What a user's rows bring that a job type does not send: no drill is red for it."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from reports import Verdict
from scenarios.harness.arms import CalmRuns, applies, run_drill
from scenarios.harness.discovery import all_drills, select
from scenarios.harness.drill import ENOUGH
from scenarios.harness.errors import UsageError
from scenarios.harness.game import DEFAULT_JOB, open_game
from scenarios.harness.tickets import COLUMNS, tickets
from scenarios.harness.world import Game

CARD, KEY = "My card is 4111 1111 1111 1111.", "T-100003"


def rows_with(folder: Path, *extra: tuple[int, str], count: int = 240) -> Path:
    """A file of tickets; to each of these rows something is added, to every fifth an address."""
    path = folder / "rows.csv"
    added = dict(extra)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in tickets(1, count).rows:
            mail = f" Write to a{row.ordinal}@example.com" if row.ordinal % 5 == 0 else ""
            body = f"{row.fields['body']} {added.get(row.ordinal, '')}{mail}"
            writer.writerow({**row.fields, "body": body})
    return path


@pytest.mark.parametrize(
    "name",
    ["a_good_day_is_left_alone", "secrets_in_texts_stay_at_home", "swapped_answers_are_caught"],
)
def test_rows_to_be_redacted_and_refused_make_no_drill_red(name: str, tmp_path: Path) -> None:
    """The model knows what it is sent in their place; what is refused is not part of the day."""
    game = open_game(rows_with(tmp_path, (3, CARD), (77, CARD)), DEFAULT_JOB, 0)
    report = run_drill(select([name])[0], game)

    assert Verdict.PASS is report.verdict, report.because
    assert 238 == len(game.rowset.rows)
    assert list(range(238)) == [row.ordinal for row in game.rowset.rows]
    assert KEY not in {row.key for row in game.rowset.rows}
    assert game.rowset.source == (
        "rows.csv; 2 of 240 rows hold what the job type refuses to send and stay at home, "
        f"first card in row {KEY}"
    )
    assert 48 == len(game.rowset.redacted)


def test_a_job_that_would_stop_is_refused_at_the_door(tmp_path: Path) -> None:
    """Where such a row halts the job, and where no other row is left."""
    job = tmp_path / "job.toml"
    text = DEFAULT_JOB.read_text("utf-8")
    job.write_text(text.replace("[rows]\n", '[rows]\non_sensitive = "halt"\n', 1), "utf-8")
    with pytest.raises(UsageError, match="stops the job then") as halted:
        open_game(rows_with(tmp_path, (3, CARD)), job, 0)
    with pytest.raises(UsageError, match="none is left"):
        open_game(rows_with(tmp_path, (0, CARD), (1, CARD), count=2), DEFAULT_JOB, 0)

    assert f"first card in row {KEY}" in halted.value.what
    assert 'card = "redact"' in halted.value.fix


def test_texts_that_are_the_same_once_redacted_have_one_subject(tmp_path: Path) -> None:
    """Two rows that differ in an address only: an answer to one is an answer to the other."""
    path = tmp_path / "rows.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in tickets(1, 240).rows:
            writer.writerow({**row.fields, "body": f"Call me at a{row.ordinal}@example.com, now"})
    game = open_game(path, DEFAULT_JOB, 0)
    report = CalmRuns(game).play(select(["wrong_counts_stop_the_job"])[0])

    assert 1 == len(set(report.record.subjects.values()))
    assert () == report.record.wrong


def test_what_ships_has_nothing_to_redact() -> None:
    """So that a detector that finds too much is seen by the drill about clean texts."""
    assert frozenset() == open_game(None, None, 0).rowset.redacted


def few(game: Game, count: int) -> Game:
    """The same with fewer rows."""
    return replace(game, rowset=replace(game.rowset, rows=game.rowset.rows[:count]))


def test_a_drill_is_not_run_on_fewer_rows_than_it_takes() -> None:
    """It would prove nothing, or blame a control for it; what ships takes the default rows."""
    game = open_game(None, None, 0)
    (drill,) = select(["mass_errors_are_not_sent_again"])
    skipped = applies(drill, few(game, 399))

    assert skipped is not None
    assert "it takes 400 rows, and there are 399" == skipped.why
    assert applies(drill, few(game, 400)) is None
    assert 200 == min(each.needs for each in all_drills() if each.count is None)
    assert len(game.rowset.rows) >= max(each.needs for each in all_drills())
    assert 0 == replace(drill, at_least=0, file="mine.py").needs


def test_what_a_story_takes_is_what_it_says() -> None:
    """The number of rows is read from the story's own code."""
    for drill in all_drills():
        source = Path(drill.script.__code__.co_filename).read_text("utf-8")
        said = [int(number.replace("_", "")) for number in re.findall(r"rows\(([\d_]+)\)", source)]
        assert drill.at_least or [drill.needs] == [min(number, ENOUGH) for number in said]


def test_faint_drift_is_not_looked_for_without_known_answers() -> None:
    """No canary can tell a wrong label from a right one then."""
    game = open_game(None, None, 0)
    unknown = msgspec.structs.replace(game.job_type.rows, label_column=None)
    job = msgspec.structs.replace(game.job_type, rows=unknown)
    skipped = applies(select(["faint_drift_stops_at_the_canary"])[0], replace(game, job_type=job))

    assert skipped is not None
    assert "no row has one" in skipped.why
