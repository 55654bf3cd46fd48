"""The user's rows: CSV, JSON Lines or a JSON array, read completely or refused with a reason."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from controls import ControlError, JobType, Row
from controls.policy import check_columns
from scenarios.harness.errors import UsageError

LONGEST_FIELD = 64 * 2**20
"""Bytes of one CSV field. The API takes bodies of 256 MB; a longer field is a broken quote."""


@dataclass(frozen=True, slots=True)
class RowSet:
    """Rows with their origin."""

    source: str
    """A file's name, or what made the rows."""
    digest: str
    """SHA-256 of the file, or of what made the rows."""
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    licence: str = "the user's own: gameday knows of none"
    redacted: frozenset[str] = frozenset()
    """Keys of rows that are not sent as they are: the job type redacts something of them."""


def read_rows(path: Path, job_type: JobType) -> RowSet:
    """All rows of a file, fitted to a job type.

    Raises:
        UsageError: the file cannot be read, has no rows, is not text, has no header, lacks a
            column, has a row without a key, a key twice, or a known answer that is none.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"The rows file {path} cannot be read: {error.strerror}.", fix="Check the path."
        ) from None
    text = _decode(path, data)
    if not text.strip():
        raise UsageError(f"The rows file {path} is empty.", fix="Give it at least one row.")
    records = list(_records(path, text))
    if not records:
        raise UsageError(
            f"The rows file {path} has a header and no rows.", fix="Give it at least one row."
        )
    columns = tuple(dict.fromkeys(name for record in records for name in record))
    try:
        check_columns(job_type, columns)
    except ControlError as error:
        hint = " The first line of a CSV file must name the columns." if path_is_csv(path) else ""
        hint += _other_separator(path, text)
        raise UsageError(f"In {path}: {error.what}", fix=error.fix + hint) from None
    rows = tuple(_keyed(path, records, columns, job_type.rows.key))
    _check_known_answers(path, rows, job_type)
    return RowSet(path.name, hashlib.sha256(data).hexdigest(), columns, rows)


def _check_known_answers(path: Path, rows: tuple[Row, ...], job_type: JobType) -> None:
    """Refuse known answers that no answer of this job could ever equal."""
    column, labels = job_type.rows.label_column, job_type.labels
    if column is None or not labels:
        return
    strange = [row for row in rows if row.fields[column] and row.fields[column] not in labels]
    if strange:
        first = strange[0]
        raise UsageError(
            f"In {path}: {len(strange):,} of {len(rows):,} rows have a known answer in {column!r} "
            f"that the schema does not admit, first {first.fields[column][:60]!r} in row "
            f"{first.ordinal + 1:,}.",
            fix=f"The schema's labels begin with {', '.join(labels[:5])}. Mend the column or the "
            "enum in [answer.schema], or leave rows.label_column out.",
        )


def path_is_csv(path: Path) -> bool:
    """Whether a file is read as CSV."""
    return path.suffix.lower() not in {".jsonl", ".ndjson", ".json"}


def _decode(path: Path, data: bytes) -> str:
    if (nul := data.find(b"\0")) >= 0:
        raise UsageError(
            f"The rows file {path} is not text: byte {nul:,} is zero.",
            fix="Export it as CSV or JSON Lines in UTF-8.",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"The rows file {path} is not UTF-8: byte {error.start:,} (line {line:,}).",
            fix="Save it as UTF-8.",
        ) from None


def _records(path: Path, text: str) -> Iterator[dict[str, str]]:
    if path_is_csv(path):
        return _csv_records(path, text)
    if path.suffix.lower() == ".json" and text.lstrip().startswith("["):
        return _array_records(path, text)
    return _line_records(path, text)


def _csv_records(path: Path, text: str) -> Iterator[dict[str, str]]:
    csv.field_size_limit(LONGEST_FIELD)
    delimiter = _separator(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(reader)
        if len(set(header)) != len(header) or not all(name.strip() for name in header):
            raise UsageError(
                f"The first line of {path} does not name its columns: {header[:8]!r}.",
                fix="Put a header line with a different name for each column on top.",
            )
        for fields in reader:
            if not fields:
                continue
            if len(fields) != len(header):
                raise UsageError(
                    f"Line {reader.line_num:,} of {path} has {len(fields)} fields, the header has "
                    f"{len(header)}.",
                    fix="Quote fields that contain the delimiter or a line break."
                    + _other_separator(path, text),
                )
            yield dict(zip(header, fields, strict=True))
    except csv.Error as error:
        raise UsageError(
            f"Line {reader.line_num:,} of {path} is not CSV: {error}.",
            fix="Mend its quotes." + _other_separator(path, text),
        ) from None


def _separator(path: Path) -> str:
    return "\t" if path.suffix.lower() == ".tsv" else ","


def _other_separator(path: Path, text: str) -> str:
    """What to say when the first line of a CSV file is separated by something else."""
    header, read = text.partition("\n")[0], _separator(path)
    counts = {mark: header.count(mark) for mark in ",;\t|"}
    likely = max(counts, key=lambda mark: counts[mark])
    if not path_is_csv(path) or counts[read] or not counts[likely]:
        return ""
    return (
        f" The separator of this file seems to be {likely!r}, and {read!r} is read: "
        "export it with commas as .csv, or with tabs as .tsv."
    )


def _line_records(path: Path, text: str) -> Iterator[dict[str, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                record = msgspec.json.decode(line)
            except (msgspec.DecodeError, RecursionError) as error:
                raise UsageError(
                    f"Line {number:,} of {path} is not JSON: {error}.",
                    fix="Write one JSON object per line.",
                ) from None
            yield _flat(path, f"Line {number:,}", record)


def _array_records(path: Path, text: str) -> Iterator[dict[str, str]]:
    try:
        records = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(
            f"{path} is not JSON: {error}.", fix="Write an array of objects."
        ) from None
    for number, record in enumerate(records, start=1):
        yield _flat(path, f"Item {number:,}", record)


def _flat(path: Path, where: str, record: Any) -> dict[str, str]:
    if not isinstance(record, dict):
        raise UsageError(
            f"{where} of {path} is not an object.", fix="Write one object per row: {...}."
        )
    return {str(name): _text(value) for name, value in record.items()}


def _text(value: Any) -> str:
    match value:
        case str():
            return value
        case None:
            return ""
        case _:
            return msgspec.json.encode(value).decode()


def _keyed(
    path: Path, records: Iterable[Mapping[str, str]], columns: tuple[str, ...], key: str | None
) -> Iterator[Row]:
    first_seen: dict[str, int] = {}
    for ordinal, record in enumerate(records):
        name = str(ordinal + 1) if key is None else record.get(key, "")
        if not name.strip():
            raise UsageError(
                f"Row {ordinal + 1:,} of {path} has no {key!r}.",
                fix="Fill the key column, or leave rows.key out of the job file to count rows.",
            )
        if name in first_seen:
            raise UsageError(
                f"Rows {first_seen[name] + 1:,} and {ordinal + 1:,} of {path} have the same "
                f"{key!r}: {name[:60]!r}.",
                fix="Remove one, or name a column that is unique in rows.key.",
            )
        first_seen[name] = ordinal
        yield Row(ordinal, name, {column: record.get(column, "") for column in columns})
