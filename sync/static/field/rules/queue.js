/* The outbox: what to send next, and what an answer means. Pure: rows and times in, changed rows out.
   A row leaves `waiting` only by a final answer that names its op id; nothing else ever takes an op out of the queue. */
import { opWait } from "./backoff.js";

const DAY_MS = 86_400_000;
export const KEEP_MS = 7 * DAY_MS;
export const KEEP_BYTES = 200 * 1024 * 1024;
export const SHOWN_MS = 30 * DAY_MS;
export const ASK_AFTER_TRIES = 3;
const PUSH = { ops: 200, bytes: 1024 * 1024 - 4096 };
const FINAL = new Set(["applied", "merged", "conflict", "refused"]);
const NO_RECEIPT = new Set(["malformed", "op_too_large", "op_id_reused"]);

export const isWaiting = (row) => row.state === "waiting";

/** How many ops and photos this phone holds and the server has not: what each push tells. */
export function counts({ ops, photos }) {
  return {
    queued: ops.filter(isWaiting).length,
    photos_waiting: photos.filter((photo) => photo.op_id && ["waiting", "due"].includes(photo.state)).length,
  };
}

/** The report that an op on an incident not born yet must name; null when nothing needs naming. */
function bornBy(row, ops) {
  if (row.kind === "incident.report" || !row.incident) return null;
  const reports = ops.filter((other) => other.kind === "incident.report" && other.incident === row.incident);
  return reports.find(isWaiting) || reports.find((other) => other.op && other.state !== "refused") || reports.at(-1) || null;
}

/** Why a waiting row cannot go yet, by no fault of the line: its report was refused. It waits until the report is mended. */
export function heldBack(row, ops) {
  const report = bornBy(row, ops);
  return Boolean(isWaiting(row) && report && report.state === "refused");
}

/** The ops of the next push, in order, as they go out (with `after`). Ops on one incident keep their order:
    nothing overtakes an earlier op of the same incident that is still waiting for its time. `limit` halves after a 413. */
export function nextPush({ ops, nowMs, limit = PUSH.ops, force = false }) {
  const out = [];
  const blocked = new Set();
  const postponed = new Set();
  let bytes = 0;
  for (const row of ops.filter(isWaiting).sort((a, b) => a.n - b.n)) {
    if (out.length >= Math.min(limit, PUSH.ops)) break;
    const due = force || row.next_ms <= nowMs;
    if (blocked.has(row.subject) || !due || heldBack(row, ops)) {
      blocked.add(row.subject);
      continue;
    }
    const report = bornBy(row, ops);
    if (postponed.has(row.subject) && report) continue;
    if (report && isWaiting(report) && report.n > row.n) {
      postponed.add(row.subject); // a mended report was written later than what hangs on it: it goes first, they follow
      continue;
    }
    const wire = row.op.kind === "incident.report" || row.op.kind === "conflict.resolve"
      ? row.op
      : { ...row.op, after: report && report.op ? [report.op_id] : [] };
    const size = new TextEncoder().encode(JSON.stringify(wire)).length + 1;
    if (out.length && bytes + size > PUSH.bytes) break;
    bytes += size;
    out.push(wire);
  }
  return out;
}

/** When the next op or photo may be tried, in ms; null when none waits for a time. */
export function nextTime({ ops, photos, nowMs }) {
  const times = [
    ...ops.filter((row) => isWaiting(row) && !heldBack(row, ops)).map((row) => row.next_ms),
    ...photos.filter((photo) => photo.state === "due").map((photo) => photo.next_ms || 0),
  ];
  return times.length ? Math.max(nowMs, Math.min(...times)) : null;
}

/** True when the body is an answer to this push: JSON with `answers` that echo at least one op id that was sent.
    (A captive portal's page is not, whatever its status.) An empty push is answered by an empty list. */
export function isAnswer(body, sentIds) {
  if (!body || typeof body !== "object" || !Array.isArray(body.answers)) return false;
  if (sentIds.length === 0) return true;
  return body.answers.some((answer) => answer && sentIds.includes(answer.op_id));
}

/** Rows and photos changed by the answers of a push. Rows without an answer of theirs stay as they were, to be tried again. */
export function takeAnswers({ ops, photos, sentIds, body, nowMs, random }) {
  const changedOps = [];
  const changedPhotos = [];
  const byId = new Map(body.answers.filter(Boolean).map((answer) => [answer.op_id, answer]));
  for (const row of ops) {
    if (!sentIds.includes(row.op_id)) continue;
    const answer = byId.get(row.op_id);
    if (!answer || !(FINAL.has(answer.outcome) || answer.outcome === "retry")) {
      changedOps.push(tryLater(row, { nowMs, random, problem: "no_answer" }));
    } else if (answer.outcome === "retry") {
      const askedMs = 1000 * ((answer.details && answer.details.retry_after_s) || answer.retry_after_s || 0);
      changedOps.push(tryLater(row, { nowMs, random, askedMs, problem: answer.code || "retry" }));
    } else {
      changedOps.push({ ...row, state: answer.outcome, answer, answered_ms: nowMs, sent_ms: row.sent_ms || nowMs, tries: 0, problem: null, hidden: false });
      changedPhotos.push(...photosAfterAnswer({ row, answer, photos, nowMs }));
    }
  }
  return { ops: changedOps, photos: changedPhotos };
}

function tryLater(row, { nowMs, random, askedMs = 0, problem }) {
  const tries = row.tries + 1;
  return { ...row, tries, sent_ms: row.sent_ms || nowMs, next_ms: nowMs + opWait({ tries, random, askedMs }), problem };
}

function photosAfterAnswer({ row, answer, photos, nowMs }) {
  const own = photos.filter((photo) => photo.op_id === row.op_id && !photo.freed);
  if (answer.outcome === "refused") return own.map((photo) => ({ ...photo, state: "held" }));
  const missing = new Set(answer.missing_photos || []);
  return own.flatMap((photo) => {
    // Missing counts even for what was stored once: a restored server may have lost it.
    if (missing.has(photo.sha256)) return [{ ...photo, state: "due", offset: 0, url: null, tries: 0, next_ms: 0, reason: null, seq: null, stored_ms: null }];
    return photo.state === "stored" ? [] : [{ ...photo, state: "sent", sent_ms: photo.sent_ms || nowMs }];
  });
}

/** Rows after a 403 `account_closed`: the named ops are final, the rest stays. */
export function takeClosed({ ops, photos, taken, missing, nowMs }) {
  const names = new Set(taken || []);
  const changed = ops.filter((row) => names.has(row.op_id) && isWaiting(row)).map((row) => ({ ...row, state: "taken", answered_ms: nowMs }));
  const changedPhotos = changed.flatMap((row) => photosAfterAnswer({ row, answer: { outcome: "conflict", missing_photos: missing || [] }, photos, nowMs }));
  return { ops: changed, photos: changedPhotos };
}

/** After a reset of `epoch` or `history`: what was sent and is still kept goes again, since the server may have lost it.
    Refusals and what the server never kept a receipt of are not repeated. */
export function sendAgain({ ops }) {
  return ops
    .filter((row) => row.op && ["applied", "merged", "conflict"].includes(row.state))
    .map((row) => ({ ...row, state: "waiting", tries: 0, next_ms: 0, again: true }));
}

/** Rows whose op need not be kept any more (safe, or 7 days, or over 200 MB the oldest first), and rows to forget wholly (30 days).
    A freed row stays as a line of the "sent" pile, without its op. */
export function freeOps({ ops, safeSeq, nowMs }) {
  const done = ops.filter((row) => row.op && !isWaiting(row) && row.state !== "refused").sort((a, b) => a.answered_ms - b.answered_ms);
  let kept = done.reduce((sum, row) => sum + row.bytes, 0);
  const freed = [];
  for (const row of done) {
    const seq = row.answer && row.answer.seq;
    const safe = seq !== null && seq !== undefined && seq <= safeSeq;
    if (safe || nowMs - row.answered_ms >= KEEP_MS || kept > KEEP_BYTES) {
      kept -= row.bytes;
      freed.push({ ...row, op: null });
    }
  }
  const forgotten = ops.filter((row) => !row.op && row.answered_ms && nowMs - row.answered_ms >= SHOWN_MS).map((row) => row.op_id);
  return { freed, forgotten };
}

/** Which of the four piles a row lies in: `waiting`, `needs`, `sent`. A photo that was refused needs the person too. */
export function pile(row, ops, photos = []) {
  if (isWaiting(row)) return row.tries >= ASK_AFTER_TRIES || heldBack(row, ops) ? "needs" : "waiting";
  const bad = row.state === "refused" || photos.some((photo) => photo.op_id === row.op_id && photo.state === "refused");
  return bad && !row.hidden ? "needs" : "sent";
}

/** How many ops have waited three days or more, and for how many days the oldest: phones wipe what is not used. */
export function longWaiting({ ops, nowMs }) {
  const old = ops.filter((row) => isWaiting(row) && nowMs - row.made_ms >= 3 * DAY_MS);
  return { n: old.length, days: old.length ? Math.floor((nowMs - Math.min(...old.map((row) => row.made_ms))) / DAY_MS) : 0 };
}

/** A report that never left the phone may be pulled back to a draft; a refused op may be mended as a new one. */
export function mayPullBack(row) {
  return row.kind === "incident.report" && Boolean(row.op) && ((isWaiting(row) && row.sent_ms === null) || row.state === "refused");
}

/** True when the server keeps no receipt of this refusal. */
export const withoutReceipt = (row) => row.state === "refused" && Boolean(row.answer) && NO_RECEIPT.has(row.answer.code);
