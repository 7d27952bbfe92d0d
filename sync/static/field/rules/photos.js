/* A photo's way to the server: what it shows, when it may be sent, when the phone may free it (protocol §5.6). Pure.
   States of a row: draft, waiting (its op is not answered), due, sent, stored, refused, held (its op was refused). */
import { KEEP_BYTES, KEEP_MS } from "./queue.js";
import { opWait } from "./backoff.js";

export const CHUNK = 256 * 1024;

/** The photos to upload now, oldest op first. */
export function duePhotos({ photos, nowMs, force = false }) {
  return photos.filter((photo) => photo.state === "due" && (force || (photo.next_ms || 0) <= nowMs)).sort((a, b) => a.n - b.n);
}

/** Percent of the bytes that the server has acknowledged. */
export const percent = (photo) => (photo.size ? Math.floor((100 * (photo.offset || 0)) / photo.size) : 0);

/** A row after its upload stopped: `problem` is a code; final ones need the person, others are tried again. */
export function stopped({ photo, problem, final, nowMs, random, askedMs = 0 }) {
  if (final) return { ...photo, state: "refused", reason: problem };
  const tries = (photo.tries || 0) + 1;
  return { ...photo, tries, next_ms: nowMs + opWait({ tries, random, askedMs }), reason: problem };
}

/** A row after the feed brought its record. */
export function fromRecord({ photo, record, seq, nowMs }) {
  if (record.state === "stored") return { ...photo, state: "stored", seq, stored_ms: photo.stored_ms || nowMs, offset: photo.size, reason: null };
  if (record.state === "rejected") return { ...photo, state: "refused", reason: record.reason || record.state, seq };
  if (record.state === "withdrawn") return { ...photo, state: "withdrawn", reason: null, seq };
  if (record.state === "received" && photo.state !== "stored") return { ...photo, state: "sent", offset: photo.size, sent_ms: photo.sent_ms || nowMs };
  return photo;
}

/** Ids of photos whose bytes may go: stored and safe, or 7 days after stored, or over 200 MB the oldest stored first;
    and those that were sent whole 7 days ago, but whose record this phone does not get (handed over, out of scope). */
export function freePhotos({ photos, hasRecord, safeSeq, nowMs }) {
  const out = new Set();
  const held = photos.filter((photo) => !photo.freed);
  let bytes = held.reduce((sum, photo) => sum + (photo.size || 0), 0);
  for (const photo of held.filter((row) => row.state === "stored").sort((a, b) => a.stored_ms - b.stored_ms)) {
    if ((photo.seq && photo.seq <= safeSeq) || nowMs - photo.stored_ms >= KEEP_MS || bytes > KEEP_BYTES) {
      out.add(photo.id);
      bytes -= photo.size || 0;
    }
  }
  for (const photo of held) {
    if (photo.state === "sent" && !hasRecord(photo.id) && photo.sent_ms && nowMs - photo.sent_ms >= KEEP_MS) out.add(photo.id);
  }
  return [...out];
}
