// The outbox's rules: order, what counts as an answer, what an answer changes, what may be freed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { lineWait, opWait, retryAfterMs, socketWait } from "../../sync/static/field/rules/backoff.js";
import { commentOp, draftProblems, editOp, outboxRow, reportOp } from "../../sync/static/field/rules/ops.js";
import { duePhotos, freePhotos, fromRecord } from "../../sync/static/field/rules/photos.js";
import { counts, freeOps, heldBack, isAnswer, longWaiting, mayPullBack, nextPush, nextTime, pile, sendAgain, takeAnswers, takeClosed } from "../../sync/static/field/rules/queue.js";

const NOW = Date.UTC(2026, 4, 4, 1, 12, 31);
const DAY = 86_400_000;

const report = (n, incident = `i${n}`, changes = {}) => ({
  ...outboxRow({ op: { op_id: `r${n}`, kind: "incident.report", at: "2026-05-04T01:12:31Z", incident, category: "0102" }, n, nowMs: NOW, title: "0102" }), ...changes,
});
const edit = (n, incident, changes = {}) => ({
  ...outboxRow({ op: editOp({ incident, baseVersion: 1, base: { description: "a" }, fields: { description: "b" }, opId: `e${n}`, nowMs: NOW }), n, nowMs: NOW, title: "0102" }), ...changes,
});
const answer = (opId, outcome, more = {}) => ({ op_id: opId, outcome, repeated: false, code: null, message: null, details: null, warnings: [], incident: null, version: 1, seq: 5, number: null, cell: null, missing_photos: [], conflicts: [], ...more });
const photo = (id, changes = {}) => ({ id, n: 1, op_id: "r1", draft: "", sha256: `sha-${id}`, size: 1000, state: "waiting", offset: 0, url: null, tries: 0, next_ms: 0, ...changes });

test("ops go out in the order in which they were written", () => {
  const sent = nextPush({ ops: [report(2), report(1)], nowMs: NOW });
  assert.deepEqual(sent.map((op) => op.op_id), ["r1", "r2"]);
});

test("an op on a report that is not born yet names it in after, and the stored op stays as it was written", () => {
  const rows = [report(1, "i"), edit(2, "i")];
  const sent = nextPush({ ops: rows, nowMs: NOW });
  assert.deepEqual(sent[1].after, ["r1"]);
  assert.equal("after" in rows[1].op, false);
});

test("an op whose report is no longer held names nothing", () => {
  assert.deepEqual(nextPush({ ops: [edit(2, "i")], nowMs: NOW })[0].after, []);
  assert.deepEqual(nextPush({ ops: [report(1, "i", { state: "applied", op: null }), edit(2, "i")], nowMs: NOW })[0].after, []);
});

test("nothing overtakes an earlier op of the same incident that waits for its time, strangers do", () => {
  const rows = [report(1, "i", { next_ms: NOW + 5000 }), edit(2, "i"), report(3, "other")];
  assert.deepEqual(nextPush({ ops: rows, nowMs: NOW }).map((op) => op.op_id), ["r3"]);
});

test("an op whose report was refused waits for the report to be mended, and is shown under needs you", () => {
  const rows = [report(1, "i", { state: "refused" }), edit(2, "i")];
  assert.deepEqual(nextPush({ ops: rows, nowMs: NOW }), []);
  assert.equal(heldBack(rows[1], rows), true);
  assert.equal(pile(rows[1], rows), "needs");
  const mended = [...rows, report(3, "i")];
  assert.deepEqual(nextPush({ ops: mended, nowMs: NOW }).map((op) => op.op_id), ["r3"]);
});

test("a push holds at most 200 ops and stays below one MiB", () => {
  const many = Array.from({ length: 250 }, (_, i) => report(i + 1));
  assert.equal(nextPush({ ops: many, nowMs: NOW }).length, 200);
  const fat = Array.from({ length: 30 }, (_, i) => report(i + 1, `i${i}`, {}));
  for (const row of fat) row.op = { ...row.op, description: "沙".repeat(20_000) };
  const sent = nextPush({ ops: fat, nowMs: NOW });
  assert.ok(sent.length > 1 && sent.length < 30);
  assert.ok(new TextEncoder().encode(JSON.stringify({ queued: 30, photos_waiting: 0, ops: sent })).length < 1024 * 1024);
});

test("only JSON that echoes an op id is an answer", () => {
  assert.equal(isAnswer(null, ["r1"]), false);
  assert.equal(isAnswer({ ok: true }, ["r1"]), false);
  assert.equal(isAnswer({ answers: [] }, ["r1"]), false);
  assert.equal(isAnswer({ answers: [answer("somebody", "applied")] }, ["r1"]), false);
  assert.equal(isAnswer({ answers: [answer("r1", "applied")] }, ["r1", "r2"]), true);
});

test("an op without an answer of its own stays in the queue with a time for the next try", () => {
  const changed = takeAnswers({ ops: [report(1), report(2)], photos: [], sentIds: ["r1", "r2"], body: { answers: [answer("r1", "applied")] }, nowMs: NOW, random: 0 });
  const byId = Object.fromEntries(changed.ops.map((row) => [row.op_id, row]));
  assert.equal(byId.r1.state, "applied");
  assert.equal(byId.r2.state, "waiting");
  assert.equal(byId.r2.next_ms, NOW + 5000);
});

test("retry keeps the op, waits at least what was asked, and asks the person after three tries", () => {
  let row = report(1);
  for (let i = 0; i < 3; i += 1) {
    assert.equal(pile(row, [row]), "waiting");
    [row] = takeAnswers({ ops: [row], photos: [], sentIds: ["r1"], body: { answers: [answer("r1", "retry", { code: "busy", details: { retry_after_s: 30 } })] }, nowMs: NOW, random: 0.5 }).ops;
    assert.equal(row.state, "waiting");
    assert.ok(row.next_ms >= NOW + 30_000);
  }
  assert.equal(pile(row, [row]), "needs");
});

test("an outcome of a later protocol is not taken for a final answer", () => {
  const [row] = takeAnswers({ ops: [report(1)], photos: [], sentIds: ["r1"], body: { answers: [answer("r1", "deferred")] }, nowMs: NOW, random: 0 }).ops;
  assert.equal(row.state, "waiting");
});

test("the photos that the server misses become due, the others count as sent, those of a refused op stay", () => {
  const photos = [photo("a"), photo("b")];
  const applied = takeAnswers({ ops: [report(1)], photos, sentIds: ["r1"], body: { answers: [answer("r1", "applied", { missing_photos: ["sha-a"] })] }, nowMs: NOW, random: 0 });
  assert.deepEqual(applied.photos.map((row) => [row.id, row.state]), [["a", "due"], ["b", "sent"]]);
  const refused = takeAnswers({ ops: [report(1)], photos, sentIds: ["r1"], body: { answers: [answer("r1", "refused", { code: "outside_grid" })] }, nowMs: NOW, random: 0 });
  assert.deepEqual(refused.photos.map((row) => row.state), ["held", "held"]);
  assert.equal(pile(refused.ops[0], refused.ops), "needs");
});

test("account_closed takes only the ops that it names", () => {
  const changed = takeClosed({ ops: [report(1), report(2)], photos: [photo("a")], taken: ["r1"], missing: ["sha-a"], nowMs: NOW });
  assert.deepEqual(changed.ops.map((row) => [row.op_id, row.state]), [["r1", "taken"]]);
  assert.equal(changed.photos[0].state, "due");
});

test("after another history everything that is still held goes again, refusals do not", () => {
  const again = sendAgain({ ops: [report(1, "a", { state: "applied" }), report(2, "b", { state: "refused" }), report(3, "c", { state: "applied", op: null }), report(4, "d", { state: "conflict" })] });
  assert.deepEqual(again.map((row) => [row.op_id, row.state, row.again]), [["r1", "waiting", true], ["r4", "waiting", true]]);
});

test("an answered op is kept until it is safe, or seven days", () => {
  const rows = [
    report(1, "a", { state: "applied", answer: { seq: 90 }, answered_ms: NOW - DAY }),
    report(2, "b", { state: "applied", answer: { seq: 110 }, answered_ms: NOW - DAY }),
    report(3, "c", { state: "applied", answer: { seq: 111 }, answered_ms: NOW - 7 * DAY }),
    report(4, "d", { state: "waiting" }),
    report(5, "e", { state: "refused", answered_ms: NOW - 20 * DAY }),
  ];
  const { freed, forgotten } = freeOps({ ops: rows, safeSeq: 100, nowMs: NOW });
  assert.deepEqual(freed.map((row) => [row.op_id, row.op]).sort(), [["r1", null], ["r3", null]]);
  assert.deepEqual(forgotten, []);
});

test("over 200 MB the oldest answered op goes first", () => {
  const big = 150 * 1024 * 1024;
  const rows = [
    report(1, "a", { state: "applied", answer: { seq: 110 }, answered_ms: NOW - 2000, bytes: big }),
    report(2, "b", { state: "applied", answer: { seq: 111 }, answered_ms: NOW - 1000, bytes: big }),
  ];
  assert.deepEqual(freeOps({ ops: rows, safeSeq: 0, nowMs: NOW }).freed.map((row) => row.op_id), ["r1"]);
});

test("a photo is freed when stored and safe, never before it is stored, but for one whose record never comes", () => {
  const photos = [
    photo("safe", { state: "stored", seq: 90, stored_ms: NOW }), photo("not-safe", { state: "stored", seq: 110, stored_ms: NOW }),
    photo("old", { state: "stored", seq: 110, stored_ms: NOW - 7 * DAY }), photo("due", { state: "due" }),
    photo("sent", { state: "sent", sent_ms: NOW - 8 * DAY }), photo("lost", { state: "sent", sent_ms: NOW - 8 * DAY }),
  ];
  const free = freePhotos({ photos, hasRecord: (id) => id === "sent", safeSeq: 100, nowMs: NOW });
  assert.deepEqual(free.sort(), ["lost", "old", "safe"]);
});

test("a photo's record from the feed moves the row: stored with its seq, rejected with its reason", () => {
  assert.deepEqual({ ...fromRecord({ photo: photo("a"), record: { state: "stored" }, seq: 7, nowMs: NOW }), offset: 0 }, photo("a", { state: "stored", seq: 7, stored_ms: NOW, reason: null }));
  assert.equal(fromRecord({ photo: photo("a", { state: "sent" }), record: { state: "rejected", reason: "not_a_picture" }, seq: 7, nowMs: NOW }).reason, "not_a_picture");
  assert.equal(fromRecord({ photo: photo("a", { state: "due" }), record: { state: "declared" }, seq: 7, nowMs: NOW }).state, "due");
});

test("what the push tells: ops without an answer, photos that are not delivered, drafts not", () => {
  const told = counts({ ops: [report(1), report(2, "b", { state: "applied" })], photos: [photo("a"), photo("b", { state: "due" }), photo("c", { state: "sent" }), photo("d", { op_id: "", draft: "x" })] });
  assert.deepEqual(told, { queued: 1, photos_waiting: 2 });
});

test("the wait of an op grows from 5 s to 1 h with jitter, the line's at most to a minute", () => {
  assert.equal(opWait({ tries: 1, random: 0 }), 5000);
  assert.equal(opWait({ tries: 1, random: 1 }), 5000);
  assert.equal(opWait({ tries: 3, random: 1 }), 20_000);
  assert.equal(opWait({ tries: 3, random: 0 }), 10_000);
  assert.equal(opWait({ tries: 40, random: 1 }), 3_600_000);
  assert.equal(opWait({ tries: 1, random: 0, askedMs: 90_000 }), 90_000);
  assert.equal(lineWait({ tries: 40, random: 1 }), 60_000);
  assert.equal(lineWait({ tries: 1, random: 1, askedMs: 120_000 }), 120_000);
  assert.equal(socketWait({ tries: 3, random: 0 }), 0);
  assert.equal(socketWait({ tries: 30, random: 1 }), 60_000);
});

test("Retry-After is read as seconds and as a date", () => {
  assert.equal(retryAfterMs("7", NOW), 7000);
  assert.equal(retryAfterMs(new Date(NOW + 3000).toUTCString(), NOW), 2000 + 1000);
  assert.equal(retryAfterMs("soon", NOW), 0);
  assert.equal(retryAfterMs(null, NOW), 0);
});

test("the next time is the earliest of ops and photos, null when nothing waits", () => {
  assert.equal(nextTime({ ops: [report(1, "a", { next_ms: NOW + 9000 })], photos: [photo("a", { state: "due", next_ms: NOW + 4000 })], nowMs: NOW }), NOW + 4000);
  assert.equal(nextTime({ ops: [], photos: [], nowMs: NOW }), null);
});

test("a report can be pulled back until it was sent, and mended when it was refused", () => {
  assert.equal(mayPullBack(report(1)), true);
  assert.equal(mayPullBack(report(1, "a", { sent_ms: NOW })), false);
  assert.equal(mayPullBack(report(1, "a", { sent_ms: NOW, state: "refused" })), true);
  assert.equal(mayPullBack(edit(1, "a")), false);
});

test("a report's op has the draft's place with its datum, its photos as declarations, and no keys that were not said", () => {
  const draft = { incident: "i", category: "0102", description: " hole\ud83d ", urgent: false, position: { lng: 108.9, lat: 34.2, datum: "wgs84", accuracy_m: 8, source: "gps" }, cell: null, address: "" };
  const op = reportOp({ draft, photos: [{ id: "p", sha256: "aa", size: 5, stage: "before", taken_ms: NOW }], opId: "o", nowMs: NOW });
  assert.deepEqual(op, {
    op_id: "o", kind: "incident.report", at: "2026-05-04T01:12:31.000Z", incident: "i", category: "0102", urgent: false, description: "hole",
    position: { lng: 108.9, lat: 34.2, datum: "wgs84", accuracy_m: 8, source: "gps" },
    photos: [{ photo: "p", sha256: "aa", size: 5, stage: "before", taken_at: "2026-05-04T01:12:31.000Z" }],
  });
  assert.equal(commentOp({ incident: "i", comment: "c", text: "x", opId: "o", nowMs: NOW }).visibility, "internal");
});

test("a photo that was refused needs the person until they have seen it", () => {
  const row = report(1, "a", { state: "applied" });
  assert.equal(pile(row, [row], [photo("a")]), "sent");
  assert.equal(pile(row, [row], [photo("a", { state: "refused" })]), "needs");
  assert.equal(pile({ ...row, hidden: true }, [row], [photo("a", { state: "refused" })]), "sent");
});

test("what has waited three days is told, with the days of the oldest", () => {
  const rows = [report(1, "a", { made_ms: NOW - 5 * DAY }), report(2, "b", { made_ms: NOW - 3 * DAY }), report(3, "c", { made_ms: NOW - 2 * DAY }), report(4, "d", { made_ms: NOW - 9 * DAY, state: "applied" })];
  assert.deepEqual(longWaiting({ ops: rows, nowMs: NOW }), { n: 2, days: 5 });
  assert.deepEqual(longWaiting({ ops: [], nowMs: NOW }), { n: 0, days: 0 });
});

test("a draft says what it lacks", () => {
  assert.deepEqual(draftProblems({ draft: { category: "", position: null, cell: null, description: " " }, photos: [] }), ["report.needs_category", "report.needs_place", "report.needs_text_or_photo"]);
  assert.deepEqual(draftProblems({ draft: { category: "0102", position: null, cell: "c", description: "" }, photos: [{}] }), []);
});

test("photos go in the order in which they were taken, and only when their time has come", () => {
  assert.deepEqual(duePhotos({ photos: [photo("b", { state: "due", n: 2 }), photo("a", { state: "due", n: 1 }), photo("c", { state: "due", n: 3, next_ms: NOW + 1 }), photo("d")], nowMs: NOW }).map((row) => row.id), ["a", "b"]);
});
