/* The server's records on the phone: pages of the feed written with their cursor in one transaction; reading what is shown. */
import { goneKeys, mayReplace, newFollow, nextSince, outsideKeys, planPage } from "../rules/feed.js";
import { freePhotos, fromRecord } from "../rules/photos.js";
import { freeOps, sendAgain } from "../rules/queue.js";

const FOLLOW = "follow";

export async function readFollow(store) {
  const row = await store.tx(["meta"], "readonly", (t) => t.get("meta", FOLLOW));
  return row ? row.value : newFollow();
}

/** Writes a page and the cursor behind it. False when another tab has gone on meanwhile: then the page is thrown away. */
export function writePage(store, { page, since, nowMs, userId }) {
  return store.tx(["a", "b", "meta", "ops", "photos", "blobs"], "readwrite", async (t) => {
    const held = await t.get("meta", FOLLOW);
    const follow = held ? held.value : newFollow();
    if (nextSince(follow) !== since) return false;
    const plan = planPage({ follow, page, nowMs });
    if (plan.outside) await dropOutside(t, { table: follow.active, scope: plan.outside, userId });
    if (plan.clear.includes(plan.target)) await t.clear(plan.target);
    for (const item of plan.order) {
      if (item.gone) await takeAway(t, { table: plan.target, change: item.gone, userId });
      else if (mayReplace(await t.get(plan.target, item.row.key), item.row)) await t.put(plan.target, item.row);
    }
    if (plan.clear.includes(follow.active) && plan.follow.active !== follow.active) await t.clear(follow.active);
    await t.put("meta", { key: FOLLOW, value: plan.follow });
    await tidyOwn(t, { plan, nowMs });
    return true;
  });
}

async function dropOutside(t, { table, scope, userId }) {
  for (const key of outsideKeys({ rows: await t.all(table), scope, userId })) await t.del(table, key);
}

async function takeAway(t, { table, change, userId }) {
  const children = change.type === "incident" ? await t.by(table, "incident", change.id) : [];
  for (const key of goneKeys({ change, children, userId })) await t.del(table, key);
}

/** What the page means for own ops and photos: their records, what may be freed, what must be sent again. */
async function tidyOwn(t, { plan, nowMs }) {
  const safeSeq = plan.follow.safe_seq;
  const shown = plan.follow.active;
  for (const row of plan.rows) {
    if (row.type !== "photo" || !row.record) continue;
    const photo = await t.get("photos", row.id);
    if (photo && photo.op_id) await t.put("photos", fromRecord({ photo, record: row.record, seq: row.seq, nowMs }));
  }
  if (plan.again) for (const row of sendAgain({ ops: await t.all("ops") })) await t.put("ops", row);
  if (plan.follow.loading || plan.again) return; // free nothing by the numbers of a history that is not loaded yet
  const ops = freeOps({ ops: await t.all("ops"), safeSeq, nowMs });
  for (const row of ops.freed) await t.put("ops", row);
  for (const id of ops.forgotten) await t.del("ops", id);
  const photos = (await t.all("photos")).filter((photo) => photo.op_id);
  const known = new Set();
  for (const photo of photos) if (await t.get(shown, `photo/${photo.id}`)) known.add(photo.id);
  for (const id of freePhotos({ photos, hasRecord: (photo) => known.has(photo), safeSeq, nowMs })) {
    const photo = photos.find((row) => row.id === id);
    await t.del("blobs", id);
    await t.put("photos", { ...photo, freed: true });
  }
}

/** The records of one type that are shown. */
export async function shownOf(store, type) {
  return store.tx(["a", "b", "meta"], "readonly", async (t) => {
    const held = await t.get("meta", FOLLOW);
    const rows = await t.by(held ? held.value.active : "a", "type", type);
    return rows.map((row) => row.record).filter(Boolean);
  });
}

/** One incident's record and all that hangs on it, by type. */
export async function caseOf(store, incident) {
  return store.tx(["a", "b", "meta"], "readonly", async (t) => {
    const held = await t.get("meta", FOLLOW);
    const table = held ? held.value.active : "a";
    const own = await t.get(table, `incident/${incident}`);
    const parts = { record: own ? own.record : null, event: [], photo: [], check: [], assignment: [], conflict: [] };
    for (const row of await t.by(table, "incident", incident)) if (parts[row.type]) parts[row.type].push(row.record);
    return parts;
  });
}

/** Digest lines of the shown store. */
export async function shownKeys(store) {
  return store.tx(["a", "b", "meta"], "readonly", async (t) => {
    const held = await t.get("meta", FOLLOW);
    return (await t.all(held ? held.value.active : "a")).map(({ type, id, seq }) => ({ type, id, seq }));
  });
}

/** Starts a fresh load at the next poll; what is shown stays until it is complete. */
export function forgetCursor(store) {
  return store.tx(["meta"], "readwrite", async (t) => {
    const held = await t.get("meta", FOLLOW);
    const follow = held ? held.value : newFollow();
    await t.put("meta", { key: FOLLOW, value: { ...follow, cursor: null, loading: null } });
  });
}

/** Takes the server's records off the phone (log-off); drafts, outbox and photos stay for their author. */
export function clearRecords(store) {
  return store.tx(["a", "b", "meta", "maps"], "readwrite", async (t) => {
    for (const table of ["a", "b", "maps"]) await t.clear(table);
    await t.del("meta", FOLLOW);
  });
}

export async function readMeta(store, key, otherwise = null) {
  const row = await store.tx(["meta"], "readonly", (t) => t.get("meta", key));
  return row ? row.value : otherwise;
}

export function writeMeta(store, key, value) {
  return store.tx(["meta"], "readwrite", (t) => t.put("meta", { key, value }));
}

/** The outbox as a whole: {ops, photos, drafts}. */
export function readOutbox(store) {
  return store.tx(["ops", "photos", "drafts"], "readonly", async (t) => {
    const [ops, photos, drafts] = [await t.all("ops"), await t.all("photos"), await t.all("drafts")];
    return { ops: ops.sort((a, b) => a.n - b.n), photos: photos.sort((a, b) => a.n - b.n), drafts };
  });
}
