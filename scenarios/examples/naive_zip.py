"""A naive pipeline that was told that results come in the order of the requests. They do not."""

import json
import os
import sqlite3
import time
from pathlib import Path

import anthropic

client = anthropic.Anthropic()
rows = [json.loads(line) for line in Path(os.environ["GAMEDAY_ROWS"]).read_text().splitlines()]
batch = client.messages.batches.create(
    requests=[
        {
            "custom_id": f"doc-{number:05}",
            "params": {
                "model": "claude-haiku-5-5",
                "max_tokens": 1024,
                "system": "You grade support tickets. Answer in JSON.",
                "messages": [{"role": "user", "content": row["body"]}],
            },
        }
        for number, row in enumerate(rows)
    ]
)
while client.messages.batches.retrieve(batch.id).processing_status != "ended":
    time.sleep(0.01)

database = sqlite3.connect(os.environ["GAMEDAY_SINK"].removeprefix("sqlite:///"))
database.execute("CREATE TABLE IF NOT EXISTS answers (ticket_id TEXT PRIMARY KEY, label, score)")
for row, line in zip(rows, client.messages.batches.results(batch.id), strict=False):
    if line.result.type == "succeeded":
        text = "".join(block.text for block in line.result.message.content if block.type == "text")
        answer = json.loads(text)
        database.execute(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?)",
            (row["ticket_id"], answer["label"], answer["score"]),
        )
        database.commit()
