// The feed's rules: pages into stores, resets, gone, digest. The pages stand in tests/vectors/feed_pages.json.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { digestText, goneKeys, mayReplace, newFollow, nextSince, outsideKeys, pauseAfterResets, planPage, toRow } from "../../sync/static/field/rules/feed.js";
import { openMemory } from "../../sync/static/field/store/memory.js";
import { readFollow, shownKeys, writePage } from "../../sync/static/field/store/records.js";

const vector = (name) => JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));
const NOW = Date.UTC(2026, 4, 4);
const page = (changes, more, rest = {}) => ({ changes, cursor: `c${rest.n ?? 1}`, more, reset: null, stored_seq: 100, safe_seq: 50, server_time: "2026-05-04T00:00:00Z", ...rest });
const put = (seq, type, id, record = {}) => ({ seq, type, id, record: { id, ...record } });

test("the first load fills the second store, and is shown when it is complete", () => {
  const first = planPage({ follow: newFollow(), page: page([put(1, "unit", "u")], true), nowMs: NOW });
  assert.equal(first.target, "b");
  assert.deepEqual(first.clear, ["b"]);
  assert.equal(first.follow.active, "a");
  assert.equal(nextSince(first.follow), "c1");
  const last = planPage({ follow: first.follow, page: page([put(2, "unit", "v")], false, { n: 2 }), nowMs: NOW });
  assert.equal(last.target, "b");
  assert.equal(last.follow.active, "b");
  assert.deepEqual(last.clear, ["a"]);
  assert.equal(last.follow.cursor, "c2");
  assert.equal(last.follow.synced_ms, NOW);
});

test("later pages go into the store that is shown", () => {
  const follow = { ...newFollow(), active: "b", cursor: "c1" };
  const plan = planPage({ follow, page: page([put(3, "unit", "w")], false, { n: 3 }), nowMs: NOW });
  assert.equal(plan.target, "b");
  assert.deepEqual(plan.clear, []);
});

test("a reset during a load begins it again, and epoch or history put kept ops back into the queue", () => {
  const follow = { ...newFollow(), active: "b", cursor: "c1", loading: { cursor: "half" } };
  const plan = planPage({ follow, page: page([], true, { n: 9, reset: "epoch", scope: [] }), nowMs: NOW });
  assert.deepEqual(plan.clear, ["a"]);
  assert.equal(plan.again, true);
  assert.equal(plan.follow.loading.cursor, "c9");
  assert.equal(planPage({ follow, page: page([], true, { reset: "scope", scope: [] }), nowMs: NOW }).again, false);
});

test("three resets in an hour: following pauses", () => {
  assert.equal(pauseAfterResets({ resets: [NOW - 3000, NOW - 2000], nowMs: NOW }), 0);
  assert.ok(pauseAfterResets({ resets: [NOW - 3000, NOW - 2000, NOW - 1000], nowMs: NOW }) > 0);
  assert.equal(pauseAfterResets({ resets: [NOW - 4_000_000, NOW - 3_700_000, NOW - 1000], nowMs: NOW }), 0);
});

test("an incident that goes takes events, photos and assignments, and the checks of others", () => {
  const rows = [["event", {}], ["photo", {}], ["assignment", {}], ["check", { worker: "me" }], ["check", { worker: "other" }], ["conflict", {}], ["notice", {}]]
    .map(([type, record], i) => ({ key: `${type}/${i}`, type, incident: "i", record }));
  const keys = goneKeys({ change: { type: "incident", id: "i", gone: true, why: "scope" }, children: rows, userId: "me" });
  assert.deepEqual(keys, ["incident/i", "event/0", "photo/1", "assignment/2", "check/4"]);
  assert.deepEqual(goneKeys({ change: { type: "conflict", id: "c" }, children: rows, userId: "me" }), ["conflict/c"]);
});

test("what lies outside a new scope goes before the second page, one's own reports stay", () => {
  const rows = [
    { key: "place/p1", type: "place", id: "p1", record: { id: "p1", code: "610104003012002", path: ["610104", "610104003", "610104003012", "610104003012002"] } },
    { key: "incident/in", type: "incident", id: "in", incident: null, record: { cell: { id: "p1", code: "610104003012002" }, by: { user: "x" } } },
    { key: "incident/out", type: "incident", id: "out", incident: null, record: { cell: { id: "p9", code: "610112001001001" }, by: { user: "x" } } },
    { key: "incident/own", type: "incident", id: "own", incident: null, record: { cell: { id: "p9", code: "610112001001001" }, by: { user: "me" } } },
    { key: "event/1", type: "event", id: "1", incident: "out", record: { by: { user: "x" } } },
    { key: "conflict/1", type: "conflict", id: "1", incident: "out", record: { by: "me" } },
  ];
  assert.deepEqual(outsideKeys({ rows, scope: [{ id: "c", code: "610104003012", level: "community" }], userId: "me" }), ["incident/out", "event/1"]);
  assert.deepEqual(outsideKeys({ rows, scope: [{ code: null, level: "city" }], userId: "me" }), []);
  assert.deepEqual(outsideKeys({ rows, scope: [], userId: "me" }), ["incident/in", "incident/out", "event/1"]);
});

test("an older page never overwrites a newer record, and of unknown types only type, id and seq are kept", () => {
  assert.equal(mayReplace({ seq: 9 }, { seq: 8 }), false);
  assert.equal(mayReplace({ seq: 9 }, { seq: 9 }), true);
  assert.deepEqual(toRow({ seq: 4, type: "weather", id: "w", record: { rain: 1 } }), { key: "weather/w", type: "weather", id: "w", seq: 4, incident: null, record: null });
});

test("the shared pages end in exactly the records that stand in the vector, in the order of the feed", async () => {
  for (const story of vector("feed_pages").stories) {
    const store = openMemory();
    for (const one of story.pages) {
      const since = nextSince(await readFollow(store));
      assert.equal(await writePage(store, { page: one, since, nowMs: NOW, userId: story.user }), true, story.name);
    }
    const keys = (await shownKeys(store)).map((row) => `${row.type} ${row.id} ${row.seq}`).sort();
    assert.deepEqual(keys, story.shown, story.name);
    assert.equal((await readFollow(store)).cursor, story.cursor, story.name);
  }
});

test("a page that another tab has already gone past is thrown away", async () => {
  const store = openMemory();
  assert.equal(await writePage(store, { page: page([put(1, "unit", "u")], false), since: null, nowMs: NOW, userId: "me" }), true);
  assert.equal(await writePage(store, { page: page([], false, { n: 7 }), since: null, nowMs: NOW, userId: "me" }), false);
  assert.equal((await readFollow(store)).cursor, "c1");
});

test("the digest is the SHA-256 of the sorted lines", () => {
  for (const one of vector("digest").cases) {
    assert.equal(createHash("sha256").update(digestText(one.rows)).digest("hex"), one.digest, one.name);
  }
});
