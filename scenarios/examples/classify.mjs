// A pipeline in JavaScript with the official TypeScript SDK: `npm install @anthropic-ai/sdk`.
//
// It does much of what it should: ids of its own, answers checked and else set aside, rows that
// expired or that the service gave up sent again, and nothing written before all is accounted for.
// It has no fence and no reference, and leaves retries to the client.
import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import Anthropic from "@anthropic-ai/sdk";

const { GAMEDAY_ROWS, GAMEDAY_SINK, GAMEDAY_QUARANTINE } = process.env;
const ROUNDS = 3;
const batches = new Anthropic().messages.batches;
const rows = new Map();
for (const line of readFileSync(GAMEDAY_ROWS, "utf-8").split("\n").filter(Boolean)) {
  const row = JSON.parse(line);
  if (rows.has(row.ticket_id)) throw new Error(`${row.ticket_id} stands there twice`);
  rows.set(row.ticket_id, row);
}

const request = (row) => ({
  custom_id: row.ticket_id,
  params: {
    model: "claude-haiku-5-5",
    max_tokens: 64,
    system: 'Answer with JSON: {"label": "pos"|"neg"|"neutral", "score": 0..1}',
    messages: [{ role: "user", content: row.body }],
  },
});

const accepted = (text) => {
  const answer = JSON.parse(text);
  const names = Object.keys(answer).sort().join();
  const inRange = typeof answer.score === "number" && answer.score >= 0 && answer.score <= 1;
  if (names !== "label,score" || !inRange || !["pos", "neg", "neutral"].includes(answer.label)) {
    throw new Error("not the agreed shape");
  }
  return answer;
};

const answers = new Map();
const aside = new Map();
for (let round = 0; round < ROUNDS; round += 1) {
  const open = [...rows.values()].filter(
    (row) => !answers.has(row.ticket_id) && !aside.has(row.ticket_id),
  );
  if (open.length === 0) break;
  let batch = await batches.create({ requests: open.map(request) });
  while (batch.processing_status !== "ended") {
    await sleep(10);
    batch = await batches.retrieve(batch.id);
  }
  for await (const { custom_id, result } of await batches.results(batch.id)) {
    if (result.type !== "succeeded") continue;
    try {
      answers.set(custom_id, accepted(result.message.content[0].text));
    } catch (error) {
      aside.set(custom_id, error.message);
    }
  }
}

const write = (path, found) =>
  appendFileSync(path, found.map((record) => `${JSON.stringify(record)}\n`).join(""));
write(GAMEDAY_SINK, [...answers].map(([ticket_id, answer]) => ({ ticket_id, ...answer })));
write(GAMEDAY_QUARANTINE, [...aside].map(([ticket_id, reason]) => ({ ticket_id, reason })));
if (answers.size + aside.size < rows.size) {
  console.error(`${rows.size - answers.size - aside.size} rows have no answer`);
  process.exit(3);
}
