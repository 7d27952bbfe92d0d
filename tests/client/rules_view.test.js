// What a person sees: the server's record and their own waiting ops; the timeline; conflicts; words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { commentOp, editOp, outboxRow } from "../../sync/static/field/rules/ops.js";
import { ownConflicts, pictures, storedOf, timeline, viewIncident, viewList } from "../../sync/static/field/rules/view.js";
import { freshness, leaves, nameOf, remember, searchLeaves, timeLeft, valueText } from "../../sync/static/field/rules/words.js";
import { cellAt, contains, doubtful, fromFix, toDegrees, toMetres } from "../../sync/static/field/rules/geo.js";
import { instant, toBase64, uuid7, wellFormed } from "../../sync/static/field/rules/ids.js";

const NOW = Date.UTC(2026, 4, 4, 1, 0, 0);
const OPEN = new Set(["reported", "registered"]);
const record = (changes = {}) => ({ id: "i", number: "610104-260504-00017", version: 3, state: "reported", category: "0102", description: "server", received_at: "2026-05-04T00:00:00Z", by: { user: "me" }, ...changes });
const edit = (n, text, changes = {}) => ({ ...outboxRow({ op: editOp({ incident: "i", baseVersion: 3, base: { description: "server" }, fields: { description: text }, opId: `e${n}`, nowMs: NOW }), n, nowMs: NOW }), ...changes });
const report = (changes = {}) => ({ ...outboxRow({ op: { op_id: "r1", kind: "incident.report", at: "2026-05-04T00:30:00Z", incident: "i", category: "0102", description: "mine" }, n: 1, nowMs: NOW, title: "0102" }), ...changes });
const see = (over) => viewIncident({ record: record(), ops: [], seenSeq: 10, incident: "i", userId: "me", ...over });

test("without own ops the record is what is seen", () => {
  const view = see({});
  assert.equal(view.description, "server");
  assert.deepEqual(view.guessed, []);
});

test("own waiting edits stand over the record in the order in which they were written", () => {
  const view = see({ ops: [edit(2, "second"), edit(1, "first")] });
  assert.equal(view.description, "second");
  assert.deepEqual(view.guessed, ["description"]);
});

test("an answered edit stays on the screen until the feed brings its version, then the record alone counts", () => {
  const answered = edit(1, "mine", { state: "applied", answer: { version: 4, seq: 20 } });
  assert.equal(see({ ops: [answered] }).description, "mine");
  assert.equal(see({ ops: [answered], record: record({ version: 4, description: "server's word" }) }).description, "server's word");
  assert.equal(see({ ops: [answered], seenSeq: 20 }).description, "server");
});

test("a refused or parked edit is not shown as if it stood", () => {
  assert.equal(see({ ops: [edit(1, "mine", { state: "refused", answer: { code: "not_editable" } })] }).description, "server");
  assert.equal(see({ ops: [edit(1, "mine", { state: "conflict", answer: { code: "field_changed", seq: 20, version: 4 } })] }).description, "server");
});

test("a report that waits is seen as a case without a state; answered, it has its number until the feed has the record", () => {
  assert.equal(see({ record: undefined, ops: [report()] }).state, null);
  const answered = report({ state: "applied", answer: { number: "610104-260504-00018", version: 1, seq: 30 } });
  assert.equal(see({ record: undefined, ops: [answered] }).number, "610104-260504-00018");
  assert.equal(see({ record: undefined, ops: [answered], seenSeq: 30 }), null);
});

test("a case that nobody knows is not there", () => {
  assert.equal(see({ record: undefined }), null);
});

test("the list has open cases, own waiting reports among them, newest first", () => {
  const records = [record({ id: "old" }), record({ id: "new", received_at: "2026-05-04T00:10:00Z" }), record({ id: "done", state: "closed" })];
  const list = viewList({ records, ops: [report()], seenSeq: 10, userId: "me", open: OPEN, onlyOpen: true });
  assert.deepEqual(list.map((view) => view.id), ["i", "new", "old"]);
});

test("searching looks at number, text and the category's name", () => {
  const find = (text) => viewList({ records: [record()], ops: [], seenSeq: 10, userId: "me", open: OPEN, text, names: () => "暴露垃圾" }).length;
  assert.deepEqual([find("00017"), find("SERVER"), find("垃圾"), find("nothing")], [1, 1, 1, 0]);
});

test("the timeline has the newest on top and waiting ops above all", () => {
  const comment = { ...outboxRow({ op: commentOp({ incident: "i", comment: "c9", text: "which lamp?", opId: "o9", nowMs: NOW }), n: 3, nowMs: NOW }) };
  const events = [{ id: "ev1", n: 1, received_at: "2026-05-04T00:00:00Z" }, { id: "ev2", n: 2, received_at: "2026-05-04T00:00:00Z" }];
  const view = see({ ops: [comment] });
  const { items } = timeline({ events, photos: [], view, ownPhotos: [] });
  assert.deepEqual(items.map((item) => item.key), ["o9", "ev2", "ev1"]);
});

test("a comment that has come back by the feed is not shown twice", () => {
  const comment = { ...outboxRow({ op: commentOp({ incident: "i", comment: "c9", text: "x", opId: "o9", nowMs: NOW }), n: 3, nowMs: NOW }) };
  const { items } = timeline({ events: [{ id: "c9", n: 1, at: "2026-05-04T00:00:00Z" }], photos: [], view: see({ ops: [comment] }), ownPhotos: [] });
  assert.deepEqual(items.map((item) => item.key), ["c9"]);
});

test("photos: the server's records, then those that only this phone has; withdrawn ones are gone; stored ones are counted", () => {
  const list = pictures({ photos: [{ id: "a", state: "stored" }, { id: "b", state: "declared" }, { id: "w", state: "withdrawn" }], ownPhotos: [{ id: "b", op_id: "r" }, { id: "c", op_id: "r" }, { id: "d", op_id: "" }] });
  assert.deepEqual(list.map((item) => item.id), ["a", "b", "c"]);
  assert.deepEqual(storedOf(list), { stored: 1, of: 3 });
});

test("own open conflicts wait for their author, until a resolve is on its way", () => {
  const conflicts = [{ id: "x", kind: "field", by: "me", state: "open" }, { id: "y", kind: "field", by: "other", state: "open" }, { id: "z", kind: "field", by: "me", state: "dropped" }];
  assert.deepEqual(ownConflicts({ conflicts, ops: [], userId: "me" }).map((row) => [row.id, row.answered]), [["x", false]]);
  const going = outboxRow({ op: { op_id: "o", kind: "conflict.resolve", conflict: "x", take: "server" }, n: 1, nowMs: NOW });
  assert.equal(ownConflicts({ conflicts, ops: [going], userId: "me" })[0].answered, true);
});

test("a conflict's values are read as people read them", () => {
  assert.deepEqual(valueText("text"), { text: "text" });
  assert.deepEqual(valueText(null), { key: "value.empty" });
  assert.deepEqual(valueText(true), { key: "value.yes" });
  assert.deepEqual(valueText({ lng: 108.94, lat: 34.26, datum: "wgs84" }), { text: "108.94, 34.26" });
});

test("categories: leaves only, no retired ones, found by either language", () => {
  const categories = [
    { code: "01", names: { "zh-hans": "市容环境", en: "City appearance" }, parent: null },
    { code: "0102", names: { "zh-hans": "暴露垃圾", en: "Exposed rubbish" }, parent: "01" },
    { code: "0103", names: { "zh-hans": "渣土", en: "Rubble" }, parent: "01", retired: true },
  ];
  const list = leaves({ categories, lang: "zh-hans" });
  assert.deepEqual(list.map((leaf) => [leaf.code, leaf.name, leaf.group]), [["0102", "暴露垃圾", "市容环境"]]);
  assert.equal(searchLeaves({ list, text: "rubbish" }).length, 1);
  assert.equal(searchLeaves({ list, text: "市容 垃圾" }).length, 1);
  assert.equal(searchLeaves({ list, text: "噪声" }).length, 0);
  assert.equal(nameOf({ code: "9" }, "en"), "9");
  assert.deepEqual(remember(["a", "b", "c", "d", "e"], "c"), ["c", "a", "b", "d", "e"]);
  assert.deepEqual(remember(["a", "b", "c", "d", "e"], "f"), ["f", "a", "b", "c", "d"]);
});

test("time left in words, red only when it is over", () => {
  assert.deepEqual(timeLeft({ dueAt: "2026-05-04T04:00:00Z", nowMs: NOW }), { key: "left.hours", args: { n: 3 }, over: false });
  assert.deepEqual(timeLeft({ dueAt: "2026-05-02T01:00:00Z", nowMs: NOW }), { key: "over.days", args: { n: 2 }, over: true });
  assert.equal(timeLeft({ dueAt: null, nowMs: NOW }), null);
});

test("how fresh the list is", () => {
  assert.equal(freshness({ syncedMs: null, nowMs: NOW, online: true }), "never");
  assert.equal(freshness({ syncedMs: NOW - 60_000, nowMs: NOW, online: true }), "fresh");
  assert.equal(freshness({ syncedMs: NOW - 60_000, nowMs: NOW, online: false }), "stale");
  assert.equal(freshness({ syncedMs: NOW - 90_000_000, nowMs: NOW, online: true }), "old");
});

test("a point lies in a cell or in its hole", () => {
  const square = (d) => [[-d, -d], [d, -d], [d, d], [-d, d], [-d, -d]];
  const geometry = { type: "MultiPolygon", coordinates: [[square(2), square(1)]] };
  assert.equal(contains(geometry, { lng: 1.5, lat: 0 }), true);
  assert.equal(contains(geometry, { lng: 0.5, lat: 0 }), false);
  assert.equal(cellAt([{ geometry, properties: { code: "x" } }], { lng: 3, lat: 0 }), null);
});

test("metres and degrees are inverse to each other", () => {
  const origin = { lng: 108.94, lat: 34.26 };
  const point = { lng: 108.9512345, lat: 34.2712345 };
  assert.deepEqual(toDegrees(toMetres(point, origin), origin), point);
});

test("a fix of (0, 0) or without numbers is no place, an old or vague one is doubted", () => {
  assert.equal(fromFix({ longitude: 0, latitude: 0, accuracy: 5 }), null);
  assert.equal(fromFix({ longitude: NaN, latitude: 34, accuracy: 5 }), null);
  assert.deepEqual(fromFix({ longitude: 108.94, latitude: 34.26, accuracy: 7.6 }), { lng: 108.94, lat: 34.26, datum: "wgs84", accuracy_m: 8, source: "gps" });
  assert.equal(doubtful({ accuracyM: 5, fixMs: NOW - 130_000, nowMs: NOW }), "stale");
  assert.equal(doubtful({ accuracyM: 5000, fixMs: NOW, nowMs: NOW }), "vague");
  assert.equal(doubtful({ accuracyM: 8, fixMs: NOW, nowMs: NOW }), null);
});

test("ids are version 7 with the time in front, also when the clock stands before 1970", () => {
  const id = uuid7(0x0198aabbccdd, new Uint8Array(10).fill(255));
  assert.equal(id, "0198aabb-ccdd-7fff-bfff-ffffffffffff");
  assert.match(uuid7(-5, new Uint8Array(10)), /^00000000-0000-7000-8000-0{12}$/);
});

test("times stay within the years that the protocol takes, texts lose what would make an op malformed", () => {
  assert.equal(instant(Date.UTC(2200, 0, 1)), "2099-12-31T00:00:00.000Z");
  assert.equal(instant(NaN), "1970-01-01T00:00:00.000Z");
  assert.equal(wellFormed("a\ud83d\u0000b😀"), "ab😀");
  assert.equal(toBase64(new Uint8Array([0, 255, 16])), "AP8Q");
});
