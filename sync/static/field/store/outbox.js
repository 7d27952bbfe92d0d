/* Drafts, ops and photos of one person: every change in one transaction, whole or not at all. Clock and ids are passed in. */
import { outboxRow, reportOp } from "../rules/ops.js";
import { mayPullBack } from "../rules/queue.js";

const ALL = ["drafts", "ops", "photos", "blobs"];

/** Saves a draft's fields. A draft that was sent meanwhile (from another tab) is not brought back to life. */
export function saveDraft(store, { draft, isNew }) {
  return store.tx(["drafts"], "readwrite", async (t) => {
    if (!isNew && !(await t.get("drafts", draft.id))) return false;
    await t.put("drafts", draft);
    return true;
  });
}

/** Puts a shrunk photo beside a draft: row and bytes together. */
export function addPhoto(store, { photo, bytes }) {
  return store.tx(["photos", "blobs"], "readwrite", async (t) => {
    await t.put("blobs", { id: photo.id, bytes });
    await t.put("photos", photo);
  });
}

export function removePhoto(store, { id }) {
  return store.tx(["photos", "blobs"], "readwrite", async (t) => {
    await t.del("photos", id);
    await t.del("blobs", id);
  });
}

export function deleteDraft(store, { id }) {
  return store.tx(["drafts", "photos", "blobs"], "readwrite", async (t) => {
    for (const photo of await t.by("photos", "draft", id)) {
      await t.del("photos", photo.id);
      await t.del("blobs", photo.id);
    }
    await t.del("drafts", id);
  });
}

async function nextN(t) {
  return (await t.all("ops")).reduce((most, row) => Math.max(most, row.n), 0) + 1;
}

/** Turns a draft into a waiting op with its photos, in ONE transaction. False when the draft is gone: it was saved before. */
export function saveReport(store, { draft, opId, nowMs, title }) {
  return store.tx(ALL, "readwrite", async (t) => {
    if (!(await t.get("drafts", draft.id))) return false;
    const photos = (await t.by("photos", "draft", draft.id)).sort((a, b) => a.n - b.n);
    for (const photo of photos) {
      if (!(await t.get("blobs", photo.id))) throw new Error(`photo ${photo.id} has no bytes`);
    }
    const op = reportOp({ draft, photos, opId, nowMs });
    await t.put("ops", outboxRow({ op, n: await nextN(t), nowMs, title }));
    for (const photo of photos) await t.put("photos", { ...photo, draft: "", op_id: opId, incident: draft.incident, state: "waiting" });
    await t.del("drafts", draft.id);
    return true;
  });
}

/** Puts any other op into the outbox, with one photo where it carries one. */
export function addOp(store, { op, title, nowMs, photo = null, bytes = null }) {
  return store.tx(ALL, "readwrite", async (t) => {
    await t.put("ops", outboxRow({ op, n: await nextN(t), nowMs, title }));
    if (photo) {
      await t.put("blobs", { id: photo.id, bytes });
      await t.put("photos", { ...photo, draft: "", op_id: op.op_id, incident: op.incident, state: "waiting" });
    }
  });
}

/** Makes a draft of a report again: one that never left the phone, or one that was refused (it goes as a new op).
    Returns the draft's id, or null when it may not be pulled back (any more). */
export function pullBack(store, { opId, draftId, nowMs }) {
  return store.tx(ALL, "readwrite", async (t) => {
    const row = await t.get("ops", opId);
    if (!row || !mayPullBack(row)) return null;
    const { op } = row;
    await t.put("drafts", {
      id: draftId, incident: op.incident, made_ms: row.made_ms, changed_ms: nowMs, category: op.category,
      description: op.description || "", urgent: op.urgent, position: op.position || null, cell: op.cell || null, address: op.address || "",
    });
    for (const photo of await t.by("photos", "op_id", opId)) {
      await t.put("photos", { ...photo, draft: draftId, op_id: "", state: "draft", offset: 0, url: null });
    }
    await t.del("ops", opId);
    return draftId;
  });
}

/** "I have seen it": a refusal leaves the needs-you pile and stays readable among the sent. */
export function dismiss(store, { opId }) {
  return store.tx(["ops"], "readwrite", async (t) => {
    const row = await t.get("ops", opId);
    if (row) await t.put("ops", { ...row, hidden: true });
  });
}

/** Throws away an op that was refused, or that waits on a refused report, with its photos: only on the person's word. */
export function discard(store, { opId }) {
  return store.tx(ALL, "readwrite", async (t) => {
    for (const photo of await t.by("photos", "op_id", opId)) {
      await t.del("photos", photo.id);
      await t.del("blobs", photo.id);
    }
    await t.del("ops", opId);
  });
}

/** Makes everything that waits due now, for the "send now" button. */
export function hurry(store) {
  return store.tx(["ops", "photos"], "readwrite", async (t) => {
    for (const row of await t.all("ops")) if (row.state === "waiting" && row.next_ms) await t.put("ops", { ...row, next_ms: 0 });
    for (const photo of await t.all("photos")) if (photo.state === "due" && photo.next_ms) await t.put("photos", { ...photo, next_ms: 0 });
  });
}
