"""A pipeline that asks the service for its batch before it makes one, so that it pays once.

    python -I -S crashing.py right|wrong

It writes the sink as a whole, and then that it is done; `wrong` does so the other way round, which
shows only when it is killed between these two writes.
"""

import json
import os
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

BATCHES = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages/batches"
HEADERS = {
    "x-api-key": os.environ["ANTHROPIC_API_KEY"],
    "anthropic-version": "2023-06-01",
    "content-type": "application/json",
}
SINK, STATE = Path(os.environ["GAMEDAY_SINK"]), Path(os.environ["GAMEDAY_STATE"])


def call(url: str, body: Any = None) -> bytes:
    """The body of the reply."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, HEADERS)) as reply:
        return bytes(reply.read())


def the_batch(rows: list[Any]) -> str:
    """The id of the batch that is there, or else of a new one."""
    there = json.loads(call(BATCHES))["data"]
    requests = [
        {
            "custom_id": row["ticket_id"],
            "params": {
                "model": "claude-haiku-5-5",
                "max_tokens": 100,
                "messages": [{"role": "user", "content": row["body"]}],
            },
        }
        for row in rows
    ]
    return str((there or [json.loads(call(BATCHES, {"requests": requests}))])[0]["id"])


def write(lines: bytes) -> None:
    """Put the answers into the sink, as a whole."""
    values = []
    for line in lines.splitlines():
        result = json.loads(line)
        answer = json.loads(result["result"]["message"]["content"][0]["text"])
        values.append(json.dumps({"ticket_id": result["custom_id"], **answer}))
    whole = SINK.with_name("half.jsonl")
    whole.write_text("\n".join(values))
    whole.rename(SINK)


if not (STATE / "done").exists():
    batch = the_batch([json.loads(row) for row in open(os.environ["GAMEDAY_ROWS"])])  # noqa: SIM115, PTH123
    while json.loads(call(f"{BATCHES}/{batch}"))["processing_status"] != "ended":
        pass
    answers = call(f"{BATCHES}/{batch}/results")
    steps: list[Callable[[], None]] = [lambda: write(answers), (STATE / "done").touch]
    for step in reversed(steps) if sys.argv[1] == "wrong" else steps:
        step()
