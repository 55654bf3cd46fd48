"""The naive pipelines: what the bare arm runs, because nobody can switch off a stranger's controls.

    python naive.py KEY TEXT [TEMPER]

They do what common examples do, and differ in how they take trouble:

- `blind` sends again whatever failed, at once, and takes results as they come;
- `hasty` tries once, and trusts every field, header and line to be as it always was;
- `cheerful` passes over whatever goes wrong, a batch that looks incomplete too, and is always done;
- `looking` looks for its batch in the list when a create failed, and sends again if it sees none.

None of it is meant for production. It speaks the contract of `docs/verify.md`, needs the standard
library only, and starts in 50 ms.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TEMPERS = ("blind", "hasty", "cheerful", "looking")
ATTEMPTS = 3
"""The official client's two retries."""
POLLS = 200
BUFFER = 2**16
"""Characters of a line that fit; the default limit of asyncio's StreamReader."""
PATIENCE = 5.0
"""Seconds for a call."""
MODEL = "claude-haiku-5-5"
FIRST = 0.1
"""Share of the rows in the first of two batches."""
BATCHES = "/v1/messages/batches"
KNOWN = {
    "id", "type", "processing_status", "request_counts", "ended_at", "created_at", "expires_at",
    "cancel_initiated_at", "archived_at", "results_url",
}  # fmt: skip


class Naive:
    """One run."""

    def __init__(self, key: str, text: str, temper: str) -> None:
        self.key, self.text, self.temper = key, text, temper
        self.rows_file = Path(os.environ["GAMEDAY_ROWS"])
        self.attempts = 1 if temper == "hasty" else ATTEMPTS
        self.seen: set[str] = set()
        self.ran = False
        self.usual: dict[str, set[str]] = {}

    def run(self) -> None:
        """A small batch, and then the rest."""
        count = len(read(self.rows_file))
        first = max(round(FIRST * count), 1)
        params = self.request(0, read(self.rows_file)[0])["params"]
        self.call(
            "POST", "/v1/messages/count_tokens", {n: params[n] for n in ("model", "messages")}
        )
        for numbers in (range(first), range(first, count)):
            if numbers:
                try:
                    self.batch(list(numbers))
                except (OSError, LookupError, ValueError, TypeError):
                    if self.temper != "cheerful":
                        raise

    def batch(self, numbers: list[int]) -> None:
        """Send, wait, write what comes."""
        rows = read(self.rows_file)
        requests = [self.request(number, rows[number]) for number in numbers]
        made = self.create({"requests": requests})
        self.seen.add(made["id"])
        self.ran = False
        for _ in range(POLLS):
            made = self.json("GET", f"{BATCHES}/{made['id']}", made["id"])
            if self.is_over(made):
                break
        else:
            raise TimeoutError(f"{made['id']} does not end")
        place = f"{BATCHES}/{made['id']}/results"
        if self.temper == "hasty":
            place = made["results_url"]
            if not place.startswith("http"):
                raise ValueError(f"{place} is no address")
        lines = self.lines(self.call("GET", place))
        if self.temper == "cheerful" and len(lines) < made["request_counts"]["succeeded"]:
            raise ValueError(f"{made['id']} is incomplete")
        again = read(self.rows_file)
        with Path(os.environ["GAMEDAY_SINK"]).open("a", encoding="utf-8") as file:
            for line in lines:
                try:
                    key, answer = self.answer(line, again)
                    file.write(json.dumps({self.key: key} | answer) + "\n")
                except (LookupError, ValueError, TypeError, AttributeError):
                    if self.temper == "hasty":
                        raise

    def request(self, number: int, row: dict[str, Any]) -> dict[str, Any]:
        """A row dressed for the API."""
        prompt = f"Answer in JSON.\n\n{row[self.text]}"
        params = {
            "model": MODEL,
            "max_tokens": 1024,
            "messages": [{"role": "user", "content": prompt}],
        }
        return {"custom_id": f"row-{number}", "params": params}

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """A new batch; `looking`, an old one that seems to be it."""
        if self.temper != "looking":
            return self.json("POST", BATCHES, "", body)
        try:
            return dict(json.loads(self.once("POST", BATCHES, body)))
        except (OSError, ValueError, TypeError):
            after, found = "", []
            for _ in range(POLLS):
                page = self.json("GET", f"{BATCHES}?limit=100{after}", "")
                found += [batch for batch in page["data"] if batch["id"] not in self.seen]
                if not page["has_more"] or not page["data"]:
                    return dict(found[0]) if found else self.json("POST", BATCHES, "", body)
                after = f"&after_id={page['last_id']}"
            raise

    def is_over(self, batch: dict[str, Any]) -> bool:
        """Whether there is nothing to wait for."""
        if self.temper != "hasty":
            return str(batch["processing_status"]) == "ended"
        if set(batch) != KNOWN:
            raise ValueError(f"what is {set(batch) ^ KNOWN}?")
        made = datetime.strptime(batch["created_at"], "%Y-%m-%dT%H:%M:%S.%f%z")
        ends = datetime.strptime(batch["expires_at"], "%Y-%m-%dT%H:%M:%S.%f%z")
        if not batch["created_at"].endswith("+00:00") or self.is_old(made, ends):
            raise ValueError(f"{batch['created_at']} is no time")
        counts, status = batch["request_counts"], batch["processing_status"]
        begun, self.ran = self.ran, self.ran or status == "in_progress"
        return begun and (status != "in_progress" or counts["succeeded"] > 0)

    def is_old(self, made: datetime, ends: datetime) -> bool:
        """Whether a batch that was just made is older than a day, by this machine's clock."""
        now = datetime.fromtimestamp(self.rows_file.stat().st_mtime, tz=UTC)
        return now - made > ends - made

    def lines(self, body: bytes) -> list[str]:
        """The lines of a results file; `hasty` ends one at whatever can end a line."""
        if self.temper != "hasty":
            return body.decode("utf-8", "replace").splitlines()
        lines = re.split("[\r\n]", body.decode("utf-8"))[:-1]
        if any(len(line) > BUFFER for line in lines):
            raise ValueError("a line is longer than the buffer")
        return lines

    def answer(self, line: str, rows: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
        """The key and the value of a line."""
        result = json.loads(line)
        number = int(re.sub(r"\D", "", result["custom_id"]) or 0)
        if self.temper == "cheerful":
            number %= len(rows)
        message = result["result"]["message"]
        if self.temper == "hasty":
            shapes = {
                "message": set(message),
                "usage": set(message["usage"]),
                "": {message["model"]},
            }
            self.usual = self.usual or shapes
            if shapes != self.usual or message["model"] != MODEL:
                raise ValueError("this message looks unlike the others")
        return rows[number][self.key], fitted(message["content"][0]["text"])

    def json(self, method: str, path: str, known: str, body: Any = None) -> dict[str, Any]:
        """The reply as an object; `blind` takes no object for an answer and asks again."""
        for _ in range(self.attempts):
            try:
                reply = json.loads(self.call(method, path, body))
                if isinstance(reply, dict):
                    return {"id": known} | reply if self.temper != "hasty" else reply
            except ValueError:
                if self.temper == "hasty":
                    raise
        raise ValueError(f"{method} {path} does not answer with an object")

    def call(self, method: str, path: str, body: Any = None) -> bytes:
        """The body of the reply; what failed is tried again at once, whatever it was."""
        for attempt in range(1, self.attempts + 1):
            try:
                return self.once(method, path, body)
            except OSError:
                if attempt == self.attempts:
                    raise
        raise AssertionError

    def once(self, method: str, path: str, body: Any = None) -> bytes:
        """One call. An address that is not the service's own is followed into the void."""
        base = os.environ["ANTHROPIC_BASE_URL"]
        url = base + path if path.startswith("/v1/") else path
        if not url.startswith(base):
            raise ConnectionError(f"nobody answers at {url}")
        request = urllib.request.Request(  # noqa: S310 - the simulator's own address
            url,
            None if body is None else json.dumps(body).encode(),
            {
                "x-api-key": os.environ["ANTHROPIC_API_KEY"],
                "anthropic-version": "2023-06-01",
                "content-type": "application/json",
            },
            method=method,
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as reply:  # noqa: S310
            whole = bytes(reply.read())
            if self.temper == "hasty" and (reply.url != url or not reply.headers["content-type"]):
                raise ValueError("not what was asked for")
            if self.temper == "hasty" and reply.headers["content-encoding"] == "gzip":
                whole = gzip.decompress(whole)
        return whole


def read(path: Path) -> list[dict[str, Any]]:
    """The rows, whatever their form."""
    text = path.read_text("utf-8-sig")
    if path.suffix.lower() in {".jsonl", ".ndjson"} or text.lstrip().startswith("{"):
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    if path.suffix.lower() == ".json":
        return list(json.loads(text))
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    return list(csv.DictReader(text.splitlines(keepends=True), delimiter=delimiter))


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
    Naive(sys.argv[1], sys.argv[2], (sys.argv[3:] or TEMPERS)[0]).run()
