"""What is on trial: a pipeline, its rows, where its results go, and what was agreed."""

from __future__ import annotations

import csv
import io
import re
import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec

from controls import JobType, Row
from controls.policy import AnswerPolicy, Prompt, RowsPolicy, SpendPolicy
from reports import Fact
from scenarios.harness.errors import UsageError
from scenarios.harness.pipeline.origin import without_passwords
from scenarios.harness.pipeline.places import Place
from scenarios.harness.rows import RowSet, path_is_csv, read_rows

FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
CALL = Path(__file__).with_name("call.py")
NAIVE = Path(__file__).with_name("naive.py")


@dataclass(frozen=True, slots=True)
class Trial:
    """Everything that the arms of a trial share."""

    pipeline: str
    """A shell command, or MODULE:FUNCTION."""
    job: JobType
    """What is known of the job from outside: key, text, schema and budget."""
    rowset: RowSet
    rows_file: Path
    sink: Place
    sink_key: str
    quarantine: Place | None
    quarantine_key: str
    schema: dict[str, Any] | None
    budget: Decimal | None
    timeout: float
    """Seconds that one run of the pipeline may take."""
    seed: int
    options: str
    """What to add to `gameday verify` so that it repeats this trial, but for passwords."""
    facts: tuple[Fact, ...] = ()
    """What the report tells of it in its appendix."""

    @property
    def key(self) -> str:
        """The column of the rows that joins them to the sink."""
        assert self.job.rows.key is not None
        return self.job.rows.key

    @property
    def command(self) -> list[str]:
        """What to start."""
        if FUNCTION.fullmatch(self.pipeline):
            return [sys.executable, "-P", str(CALL), self.pipeline]
        return ["/bin/sh", "-c", self.pipeline]

    @property
    def name(self) -> str:
        """The pipeline in a few words."""
        return " ".join(shlex.quote(word) for word in without_passwords(self.pipeline).split())[
            :120
        ]


def job_of(
    rows: Path,
    key: str,
    text: str | None,
    schema: dict[str, Any] | None,
    budget: Decimal | None,
) -> tuple[JobType, RowSet]:
    """What is known of the user's job, and the rows.

    Raises:
        UsageError: the rows cannot be read, or have no such columns.
    """
    job = JobType(
        name="pipeline under test",
        team="gameday",
        owner="its author",
        policy_version="unknown",
        approved_by="its author",
        rows=RowsPolicy(allowed_fields=(), key=key, text=text),
        prompt=Prompt(model="unknown", template=f"{{{text or key}}}", max_tokens=None),
        answer=AnswerPolicy(schema=schema or {"type": "object", "properties": {}}),
        spend=SpendPolicy(ceiling_usd=budget or Decimal(0), max_tokens_cap=0),
    )
    rowset = read_rows(rows, job)
    policy = msgspec.structs.replace(
        job.rows, allowed_fields=rowset.columns, text=text or longest_column(rowset, key)
    )
    return msgspec.structs.replace(job, rows=policy), rowset


def longest_column(rowset: RowSet, key: str) -> str:
    """The column with the most text: what the prompts will carry, unless `--text` says it."""
    sizes = {name: sum(len(row.fields[name]) for row in rowset.rows) for name in rowset.columns}
    sizes.pop(key, None)
    return max(sizes, key=lambda name: sizes[name], default=key)


def read_schema(path: Path) -> dict[str, Any]:
    """The JSON Schema of an accepted value.

    Raises:
        UsageError: the file is none, or not one of an object.
    """
    try:
        schema = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"The schema {path} cannot be read: {error.strerror}.", fix="Check the path."
        ) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UsageError(f"The schema {path} is not JSON: {error}.", fix="Mend it.") from None
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        raise UsageError(
            f"The schema {path} does not describe an object.",
            fix='Write {"type": "object", "properties": {...}}, with the sink\'s columns in it.',
        )
    try:
        jsonschema_rs.validator_for(schema)
    except (ValueError, jsonschema_rs.ValidationError) as error:
        what = str(error).split("\n", 1)[0].removesuffix(".")
        raise UsageError(f"The schema {path} is no JSON Schema: {what}.", fix="Mend it.") from None
    return schema


def write_rows(trial: Trial, rows: Iterable[Row], target: Path) -> None:
    """Rows in the form of the user's own file; JSON values that nobody changed stay as they are."""
    source = trial.rows_file
    if path_is_csv(source):
        _write_csv(source, trial.rowset.columns, rows, target)
        return
    data = source.read_bytes().decode("utf-8-sig")
    whole = source.suffix.lower() == ".json" and data.lstrip().startswith("[")
    lines = [line for line in data.split("\n") if line.strip()]
    records: list[dict[str, Any]] = (
        msgspec.json.decode(data) if whole else [msgspec.json.decode(line) for line in lines]
    )
    by_key = {
        row.key: (row, record) for row, record in zip(trial.rowset.rows, records, strict=True)
    }
    written = []
    for row in rows:
        original, record = by_key[row.fields[trial.key]]
        changed = {
            name: value for name, value in row.fields.items() if value != original.fields[name]
        }
        written.append({**record, **changed})
    if whole:
        target.write_bytes(msgspec.json.encode(written))
    else:
        target.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in written))


def _write_csv(source: Path, columns: tuple[str, ...], rows: Iterable[Row], target: Path) -> None:
    delimiter = "\t" if source.suffix.lower() == ".tsv" else ","
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.fields[name] for name in columns] for row in rows)
    target.write_bytes(text.getvalue().encode("utf-8", "surrogatepass"))
