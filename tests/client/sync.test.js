// Phones on a line: nothing is lost, nothing is doubled, nothing leaves the queue without an answer of its own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { commentOp } from "../../sync/static/field/rules/ops.js";
import { openMemory } from "../../sync/static/field/store/memory.js";
import { addOp, addPhoto, discard, pullBack, saveDraft, saveReport } from "../../sync/static/field/store/outbox.js";
import { shownOf } from "../../sync/static/field/store/records.js";
import { NotSaved, within } from "../../sync/static/field/store/tables.js";
import { json, makePhone, makeServer, picture } from "./line.js";

/** A report with photos, through draft and outbox as the screen does it. */
async function write(phone, { photos = 0, size = 1000, text = "hole" } = {}) {
  const draft = { id: phone.newId(), incident: phone.newId(), category: "0102", description: text, urgent: false, cell: null, position: { lng: 108.9, lat: 34.2, datum: "wgs84", accuracy_m: 8, source: "gps" } };
  await saveDraft(phone.store, { draft, isNew: true });
  for (let i = 0; i < photos; i += 1) {
    const made = picture(i + 1, size);
    const photo = { id: phone.newId(), n: i, draft: draft.id, op_id: "", incident: draft.incident, sha256: made.sha256, size, stage: "before", taken_ms: phone.ms, state: "draft", offset: 0, url: null, tries: 0, next_ms: 0 };
    await addPhoto(phone.store, { photo, bytes: made.bytes });
  }
  const opId = phone.newId();
  assert.equal(await saveReport(phone.store, { draft, opId, nowMs: phone.ms, title: "0102" }), true);
  return { draft, opId };
}

const states = async (phone) => {
  const { ops, photos } = await phone.outbox();
  return { ops: ops.map((row) => row.state), photos: photos.map((row) => row.state) };
};

test("a report with three photos goes through: op, bytes, record, and the phone sees the photos stored", async () => {
  const [server] = [makeServer()];
  const phone = makePhone(server);
  await write(phone, { photos: 3, size: 600_000 });
  await phone.run();
  assert.deepEqual(await states(phone), { ops: ["applied"], photos: ["stored", "stored", "stored"] });
  assert.equal(server.bytes.size, 3);
  assert.equal((await shownOf(phone.store, "incident")).length, 1);
  assert.equal(server.pushes[0].queued, 1);
  assert.equal(server.pushes[0].photos_waiting, 3);
});

test("when all is delivered the server is told zero, once", async () => {
  const server = makeServer();
  const phone = makePhone(server);
  await write(phone, { photos: 1 });
  await phone.run();
  await phone.run();
  await phone.run();
  const last = server.pushes.at(-1);
  assert.deepEqual([last.queued, last.photos_waiting, last.ops.length], [0, 0, 0]);
  assert.ok(server.pushes.length <= 3);
});

test("an answer that is lost is asked for again and carried out once", async () => {
  const server = makeServer();
  const phone = makePhone(server);
  await write(phone);
  server.loseAnswer = true;
  await phone.run();
  assert.deepEqual((await states(phone)).ops, ["waiting"]);
  await phone.run();
  assert.deepEqual((await states(phone)).ops, ["applied"]);
  assert.equal(server.receipts.size, 1);
  assert.equal((await phone.outbox()).ops[0].answer.repeated, true);
});

test("no status from 400 to 599 and no captive portal takes anything out of the queue", async () => {
  const portal = () => new Response("<html>welcome to the hotel</html>", { status: 200, headers: { "Content-Type": "text/html" } });
  const answers = [portal, () => json(200, { ok: true }), () => json(200, { answers: [] }), () => "no line"];
  for (let status = 400; status < 600; status += 1) answers.push(() => json(status, { code: "whatever", answers: [] }));
  const server = makeServer();
  const phone = makePhone(server);
  const { opId } = await write(phone, { photos: 1 });
  for (const answer of answers) {
    server.trouble = (method, path) => (path === "sync/ops" ? answer() : null);
    await phone.run();
    const { ops, photos } = await phone.outbox();
    assert.deepEqual([ops.length, ops[0].op_id, ops[0].state, photos.length, photos[0].state], [1, opId, "waiting", 1, "waiting"]);
  }
  server.trouble = null;
  await phone.run();
  assert.deepEqual(await states(phone), { ops: ["applied"], photos: ["stored"] });
});

test("an error that echoes the op ids is no answer either", async () => {
  const server = makeServer();
  const phone = makePhone(server);
  const { opId } = await write(phone);
  server.trouble = (method, path) => (path === "sync/ops" ? json(500, { answers: [{ op_id: opId, outcome: "applied", missing_photos: [] }] }) : null);
  await phone.run();
  assert.deepEqual((await states(phone)).ops, ["waiting"]);
});

test("what may have reached the server cannot be pulled back, even when no answer came", async () => {
  const server = makeServer();
  const phone = makePhone(server);
  const { opId } = await write(phone);
  server.loseAnswer = true;
  await phone.run();
  assert.equal(await pullBack(phone.store, { opId, draftId: phone.newId(), nowMs: phone.ms }), null);
  const { ops, drafts } = await phone.outbox();
  assert.deepEqual([ops.length, drafts.length], [1, 0]);
});

test("a phone that is started anew tells once what it holds, and a phone that never sent anything tells nothing", async () => {
  const server = makeServer();
  const first = makePhone(server);
  await first.run();
  assert.equal(server.pushes.length, 0);
  await write(first);
  await first.run();
  const before = server.pushes.length;
  const again = makePhone(server, { store: first.store });
  await again.run();
  await again.run();
  assert.deepEqual(server.pushes.slice(before).map((push) => [push.queued, push.ops.length]), [[0, 0]]);
});

test("after trouble the timer alone tries again within a minute", async () => {
  const server = makeServer();
  const phone = makePhone(server);
  await write(phone);
  server.trouble = () => "no line";
  for (let i = 0; i < 12; i += 1) await phone.run();
  assert.ok(phone.timer.ms <= 60_000);
  server.trouble = null;
  phone.wait(phone.timer.ms);
  await phone.timer.work();
  assert.deepEqual((await states(phone)).ops, ["applied"]);
});

test("an upload that breaks goes on from the server's offset, also when the last answer was lost", async () => {
  const server = makeServer();
  const phone = makePhone(server);
  await write(phone, { photos: 1, size: 1_000_000 });
  server.dropAfter = 1;
  await phone.run();
  assert.deepEqual((await states(phone)).photos, ["due"]);
  const before = [...server.uploads.values()][0].bytes.length;
  assert.equal(before, 2 * 256 * 1024);
  await phone.run();
  assert.deepEqual((await states(phone)).photos, ["stored"]);
  assert.equal(server.uploads.size, 1);
});

test("one poisoned op is asked about again; strangers go through, dependents wait, and after three tries the person is asked", async () => {
  const server = makeServer();
  const phone = makePhone(server);
  const bad = await write(phone, { text: "poison" });
  await addOp(phone.store, { op: commentOp({ incident: bad.draft.incident, comment: phone.newId(), text: "to it", opId: phone.newId(), nowMs: phone.ms }), title: "0102", nowMs: phone.ms });
  for (let i = 0; i < 18; i += 1) await write(phone);
  server.answerOf = (op) => (op.incident === bad.draft.incident ? { outcome: "retry", code: "internal", details: { retry_after_s: 5 } } : {});
  await phone.run();
  const { ops } = await phone.outbox();
  assert.deepEqual(ops.map((row) => row.state), ["waiting", "waiting", ...Array(18).fill("applied")]);
  assert.equal(ops[0].tries, 1);
});

test("another epoch: what is still held is sent again, and what the restored server lacks it gets", async () => {
  const server = makeServer();
  const phone = makePhone(server);
  await write(phone, { photos: 1 });
  await phone.run();
  Object.assign(server, { epoch: "e2", seq: 0, feed: new Map(), receipts: new Map(), declared: new Map(), uploads: new Map(), bytes: new Map() });
  await phone.run();
  await phone.run();
  assert.deepEqual(await states(phone), { ops: ["applied"], photos: ["stored"] });
  assert.equal(server.receipts.size, 1);
  assert.equal(server.bytes.size, 1);
  assert.equal((await phone.follow()).cursor.startsWith("e2:"), true);
});

test("safe in a backup: the phone frees op and photo, and still shows the line", async () => {
  const server = makeServer();
  const phone = makePhone(server);
  await write(phone, { photos: 1 });
  await phone.run();
  assert.notEqual((await phone.outbox()).ops[0].op, null);
  server.safe = server.seq;
  await phone.run();
  const { ops, photos } = await phone.outbox();
  assert.equal(ops[0].op, null);
  assert.equal(photos[0].freed, true);
  assert.equal(await phone.store.tx(["blobs"], "readonly", (t) => t.get("blobs", photos[0].id)), undefined);
});

test("under another person's session nothing is sent and nothing is read", async () => {
  const server = makeServer();
  server.sessionUser = "somebody else";
  const phone = makePhone(server);
  await write(phone);
  await phone.run();
  assert.deepEqual(phone.troubles, ["other_user"]);
  assert.equal(server.pushes.length, 0);
  assert.equal((await phone.follow()).cursor, null);
  server.sessionUser = "me";
  await phone.run();
  assert.deepEqual((await states(phone)).ops, ["applied"]);
});

test("a login in another tab is noticed by the cookie before the next push", async () => {
  const server = makeServer();
  let cookie = "csrftoken=one";
  const phone = makePhone(server, { cookie: () => cookie });
  await phone.run();
  await write(phone);
  cookie = "csrftoken=two";
  server.sessionUser = "somebody else";
  await phone.run();
  assert.deepEqual((await states(phone)).ops, ["waiting"]);
  assert.equal(server.pushes.length, 0);
});

test("csrf_failed: GET me, and one more try", async () => {
  const server = makeServer();
  const phone = makePhone(server);
  await write(phone);
  let refused = 0;
  server.trouble = (method, path) => (path === "sync/ops" && refused++ === 0 ? json(403, { code: "csrf_failed" }) : null);
  await phone.run();
  assert.deepEqual((await states(phone)).ops, ["applied"]);
});

test("account_closed: what is named is final, its photos still go, the rest stays", async () => {
  const server = makeServer();
  const phone = makePhone(server);
  const first = await write(phone, { photos: 1 });
  await write(phone);
  const hash = picture(1, 1000).sha256;
  server.declared.set(hash, { photo: "p", incident: "i", sha256: hash });
  server.trouble = (method, path) => (path === "sync/ops" ? json(403, { code: "account_closed", taken: [first.opId], missing_photos: [hash] }) : null);
  await phone.run();
  assert.deepEqual((await states(phone)).ops, ["taken", "waiting"]);
  assert.equal(server.bytes.has(hash), true);
});

test("a closed account that is started anew cannot ask who it is, and still delivers what it wrote under its own cookie", async () => {
  const server = makeServer();
  const owner = { cookie: null, read: async () => owner.cookie, write: async (cookie) => (owner.cookie = cookie) };
  const before = makePhone(server, { owner });
  await before.run();
  const { opId } = await write(before);
  const pushed = [];
  server.trouble = (method, path) => {
    if (path === "sync/ops") pushed.push(path);
    return json(403, path === "sync/ops" ? { code: "account_closed", taken: [opId], missing_photos: [] } : { code: "account_closed" });
  };
  const stranger = makePhone(server, { owner, store: before.store, cookie: () => "csrftoken=another" });
  await stranger.run();
  assert.deepEqual([pushed.length, (await states(before)).ops], [0, ["waiting"]]);
  const again = makePhone(server, { owner, store: before.store });
  await again.run();
  assert.deepEqual((await states(before)).ops, ["taken"]);
});

test("device_revoked takes nothing, and is told to the page, which wipes", async () => {
  const server = makeServer();
  const phone = makePhone(server);
  await write(phone);
  server.trouble = () => json(403, { code: "device_revoked" });
  await phone.run();
  assert.deepEqual(phone.troubles, ["lost"]);
  assert.deepEqual((await states(phone)).ops, ["waiting"]);
});

test("a report that was refused is mended as a new op, and what hangs on it follows", async () => {
  const server = makeServer();
  const phone = makePhone(server);
  const { draft, opId } = await write(phone, { photos: 1 });
  server.answerOf = (op) => (op.op_id === opId ? { outcome: "refused", code: "outside_grid" } : {});
  await phone.run();
  await addOp(phone.store, { op: commentOp({ incident: draft.incident, comment: phone.newId(), text: "there", opId: phone.newId(), nowMs: phone.ms }), title: "0102", nowMs: phone.ms });
  await phone.run();
  assert.deepEqual(await states(phone), { ops: ["refused", "waiting"], photos: ["held"] });
  const again = await pullBack(phone.store, { opId, draftId: phone.newId(), nowMs: phone.ms });
  const [mended] = (await phone.outbox()).drafts;
  assert.equal(mended.id, again);
  await saveReport(phone.store, { draft: mended, opId: phone.newId(), nowMs: phone.ms, title: "0102" });
  await phone.run();
  assert.deepEqual(await states(phone), { ops: ["applied", "applied"], photos: ["stored"] });
  assert.deepEqual(server.pushes.at(-2).ops.map((op) => op.kind), ["incident.comment"]);
});

test("saving twice makes one op: the second finds the draft gone", async () => {
  const phone = makePhone(makeServer());
  const { draft } = await write(phone);
  assert.equal(await saveReport(phone.store, { draft, opId: phone.newId(), nowMs: phone.ms, title: "x" }), false);
  assert.equal((await phone.outbox()).ops.length, 1);
});

test("a report whose photo has no bytes is not saved at all", async () => {
  const phone = makePhone(makeServer());
  const draft = { id: "d", incident: "i", category: "0102", description: "x", position: null, cell: "c" };
  await saveDraft(phone.store, { draft, isNew: true });
  await phone.store.tx(["photos"], "readwrite", (t) => t.put("photos", { id: "p", draft: "d", op_id: "", n: 1, sha256: "a", size: 1, taken_ms: 0 }));
  await assert.rejects(saveReport(phone.store, { draft, opId: "o", nowMs: 0, title: "x" }));
  const { ops, drafts, photos } = await phone.outbox();
  assert.deepEqual([ops.length, drafts.length, photos[0].op_id], [0, 1, ""]);
});

test("a store that never calls back is called not saved after the limit", async () => {
  const fired = [];
  const write = within(new Promise(() => {}), { ms: 10_000, setTimeout: (work, ms) => fired.push([work, ms]), clearTimeout: () => {} });
  assert.equal(fired[0][1], 10_000);
  fired[0][0]();
  await assert.rejects(write, (error) => error instanceof NotSaved && error.reason === "timeout");
});

test("a full disk is told as such", async () => {
  const full = Object.assign(new Error("no room"), { name: "QuotaExceededError" });
  await assert.rejects(within(Promise.reject(full), { setTimeout, clearTimeout }), (error) => error.reason === "quota");
});

test("ten phones in one process keep apart", async () => {
  const server = makeServer();
  const phones = Array.from({ length: 10 }, () => makePhone(server));
  await Promise.all(phones.map((phone) => write(phone, { photos: 1 })));
  await Promise.all(phones.map((phone) => phone.run()));
  for (const phone of phones) assert.equal((await phone.outbox()).ops.length, 1);
  await phones[0].run();
  assert.equal((await shownOf(phones[0].store, "incident")).length, 10);
});

test("two tabs on one store send each op once in effect, and follow without mixing pages", async () => {
  const server = makeServer();
  const store = openMemory("shared");
  const [one, two] = [makePhone(server, { store }), makePhone(server, { store })];
  for (let i = 0; i < 20; i += 1) await write(one);
  await Promise.all([one.run(), two.run()]);
  assert.equal(server.receipts.size, 20);
  assert.deepEqual(new Set((await states(one)).ops), new Set(["applied"]));
});

test("what was discarded is gone with its photos, and nothing else", async () => {
  const phone = makePhone(makeServer());
  const first = await write(phone, { photos: 2 });
  await write(phone, { photos: 1 });
  await discard(phone.store, { opId: first.opId });
  assert.deepEqual(await states(phone), { ops: ["waiting"], photos: ["waiting"] });
});
