/* Photos to the server: tus 1.0.0 (core, creation, checksum), pieces of at most 256 KiB, each with its SHA-256.
   After any break it asks the server where it stands and goes on from there. */
import { toBase64 } from "../rules/ids.js";
import { retryAfterMs } from "../rules/backoff.js";
import { CHUNK, duePhotos, stopped } from "../rules/photos.js";
import { trouble } from "./api.js";

const TUS = { "Tus-Resumable": "1.0.0" };
const FINAL_CODES = new Set(["altered_on_the_way", "too_large", "size_mismatch", "checksum_unknown"]);

/** Uploads all photos that are due, one after another. → {trouble, waitMs, sent}. `progress(id, percent)` while sending. */
export async function uploadDue({ api, store, clock, random, digest, progress = () => {} }) {
  const result = { trouble: null, waitMs: 0, sent: 0 };
  const tried = new Set();
  for (;;) {
    const photos = await store.tx(["photos"], "readonly", (t) => t.all("photos"));
    const photo = duePhotos({ photos, nowMs: clock() }).find((row) => !tried.has(row.id));
    if (!photo) return result;
    tried.add(photo.id);
    const held = await store.tx(["blobs"], "readonly", (t) => t.get("blobs", photo.id));
    if (!held) {
      await keep(store, photo, (row) => ({ ...row, state: "refused", reason: "bytes_gone" }));
      continue;
    }
    const end = await uploadOne({ api, store, photo, bytes: held.bytes, digest, progress, clock });
    if (end.done) {
      result.sent += 1;
      continue;
    }
    await keep(store, photo, (row) => stopped({ photo: row, problem: end.problem, final: end.final, nowMs: clock(), random: random(), askedMs: end.waitMs }));
    if (end.trouble && end.trouble !== "later") return { ...result, trouble: end.trouble };
  }
}

/** Changes a photo row, unless the feed or the person changed its state meanwhile. */
function keep(store, photo, change) {
  return store.tx(["photos"], "readwrite", async (t) => {
    const row = await t.get("photos", photo.id);
    if (row && row.state === "due") await t.put("photos", change(row));
  });
}

async function uploadOne({ api, store, photo, bytes, digest, progress, clock }) {
  let { url } = photo;
  let offset = photo.offset || 0;
  const failed = (answer, problem) => ({
    done: false, problem: (answer.body && answer.body.code) || problem, trouble: trouble(answer),
    final: FINAL_CODES.has(answer.body && answer.body.code), waitMs: retryAfterMs(answer.header("Retry-After"), clock()),
  });
  if (url) {
    const at = await api.call("HEAD", url, { headers: TUS });
    const told = Number(at.header("Upload-Offset"));
    if ((at.status === 200 || at.status === 204) && Number.isInteger(told)) offset = told;
    else if (at.status === 404 || at.status === 410) url = null;
    else return failed(at, "upload_unknown");
  }
  if (!url) {
    const metadata = [["sha256", photo.sha256], ["filename", `${photo.id}.jpg`]].map(([key, value]) => `${key} ${btoa(value)}`).join(",");
    const made = await api.call("POST", "sync/photos/", { headers: { ...TUS, "Upload-Length": String(photo.size), "Upload-Metadata": metadata } });
    const place = made.header("Location");
    if (made.status !== 201 || !place) return failed(made, "not_created");
    url = new URL(place, new URL("/api/v1/sync/photos/", globalThis.location ? globalThis.location.href : "http://localhost/")).pathname;
    offset = 0;
    await keep(store, photo, (row) => ({ ...row, url, offset }));
  }
  while (offset < bytes.byteLength) {
    const piece = bytes.slice(offset, offset + CHUNK);
    const headers = {
      ...TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset),
      "Upload-Checksum": `sha256 ${toBase64(new Uint8Array(await digest(piece)))}`,
    };
    const answer = await api.call("PATCH", url, { headers, body: piece, ms: 120_000 });
    if (answer.status !== 204) {
      if (answer.status === 404 || answer.status === 410) await keep(store, photo, (row) => ({ ...row, url: null, offset: 0 }));
      return failed(answer, "stopped");
    }
    const told = Number(answer.header("Upload-Offset"));
    offset = Number.isInteger(told) && told > offset ? told : offset + piece.byteLength;
    const now = offset;
    await keep(store, photo, (row) => ({ ...row, url, offset: now, tries: 0, reason: null }));
    progress(photo.id, Math.floor((100 * offset) / bytes.byteLength));
  }
  await keep(store, photo, (row) => ({ ...row, state: "sent", offset: photo.size, sent_ms: clock(), reason: null }));
  return { done: true };
}
