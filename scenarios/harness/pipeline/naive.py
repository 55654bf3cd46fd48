"""The naive pipeline: what the bare arm runs, because nobody can switch off a stranger's controls.

It does what common examples do: one batch, retried blindly; results taken as they come, from rows
that are read a second time; whatever looks like an answer is made to fit; errors are passed over.
None of it is meant for production. It speaks the contract of `docs/verify.md`, needs the standard
library only, and starts in 50 ms.
"""

from __future__ import annotations

import csv
import json
import os
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ATTEMPTS = 3
"""The official client's two retries."""
POLLS = 200
PATIENCE = 5.0
"""Seconds for a call."""
MODEL = "claude-haiku-5-5"


def main() -> None:
    """Send everything, wait, write what comes."""
    rows_file, sink = Path(os.environ["GAMEDAY_ROWS"]), Path(os.environ["GAMEDAY_SINK"])
    key, text = sys.argv[1:3]
    requests = [
        {
            "custom_id": f"row-{number}",
            "params": {
                "model": MODEL,
                "max_tokens": 1024,
                "messages": [{"role": "user", "content": f"Answer in JSON.\n\n{row[text]}"}],
            },
        }
        for number, row in enumerate(read(rows_file))
    ]
    batch = json.loads(call("POST", "/v1/messages/batches", {"requests": requests}))["id"]
    for _ in range(POLLS):
        if b'"ended"' in call("GET", f"/v1/messages/batches/{batch}"):
            break
    lines = call("GET", f"/v1/messages/batches/{batch}/results").splitlines()
    again = read(rows_file)
    with sink.open("a", encoding="utf-8") as file:
        for line in lines:
            try:
                result = json.loads(line)
                number = int(result["custom_id"].removeprefix("row-"))
                answer = fitted(result["result"]["message"]["content"][0]["text"])
                file.write(json.dumps({key: again[number][key]} | answer) + "\n")
            except (LookupError, ValueError, TypeError, AttributeError):
                continue


def read(path: Path) -> list[dict[str, Any]]:
    """The rows, whatever their form."""
    text = path.read_text("utf-8-sig")
    if path.suffix.lower() in {".jsonl", ".ndjson"} or text.lstrip().startswith("{"):
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    if path.suffix.lower() == ".json":
        return list(json.loads(text))
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    return list(csv.DictReader(text.splitlines(keepends=True), delimiter=delimiter))


def call(method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
    """The body of the reply; what failed is tried again at once, whatever it was."""
    request = urllib.request.Request(  # noqa: S310 - the simulator's own address
        os.environ["ANTHROPIC_BASE_URL"] + path,
        None if body is None else json.dumps(body).encode(),
        {
            "x-api-key": os.environ["ANTHROPIC_API_KEY"],
            "anthropic-version": "2023-06-01",
            "content-type": "application/json",
        },
        method=method,
    )
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as reply:  # noqa: S310
                return bytes(reply.read())
        except OSError:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError


def fitted(text: str) -> dict[str, Any]:
    """An answer, made of whatever there is."""
    try:
        value = json.loads(text)
    except ValueError:
        found = re.search(r"\{.*\}", text, re.DOTALL)
        try:
            value = json.loads(found[0]) if found else text
        except ValueError:
            value = text
    if isinstance(value, list):
        value = value[0] if value else ""
    return value if isinstance(value, dict) else {"answer": str(value)}


if __name__ == "__main__":
    main()
