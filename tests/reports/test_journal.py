"""The journal: what was written stays, and what was touched is found."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest

from reports import Journal, JournalState, ReportError, Verdict, verify_journal
from reports.journal import Beside, report_beside

ENDLESS = """
import sys
from pathlib import Path
from reports import Journal

journal = Journal(Path(sys.argv[1]), seed=7)
for number in range(1_000_000_000):
    journal.write("drill", number=number, text="x" * 1_000)
    if number == 200:
        print("well on its way", flush=True)
"""


def a_journal(folder: Path) -> Path:
    """A finished journal of five lines: header, three drills, end."""
    path = folder / "journal.jsonl"
    with Journal(path, seed=7, command="gameday run --seed 7") as journal:
        for name in ("one", "two", "three"):
            journal.write("drill", name=name, verdict=Verdict.PASS)
    return path


def named(folder: Path, report: bytes) -> JournalState:
    """The state of a journal that names this report, whatever lies there."""
    with Journal(folder / "journal.jsonl") as journal:
        journal.finish(report_sha256=sha256(report).hexdigest())
    return verify_journal(folder / "journal.jsonl")


def test_the_report_beside_is_compared_with_what_the_journal_names(tmp_path: Path) -> None:
    """Byte for byte; a journal that names none says nothing about any."""
    report = tmp_path / "report.json"
    state = named(tmp_path, b"{}")

    assert Beside.ABSENT is report_beside(state, report)
    report.write_bytes(b"{}")
    assert Beside.MATCHES is report_beside(state, report)
    report.write_bytes(b"{} ")
    assert Beside.CHANGED is report_beside(state, report)
    assert Beside.UNNAMED is report_beside(replace(state, finished=False), report)
    assert Beside.UNNAMED is report_beside(replace(state, last_fields={}), report)
    with pytest.raises(ReportError, match="cannot be read"):
        report_beside(state, tmp_path)


def lines_of(path: Path) -> list[bytes]:
    """The lines with their line feeds."""
    return path.read_bytes().splitlines(keepends=True)


def test_a_finished_journal_is_intact(tmp_path: Path) -> None:
    """Header, events and end, every one of them in the chain."""
    state = verify_journal(a_journal(tmp_path))

    assert (state.events, state.finished, state.intact, state.torn_tail) == (5, True, True, False)


def test_lines_say_what_they_were_given(tmp_path: Path) -> None:
    """The first is the header; values are written as in `report.json`."""
    path = tmp_path / "journal.jsonl"
    with Journal(path, seed=7) as journal:
        journal.write("arm", lasted=timedelta(hours=1), usd=Decimal("1.05"), worst=Verdict.FAIL)

    found = [(line["n"], line["event"], line["fields"]) for line in map(json.loads, lines_of(path))]
    assert found == [
        (0, "opened", {"journal_version": "1.0", "seed": 7}),
        (1, "arm", {"lasted": 3600, "usd": "1.05", "worst": "FAIL"}),
        (2, "finished", {}),
    ]


def test_the_same_events_give_the_same_bytes(tmp_path: Path) -> None:
    """No clock, no chance."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()

    assert a_journal(tmp_path / "a").read_bytes() == a_journal(tmp_path / "b").read_bytes()


def test_an_event_is_in_the_file_when_the_call_returns(tmp_path: Path) -> None:
    """Nothing waits in a buffer for a close that may never come."""
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.write("drill")

        assert JournalState(events=2) == _without_hash(verify_journal(path))


def test_an_error_leaves_the_journal_unfinished(tmp_path: Path) -> None:
    """A game day that broke does not claim to have ended."""
    path = tmp_path / "journal.jsonl"
    with pytest.raises(ZeroDivisionError), Journal(path):
        raise ZeroDivisionError

    assert not verify_journal(path).finished
    assert verify_journal(path).intact


def test_the_end_can_carry_fields_and_comes_once(tmp_path: Path) -> None:
    """`finish` inside the `with` block is the end."""
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.finish(verdict=Verdict.PASS)

    assert [json.loads(line)["fields"] for line in lines_of(path)[1:]] == [{"verdict": "PASS"}]


def test_a_killed_writer_leaves_a_journal_that_can_be_read(tmp_path: Path) -> None:
    """SIGKILL in the middle of writing: every event before it is there and intact."""
    path = tmp_path / "journal.jsonl"
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(path)], stdout=subprocess.PIPE, cwd=Path.cwd()
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        writer.kill()

    state = verify_journal(path)

    assert writer.returncode == -signal.SIGKILL
    assert state.events >= 202
    assert (state.intact, state.finished) == (True, False)


def test_a_torn_line_is_not_called_tampering(tmp_path: Path) -> None:
    """Wherever the last line breaks off, the lines before it count."""
    path = a_journal(tmp_path)
    *before, last = lines_of(path)

    for length in range(1, len(last)):
        path.write_bytes(b"".join(before) + last[:length])
        state = verify_journal(path)

        assert (
            state.events,
            state.intact,
            state.torn_tail,
            state.finished,
        ) == (4, True, True, False)


@pytest.mark.parametrize("number", [1, 3, 5])
@pytest.mark.parametrize("byte", [b"0", b"f", b"\n", b'"', b"\xff", b"\x00"])
def test_any_edited_byte_is_found_in_its_line(tmp_path: Path, number: int, byte: bytes) -> None:
    """Number, event, field, seal or bracket: the first bad line is the edited one."""
    path = a_journal(tmp_path)
    lines = lines_of(path)
    line = lines[number - 1]

    for place in range(len(line) - 1):
        if line[place : place + 1] == byte:
            continue
        edited = line[:place] + byte + line[place + 1 :]
        path.write_bytes(b"".join([*lines[: number - 1], edited, *lines[number:]]))
        state = verify_journal(path)

        assert (number, number - 1, False) == (state.bad_line, state.events, state.finished)


def test_a_deleted_line_is_found(tmp_path: Path) -> None:
    """The line that moved up names the place where it was written."""
    path = a_journal(tmp_path)
    first, _, *rest = lines_of(path)
    path.write_bytes(b"".join([first, *rest]))

    state = verify_journal(path)

    assert state.bad_line == 2
    assert state.why == "it is event 2 in the place of 1: lines were deleted or moved"


def test_swapped_lines_are_found(tmp_path: Path) -> None:
    """The first of the two is the bad one."""
    path = a_journal(tmp_path)
    first, second, third, *rest = lines_of(path)
    path.write_bytes(b"".join([first, third, second, *rest]))

    assert verify_journal(path).bad_line == 2


def test_a_line_from_elsewhere_is_found(tmp_path: Path) -> None:
    """Even one that looks like a line of a journal."""
    path = a_journal(tmp_path)
    lines = lines_of(path)
    path.write_bytes(b"".join([*lines[:2], lines[1], *lines[2:]]))

    assert verify_journal(path).bad_line == 3


def test_a_deleted_header_is_found(tmp_path: Path) -> None:
    """A chain starts at its beginning."""
    path = a_journal(tmp_path)
    path.write_bytes(b"".join(lines_of(path)[1:]))

    assert verify_journal(path).bad_line == 1


def test_a_line_after_the_end_is_found(tmp_path: Path) -> None:
    """Nothing follows `finished`, not even a second journal."""
    path = a_journal(tmp_path)
    path.write_bytes(path.read_bytes() * 2)

    state = verify_journal(path)

    assert (state.bad_line, state.why) == (6, "it stands after the end of the journal")


def test_a_missing_end_is_seen(tmp_path: Path) -> None:
    """Lines cut off cleanly leave an intact journal that was not finished."""
    path = a_journal(tmp_path)
    path.write_bytes(b"".join(lines_of(path)[:-1]))

    assert JournalState(events=4) == _without_hash(verify_journal(path))


@pytest.mark.parametrize(
    "content",
    [b"hello\n", b"{}\n", b"[" * 9_999 + b"\n", b'{"n":true,"hash":"%s"}\n' % (b"0" * 64)],
)
def test_what_is_no_journal_is_bad_from_the_first_line(tmp_path: Path, content: bytes) -> None:
    """And is no reason to crash."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(content)

    assert verify_journal(path).bad_line == 1


def test_an_empty_file_has_no_events(tmp_path: Path) -> None:
    """The writer was killed before its first line."""
    path = tmp_path / "journal.jsonl"
    path.touch()

    assert JournalState() == verify_journal(path)


def test_a_journal_is_never_overwritten(tmp_path: Path) -> None:
    """An older journal is evidence."""
    path = a_journal(tmp_path)

    with pytest.raises(ReportError, match="already a journal"):
        Journal(path)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    """Writing and reading say what is missing, without a traceback."""
    path = tmp_path / "nowhere" / "journal.jsonl"

    with pytest.raises(ReportError, match="cannot be written: No such file"):
        Journal(path)
    with pytest.raises(ReportError, match="cannot be read: No such file"):
        verify_journal(path)


def test_reserved_events_are_refused(tmp_path: Path) -> None:
    """Only the journal says that it is finished."""
    with (
        Journal(tmp_path / "journal.jsonl") as journal,
        pytest.raises(ReportError, match="'finished'"),
    ):
        journal.write("finished")


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}])
def test_a_value_without_a_form_leaves_no_trace(tmp_path: Path, value: object) -> None:
    """Neither a broken line nor, in the header, an open file."""
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        with pytest.raises(ReportError, match="no form in JSON"):
            journal.write("drill", value=value)
        journal.write("drill", value=1.5)

    assert (verify_journal(path).events, verify_journal(path).intact) == (3, True)
    with pytest.raises(ReportError, match="no form in JSON"):
        Journal(tmp_path / "other.jsonl", value=value)
    assert not (tmp_path / "other.jsonl").exists()


def test_hostile_text_stays_on_its_line(tmp_path: Path) -> None:
    """Line breaks, surrogates and escapes are written as JSON escapes."""
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.write("drill", text='\n\r\u2028\ud800\x1b","hash":"')

    assert path.read_bytes().isascii()
    assert (verify_journal(path).events, verify_journal(path).intact) == (3, True)


def _without_hash(state: JournalState) -> JournalState:
    return JournalState(state.events, state.finished, state.torn_tail, state.bad_line, state.why)
