"""A naive pipeline, as in many articles: submit, poll, and INSERT what comes.

It reads the results that succeeded and passes over all others, takes whatever JSON it can find,
leaves retries to the client, and writes straight into the table that everybody trusts.
"""

import json
import os
import re
import sqlite3
import time
from pathlib import Path

import anthropic

client = anthropic.Anthropic()
rows = [json.loads(line) for line in Path(os.environ["GAMEDAY_ROWS"]).read_text().splitlines()]
batch = client.messages.batches.create(
    requests=[
        {
            "custom_id": row["ticket_id"],
            "params": {
                "model": "claude-haiku-5-5",
                "max_tokens": 1024,
                "messages": [
                    {
                        "role": "user",
                        "content": "How does this customer feel? Answer with JSON, "
                        f'{{"label": pos|neg|neutral, "score": 0..1}}:\n{row["body"]}',
                    }
                ],
            },
        }
        for row in rows
    ]
)
while client.messages.batches.retrieve(batch.id).processing_status != "ended":
    time.sleep(0.01)

database = sqlite3.connect(os.environ["GAMEDAY_SINK"].removeprefix("sqlite:///"))
database.execute("CREATE TABLE IF NOT EXISTS answers (ticket_id TEXT, label, score)")
for line in client.messages.batches.results(batch.id):
    if line.result.type != "succeeded":
        continue
    text = "".join(block.text for block in line.result.message.content if block.type == "text")
    found = re.search(r"\{.*\}", text, re.DOTALL)
    try:
        answer = json.loads(found[0] if found else text)
    except ValueError:
        continue
    database.execute(
        "INSERT INTO answers VALUES (?, ?, ?)",
        (line.custom_id, answer.get("label"), answer.get("score")),
    )
    database.commit()
