// A line to a server that exists only in this process: it speaks the protocol's shapes for ops, feed and photos, keeps
// what it is told, and can fail in the ways that lines fail. And a phone on it: the app's own store, sync loop and api.
import { createHash, webcrypto } from "node:crypto";
import { makeApi } from "../../sync/static/field/net/api.js";
import { makeSync } from "../../sync/static/field/net/sync.js";
import { uuid7 } from "../../sync/static/field/rules/ids.js";
import { openMemory } from "../../sync/static/field/store/memory.js";
import { readFollow, readOutbox } from "../../sync/static/field/store/records.js";

const json = (status, body, headers = {}) => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });
const sha256 = (bytes) => createHash("sha256").update(bytes).digest();

export function makeServer() {
  const server = {
    epoch: "e1", seq: 0, feed: new Map(), receipts: new Map(), declared: new Map(), uploads: new Map(), bytes: new Map(), pushes: [], calls: 0,
    trouble: null, safe: 0, answerOf: null, sessionUser: "me", dropAfter: null,
  };

  server.change = (type, id, record) => {
    server.seq += 1;
    server.feed.set(`${type}/${id}`, { seq: server.seq, type, id, record: { id, ...record } });
    return server.seq;
  };

  function carryOut(op) {
    if (server.receipts.has(op.op_id)) return { ...server.receipts.get(op.op_id), repeated: true, missing_photos: missing(op) };
    const answer = { op_id: op.op_id, outcome: "applied", repeated: false, code: null, message: null, details: null, warnings: [], incident: op.incident, version: 1, seq: null, number: null, cell: null, missing_photos: [], conflicts: [], ...server.answerOf?.(op) };
    if (answer.outcome === "retry") return answer;
    if (answer.outcome === "applied") {
      answer.seq = server.change("incident", op.incident, { version: 1, state: "reported", category: op.category, description: op.description || "", received_at: "2026-05-04T00:00:00Z", by: { user: server.sessionUser } });
      for (const photo of op.photos || []) {
        server.declared.set(photo.sha256, photo);
        server.change("photo", photo.photo, { incident: op.incident, state: "declared", sha256: photo.sha256 });
      }
    }
    server.receipts.set(op.op_id, answer);
    return { ...answer, missing_photos: missing(op) };
  }

  const missing = (op) => (op.photos || []).map((photo) => photo.sha256).filter((hash) => !server.bytes.has(hash));

  function changes(url) {
    const since = url.searchParams.get("since");
    const limit = Number(url.searchParams.get("limit"));
    const [epoch, at] = since ? since.split(":") : [server.epoch, "0"];
    const reset = since && epoch !== server.epoch ? "epoch" : null;
    const from = reset ? 0 : Number(at);
    const rows = [...server.feed.values()].filter((row) => row.seq > from).sort((a, b) => a.seq - b.seq);
    const page = rows.slice(0, limit);
    const more = rows.length > page.length;
    return { changes: page, cursor: `${server.epoch}:${more ? page.at(-1).seq : server.seq}`, more, reset, stored_seq: server.seq, safe_seq: server.safe, server_time: "2026-05-04T00:00:00Z", ...(reset ? { scope: [{ id: null, code: null, level: "city" }] } : {}) };
  }

  async function photos(method, path, request) {
    const head = (name) => request.headers[name];
    if (method === "POST") {
      const [, hash] = /sha256 (\S+?)(?:,|$)/.exec(head("Upload-Metadata"));
      const sha = Buffer.from(hash, "base64").toString();
      if (!server.declared.has(sha)) return json(409, { code: "not_declared" });
      const id = `u${server.uploads.size + 1}`;
      server.uploads.set(id, { sha, size: Number(head("Upload-Length")), bytes: Buffer.alloc(0) });
      return new Response(null, { status: 201, headers: { Location: `/api/v1/sync/photos/${id}` } });
    }
    const upload = server.uploads.get(path.split("/").pop());
    if (!upload) return new Response(null, { status: 404 });
    if (method === "HEAD") return new Response(null, { status: 200, headers: { "Upload-Offset": String(upload.bytes.length) } });
    if (Number(head("Upload-Offset")) !== upload.bytes.length) return json(409, { code: "wrong_offset" });
    const piece = Buffer.from(request.body);
    if (head("Upload-Checksum") !== `sha256 ${sha256(piece).toString("base64")}`) return json(460, { code: "checksum_mismatch" });
    upload.bytes = Buffer.concat([upload.bytes, piece]);
    if (server.dropAfter !== null && (server.dropAfter -= 1) < 0) {
      server.dropAfter = null;
      throw new TypeError("connection reset"); // stored, but the answer is lost
    }
    if (upload.bytes.length === upload.size) {
      if (sha256(upload.bytes).toString("hex") !== upload.sha) return json(460, { code: "checksum_mismatch" });
      server.bytes.set(upload.sha, upload.bytes);
      const photo = server.declared.get(upload.sha);
      server.change("photo", photo.photo, { incident: photo.incident, state: "stored", sha256: upload.sha });
    }
    return new Response(null, { status: 204, headers: { "Upload-Offset": String(upload.bytes.length) } });
  }

  server.fetch = async (href, request) => {
    server.calls += 1;
    const url = new URL(href);
    const path = url.pathname.replace("/api/v1/", "");
    const failure = server.trouble?.(request.method, path);
    if (failure === "no line") throw new TypeError("Failed to fetch");
    if (failure) return failure;
    if (path === "me") return json(200, { user: { id: server.sessionUser, username: "w", name: "W", language: "en" }, memberships: [], device: { queued: 0, photos_waiting: 0, told_at: null }, protocol: [1] });
    if (path === "sync/changes") return json(200, changes(url));
    if (path === "sync/digest") return json(409, { code: "moved_on" });
    if (path.startsWith("sync/photos/")) return photos(request.method, path, request);
    if (path === "sync/ops") {
      const body = JSON.parse(request.body);
      server.pushes.push(body);
      const answers = body.ops.map(carryOut);
      if (server.loseAnswer) {
        server.loseAnswer = false;
        throw new TypeError("connection reset");
      }
      return json(200, { answers, stored_seq: server.seq, safe_seq: server.safe, server_time: "2026-05-04T00:00:00Z" });
    }
    return json(404, { code: "not_found" });
  };
  return server;
}

/** A phone whose clock and timers are the test's: `phone.run()` does one round, time goes on only by `phone.wait`. */
export function makePhone(server, { store = openMemory(`phone-${Math.random()}`), userId = "me", cookie = () => "csrftoken=one", owner = null } = {}) {
  const phone = { store, ms: Date.UTC(2026, 4, 4), troubles: [], timer: null };
  const api = makeApi({ fetch: server.fetch, cookies: cookie, language: () => "en", userId, owner, base: "http://server/api/v1/", timeout: () => undefined });
  phone.sync = makeSync({
    api, store, userId, onTrouble: (kind) => phone.troubles.push(kind),
    env: {
      clock: () => phone.ms, random: () => 0.5, lock: (_, work) => work(), digest: (bytes) => webcrypto.subtle.digest("SHA-256", bytes),
      setTimeout: (work, ms) => (phone.timer = { work, ms }), clearTimeout: () => (phone.timer = null),
    },
  });
  phone.newId = () => uuid7(phone.ms, webcrypto.getRandomValues(new Uint8Array(10)));
  phone.run = () => phone.sync.wake();
  phone.wait = (ms) => (phone.ms += ms);
  phone.outbox = () => readOutbox(store);
  phone.follow = () => readFollow(store);
  return phone;
}

export const picture = (seed, size) => {
  const bytes = new Uint8Array(size).map((_, i) => (i * 31 + seed * 7) % 251);
  return { bytes: bytes.buffer, sha256: sha256(bytes).toString("hex"), size };
};

export { json };
