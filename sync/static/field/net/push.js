/* Sending the outbox: one push at a time until nothing is due. Only an answer that echoes the op ids changes a row. */
import { retryAfterMs } from "../rules/backoff.js";
import { counts, isAnswer, nextPush, takeAnswers, takeClosed } from "../rules/queue.js";
import { trouble } from "./api.js";

const HEADERS = { "Gridgov-Protocol": "1" };

/** Sends what is due. → {trouble, waitMs, answered, finals}; `told` remembers the counts that the server heard last. */
export async function pushDue({ api, store, read, clock, random, told, tellEmpty = true }) {
  const result = { trouble: null, waitMs: 0, answered: 0, body: null };
  let limit = 200;
  for (let round = 0; round < 100; round += 1) {
    const outbox = await read(store);
    const nowMs = clock();
    const ops = nextPush({ ops: outbox.ops, nowMs, limit });
    const held = counts(outbox);
    const news = told.queued !== held.queued || told.photos_waiting !== held.photos_waiting;
    if (!ops.length && !(tellEmpty && news)) return result;
    const sentIds = ops.map((op) => op.op_id);
    await markSent(store, { sentIds, nowMs });
    const answer = await api.call("POST", "sync/ops", { json: { ...held, ops }, headers: HEADERS });
    if (answer.status === 200 && isAnswer(answer.body, sentIds)) {
      await storeAnswers(store, { sentIds, body: answer.body, nowMs: clock(), random });
      Object.assign(told, held);
      result.answered += sentIds.length;
      if (!ops.length) return result;
      continue;
    }
    if (answer.status === 413 && ops.length > 1) {
      limit = Math.ceil(ops.length / 2);
      continue;
    }
    result.trouble = trouble(answer) || "later";
    result.body = answer.body;
    if (result.trouble === "closed") await storeClosed(store, { body: answer.body, nowMs: clock() });
    result.waitMs = retryAfterMs(answer.header("Retry-After"), clock());
    return result;
  }
  return result;
}

/** An op that may have reached the server can no longer be pulled back. */
function markSent(store, { sentIds, nowMs }) {
  return store.tx(["ops"], "readwrite", async (t) => {
    for (const id of sentIds) {
      const row = await t.get("ops", id);
      if (row && row.sent_ms === null) await t.put("ops", { ...row, sent_ms: nowMs });
    }
  });
}

function storeAnswers(store, { sentIds, body, nowMs, random }) {
  return store.tx(["ops", "photos"], "readwrite", async (t) => {
    const held = { ops: await t.all("ops"), photos: await t.all("photos") };
    const changed = takeAnswers({ ...held, sentIds, body, nowMs, random: random() });
    for (const row of changed.ops) await t.put("ops", row);
    for (const photo of changed.photos) await t.put("photos", photo);
  });
}

function storeClosed(store, { body, nowMs }) {
  return store.tx(["ops", "photos"], "readwrite", async (t) => {
    const held = { ops: await t.all("ops"), photos: await t.all("photos") };
    const changed = takeClosed({ ...held, taken: body.taken, missing: body.missing_photos, nowMs });
    for (const row of changed.ops) await t.put("ops", row);
    for (const photo of changed.photos) await t.put("photos", photo);
  });
}
