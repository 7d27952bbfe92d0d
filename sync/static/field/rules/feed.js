/* Following the feed (protocol §4): what a page does to the two record stores. Pure: reads nothing, returns a plan that
   store and net carry out in one transaction together with the new cursor. */

const KNOWN = new Set(["incident", "event", "photo", "check", "assignment", "conflict", "notice", "place", "unit", "category"]);
const GO_WITH_INCIDENT = new Set(["event", "photo", "assignment"]);
const HOUR_MS = 3_600_000;

export const rowKey = (type, id) => `${type}/${id}`;

/** A new follower: nothing loaded, `a` is what screens read, the first load fills `b`. */
export function newFollow() {
  return { active: "a", cursor: null, loading: null, seen_seq: 0, safe_seq: 0, stored_seq: 0, synced_ms: null, resets: [], scope: null };
}

/** Where the next request goes on: `since` is null for a first load. */
export const nextSince = (follow) => (follow.loading ? follow.loading.cursor : follow.cursor);

/** Plan of a page: {target, clear: [stores], rows, gone, outside, follow, again}. `rows` and `gone` are in feed order.
    `outside`: drop from the store that is shown what lies outside this scope, before page 2. `again`: send kept ops again. */
export function planPage({ follow, page, nowMs }) {
  const other = follow.active === "a" ? "b" : "a";
  const fresh = Boolean(page.reset) || (!follow.cursor && !follow.loading);
  const loading = fresh || Boolean(follow.loading);
  const target = loading ? other : follow.active;
  const next = { ...follow, safe_seq: page.safe_seq || 0, stored_seq: page.stored_seq || 0 };
  const clear = fresh ? [other] : [];
  if (page.reset) {
    next.resets = [...follow.resets.filter((ms) => nowMs - ms < HOUR_MS), nowMs];
    next.scope = page.scope || null;
    next.seen_seq = page.reset === "scope" ? follow.seen_seq : 0;
  }
  if (loading && page.more) next.loading = { cursor: page.cursor };
  else {
    if (loading) {
      next.active = other;
      clear.push(follow.active);
    }
    next.loading = null;
    next.cursor = page.cursor;
  }
  if (!page.more) {
    next.synced_ms = nowMs;
    next.seen_seq = page.stored_seq || 0;
  }
  return {
    target, clear, follow: next,
    rows: page.changes.filter((change) => !change.gone).map(toRow),
    gone: page.changes.filter((change) => change.gone),
    order: page.changes.map((change) => (change.gone ? { gone: change } : { row: toRow(change) })),
    outside: page.reset ? page.scope || [] : null,
    again: page.reset === "epoch" || page.reset === "history",
  };
}

/** The stored form of a change. Of unknown types only type, id and seq are kept, so that the digest still agrees. */
export function toRow(change) {
  const base = { key: rowKey(change.type, change.id), type: change.type, id: change.id, seq: change.seq };
  if (!KNOWN.has(change.type)) return { ...base, incident: null, record: null };
  return { ...base, incident: (change.record && change.record.incident) || null, record: change.record };
}

/** True when a row may replace what is held: an older page must never overwrite a newer record. */
export const mayReplace = (held, row) => !held || held.seq <= row.seq;

/** Keys to delete for one `gone`. Of an incident it takes events, photos and assignments with it, and its checks unless
    they are given to the reader; conflicts and notices go by their own. `children` are the rows of that incident. */
export function goneKeys({ change, children, userId }) {
  const keys = [rowKey(change.type, change.id)];
  if (change.type !== "incident") return keys;
  for (const row of children) {
    if (GO_WITH_INCIDENT.has(row.type)) keys.push(row.key);
    if (row.type === "check" && !(row.record && row.record.worker === userId)) keys.push(row.key);
  }
  return keys;
}

/** Keys of a shown store that lie outside a new scope. One's own reports stay (the author keeps seeing them);
    what cannot be placed goes, since the fresh load brings it back where it may be seen. */
export function outsideKeys({ rows, scope, userId }) {
  if (scope.some((part) => part.level === "city")) return [];
  const places = new Map(rows.filter((row) => row.type === "place" && row.record).map((row) => [row.id, row.record]));
  const inside = (record) => {
    if (record.by && record.by.user === userId) return true;
    if (!record.cell) return false;
    const place = places.get(record.cell.id);
    const path = place ? [place.id, place.code, ...asList(place.path)] : [record.cell.id, record.cell.code];
    return scope.some((part) => path.includes(part.id) || path.includes(part.code));
  };
  const away = new Set(rows.filter((row) => row.type === "incident" && row.record && !inside(row.record)).map((row) => row.id));
  const mine = (record) => record && (record.by === userId || record.worker === userId);
  return rows
    .filter((row) => (row.type === "incident" && away.has(row.id)) || (away.has(row.incident) && row.type !== "notice" && !mine(row.record)))
    .map((row) => row.key);
}

function asList(path) {
  if (Array.isArray(path)) return path.map((part) => (part && typeof part === "object" ? part.code || part.id : part));
  return typeof path === "string" ? path.split(/[/.]/).filter(Boolean) : [];
}

/** Three resets within an hour: how long to stop following, in ms (0 = go on). */
export function pauseAfterResets({ resets, nowMs }) {
  const recent = resets.filter((ms) => nowMs - ms < HOUR_MS);
  return recent.length >= 3 ? Math.max(0, recent.at(-1) + HOUR_MS / 4 - nowMs) : 0;
}

/** The text whose SHA-256 is the digest: lines `type id seq`, sorted as bytes (protocol §4.8). */
export function digestText(rows) {
  const lines = rows.map((row) => `${row.type} ${row.id} ${row.seq}\n`);
  return lines.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)).join("");
}
