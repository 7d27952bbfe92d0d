/* Making ops from what a person did on a screen. Pure: ids and times come in. An op never changes after it was made;
   what belongs to sending (`after`) is added on the way out, by rules/queue.js. */
import { instant, wellFormed } from "./ids.js";

/** Limits that the form checks before an op is made (protocol §2); the server's own are read from `sync/limits`. */
export const LIMITS = { description: 1000, comment: 2000, photos_per_op: 20 };

/** What keeps a draft from being saved: a list of i18n keys, empty when it can go. */
export function draftProblems({ draft, photos }) {
  const problems = [];
  if (!draft.category) problems.push("report.needs_category");
  if (!draft.position && !draft.cell) problems.push("report.needs_place");
  if (!(draft.description || "").trim() && photos.length === 0) problems.push("report.needs_text_or_photo");
  if ([...(draft.description || "")].length > LIMITS.description) problems.push("report.text_too_long");
  if (photos.length > LIMITS.photos_per_op) problems.push("report.too_many_photos");
  return problems;
}

/** The op of a report. `position` has its datum; a chosen cell goes alone (its inner point counts). */
export function reportOp({ draft, photos, opId, nowMs }) {
  const op = {
    op_id: opId, kind: "incident.report", at: instant(nowMs), incident: draft.incident, category: draft.category,
    urgent: Boolean(draft.urgent),
  };
  const text = wellFormed(draft.description || "").trim();
  if (text) op.description = text;
  if (draft.position) op.position = { ...draft.position };
  else op.cell = draft.cell;
  if ((draft.address || "").trim()) op.address = wellFormed(draft.address).trim();
  if (photos.length) op.photos = photos.map(declaration);
  return op;
}

function declaration(photo) {
  return {
    photo: photo.id, sha256: photo.sha256, size: photo.size, stage: photo.stage || "before", taken_at: instant(photo.taken_ms),
  };
}

/** The op of an edit. `base` holds what the author's screen showed, not the server's own record. */
export function editOp({ incident, baseVersion, base, fields, opId, nowMs }) {
  return { op_id: opId, kind: "incident.edit", at: instant(nowMs), incident, base_version: baseVersion, base, fields };
}

export function commentOp({ incident, comment, text, opId, nowMs }) {
  return {
    op_id: opId, kind: "incident.comment", at: instant(nowMs), incident, comment, text: wellFormed(text).trim(), visibility: "internal",
  };
}

/** The op that drops one's own parked value. */
export function takeServersOp({ conflict, baseVersion, opId, nowMs }) {
  return { op_id: opId, kind: "conflict.resolve", at: instant(nowMs), conflict, take: "server", base_version: baseVersion };
}

/** The op that adds one photo to a case. */
export function photoOp({ incident, photo, opId, nowMs }) {
  return { op_id: opId, kind: "photo.add", at: instant(nowMs), incident, ...declaration(photo) };
}

/** The row of the outbox that holds an op. `n` orders the ops of this phone, it identifies nothing. */
export function outboxRow({ op, n, nowMs, title }) {
  return {
    op_id: op.op_id, n, kind: op.kind, incident: op.incident || null, subject: op.incident || op.conflict || op.op_id, title,
    op, made_ms: nowMs, state: "waiting", tries: 0, next_ms: 0, sent_ms: null, answer: null, answered_ms: null, problem: null,
    again: false, hidden: false, bytes: JSON.stringify(op).length,
  };
}
