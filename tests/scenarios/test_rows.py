"""Rows are read completely, or refused with one sentence that says what to do."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls import JobType, load_job_type
from scenarios.harness.errors import UsageError
from scenarios.harness.game import DEFAULT_JOB
from scenarios.harness.rows import read_rows


def a_job(key: str | None = "id") -> JobType:
    """A job type over the columns `id` and `text`."""
    job = load_job_type(DEFAULT_JOB)
    rows = msgspec.structs.replace(
        job.rows, key=key, allowed_fields=("text",), text="text", label_column=None
    )
    prompt = msgspec.structs.replace(job.prompt, template="{text}")
    return msgspec.structs.replace(job, rows=rows, prompt=prompt)


def a_file(folder: Path, content: bytes | str, name: str = "rows.csv") -> Path:
    """A rows file with this content."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "rows.csv", "is empty"),
        (b" \n\n", "rows.jsonl", "is empty"),
        ("id,text\n", "rows.csv", "has a header and no rows"),
        (b"id,text\n1,a\x00b\n", "rows.csv", "byte 11 is zero"),
        (b"id,text\n1,caf\xe9\n", "rows.csv", "is not UTF-8: byte 13 (line 2)"),
        ("1,hello\n2,there\n", "rows.csv", "have no column 'text'"),
        ("id,id\n1,2\n", "rows.csv", "does not name its columns"),
        ("id,\n1,2\n", "rows.csv", "does not name its columns"),
        ("id,text\n1\n", "rows.csv", "Line 2 of"),
        ('id,text\n1,"open\n', "rows.csv", "is not CSV"),
        ("id,text\n,hello\n", "rows.csv", "Row 1 of"),
        ("id,text\n7,a\n7,b\n", "rows.csv", "Rows 1 and 2 of"),
        ('{"id": 1, "text": "a"}\n{oops\n', "rows.jsonl", "Line 2 of"),
        ('["just a list"]', "rows.json", "Item 1 of"),
        ('[{"id": 1, "text"', "rows.json", "is not JSON"),
        ("[" * 100_000, "rows.json", "is not JSON"),
        ('{"id": 1, "txt": "a"}', "rows.jsonl", "have no column 'text'"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(
    content: bytes | str, name: str, says: str, tmp_path: Path
) -> None:
    """Each way to be wrong has its own words, and a way out."""
    path = a_file(tmp_path, content, name)

    with pytest.raises(UsageError) as refused:
        read_rows(path, a_job())

    assert says in refused.value.what
    assert refused.value.fix
    assert "\n" not in str(refused.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    """The reason of the operating system is passed on."""
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            read_rows(path, a_job())


def test_an_unknown_column_suggests_the_nearest(tmp_path: Path) -> None:
    """A typing error is answered with the name that was meant."""
    with pytest.raises(UsageError, match="Did you mean 'texts'"):
        read_rows(a_file(tmp_path, "id,texts\n1,a\n"), a_job())


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        ("id;text\n1;a\n", "rows.csv", "seems to be ';', and ',' is read"),
        ("id;text\n1;a, b\n", "rows.csv", "seems to be ';'"),
        ('"id";"text"\n"1";"a"\n', "rows.csv", "seems to be ';'"),
        ("id\ttext\n1\ta\n", "rows.csv", r"seems to be '\t', and ',' is read"),
        ("id,text\n1,a\n", "rows.tsv", r"seems to be ',', and '\t' is read"),
    ],
)
def test_another_separator_is_named(content: str, name: str, says: str, tmp_path: Path) -> None:
    """Spreadsheets of many countries write semicolons; the way out is said."""
    with pytest.raises(UsageError) as refused:
        read_rows(a_file(tmp_path, content, name), a_job())

    assert says in refused.value.fix
    assert "export it with commas as .csv, or with tabs as .tsv" in refused.value.fix


def test_a_mere_mistake_in_the_header_is_not_put_on_the_separator(tmp_path: Path) -> None:
    """Commas are there; a semicolon is part of a name."""
    with pytest.raises(UsageError) as refused:
        read_rows(a_file(tmp_path, "id,txt;x\n1,a\n"), a_job())

    assert "separator" not in str(refused.value)


def test_known_answers_that_are_none_are_refused(tmp_path: Path) -> None:
    """A canary graded against them would halt every good day."""
    job = a_job()
    rows = msgspec.structs.replace(job.rows, label_column="truth")
    graded = msgspec.structs.replace(job, rows=rows)
    good = a_file(tmp_path, "id,text,truth\n1,a,pos\n2,b,\n")
    bad = a_file(tmp_path, "id,text,truth\n1,a,pos\n2,b,POS\n", "bad.csv")

    assert 2 == len(read_rows(good, graded).rows)
    with pytest.raises(UsageError, match=r"1 of 2 rows .* first 'POS' in row 2"):
        read_rows(bad, graded)


def test_line_breaks_quotes_and_byte_order_marks_survive(tmp_path: Path) -> None:
    """What stands in a quoted field is kept to the byte."""
    path = a_file(tmp_path, '\ufeffid,text\n1,"two\nlines, ""quoted"""\n2,zażółć 👋\n')
    rows = read_rows(path, a_job()).rows

    assert ['two\nlines, "quoted"', "zażółć 👋"] == [row.fields["text"] for row in rows]
    assert ["1", "2"] == [row.key for row in rows]


def test_without_a_key_column_rows_are_counted(tmp_path: Path) -> None:
    """The row's number identifies it."""
    rows = read_rows(a_file(tmp_path, "text\na\na\n"), a_job(key=None)).rows

    assert ["1", "2"] == [row.key for row in rows]


def test_json_values_become_text(tmp_path: Path) -> None:
    """Numbers, nulls and nested values are kept as their JSON."""
    line = json.dumps({"id": 7, "text": None, "more": {"a": [1, True]}})
    (row,) = read_rows(a_file(tmp_path, line, "rows.jsonl"), a_job()).rows

    assert {"id": "7", "text": "", "more": '{"a":[1,true]}'} == dict(row.fields)


@given(st.binary(max_size=300), st.sampled_from(["r.csv", "r.jsonl", "r.json", "r.tsv", "r"]))
def test_any_bytes_are_rows_or_a_usage_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    """Hostile files never cause anything else."""
    path = a_file(tmp_path_factory.mktemp("rows"), content, name)
    with suppress(UsageError):
        rows = read_rows(path, a_job()).rows

        assert len({row.key for row in rows}) == len(rows)
