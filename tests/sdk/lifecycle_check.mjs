// Create, poll, results, list, cancel, delete with the TypeScript SDK:
//   node lifecycle_check.mjs URL FOLDER_WITH_NODE_MODULES
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [url, folder] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${folder}/`));
const sdk = require("@anthropic-ai/sdk");
const client = new sdk.default({ baseURL: url, apiKey: "typescript" });
const batches = client.messages.batches;

const requests = (count) =>
  Array.from({ length: count }, (_, number) => ({
    custom_id: `row-${number}`,
    params: {
      model: "claude-haiku-4-5",
      max_tokens: number === count - 1 ? 0 : 64,
      messages: [{ role: "user", content: `Grüße ${number}` }],
    },
  }));

const made = await batches.create({ requests: requests(25) });
assert.equal(made.processing_status, "in_progress");
await assert.rejects(async () => {
  for await (const _ of await batches.results(made.id)) assert.fail("rows before the end");
});
for (let polls = 0; polls < 10; polls += 1) {
  if ((await batches.retrieve(made.id)).processing_status === "ended") break;
}
const found = new Map();
for await (const line of await batches.results(made.id)) found.set(line.custom_id, line.result);
assert.equal(found.size, 25);
assert.equal(found.get("row-24").error.error.type, "invalid_request_error");
assert.equal(found.get("row-0").message.stop_reason, "end_turn");

const other = await batches.create({ requests: requests(1) });
const canceled = await batches.cancel(other.id);
assert.ok(["canceling", "ended"].includes(canceled.processing_status));
const listed = [];
for await (const batch of batches.list({ limit: 1 })) listed.push(batch.id);
assert.deepEqual(listed, [other.id, made.id]);
assert.equal((await batches.delete(made.id)).type, "message_batch_deleted");
await assert.rejects(batches.retrieve(made.id), sdk.default.NotFoundError);
console.log(JSON.stringify({ rows: found.size }));
