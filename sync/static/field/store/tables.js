/* The tables of one person's store, and what goes wrong with stores. Names nothing of IndexedDB: memory.js has the same ones.
   The outbox (drafts, ops, photos, blobs) must stay readable by the version before: add tables and keys, never rename. */

export const VERSION = 1;

/** name → {key, indexes}. `a` and `b` are the two record stores: one is shown, the other is filled by a fresh load. */
export const TABLES = {
  drafts: { key: "id", indexes: [] },
  ops: { key: "op_id", indexes: [] },
  photos: { key: "id", indexes: ["op_id", "draft"] },
  blobs: { key: "id", indexes: [] },
  a: { key: "key", indexes: ["type", "incident"] },
  b: { key: "key", indexes: ["type", "incident"] },
  meta: { key: "key", indexes: [] },
  maps: { key: "key", indexes: [] },
};

/** A write that has not called back in time: the screen must say "not saved". */
export class NotSaved extends Error {
  constructor(reason) {
    super(`not saved: ${reason}`);
    this.name = "NotSaved";
    this.reason = reason;
  }
}

/** The promise's value, or `NotSaved` when the store has not answered within `ms` (a transaction that never calls back). */
export function within(promise, { ms = 10_000, setTimeout, clearTimeout }) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new NotSaved("timeout")), ms);
  });
  const told = promise.catch((error) => {
    throw error instanceof NotSaved ? error : new NotSaved(error && error.name === "QuotaExceededError" ? "quota" : String(error && error.message));
  });
  return Promise.race([told, limit]).finally(() => clearTimeout(timer));
}
