/* Following the feed: pages until `more: false`, each written with its cursor. The socket's hint and the timer both end here. */
import { retryAfterMs } from "../rules/backoff.js";
import { digestText, nextSince, pauseAfterResets } from "../rules/feed.js";
import { toHex } from "../rules/ids.js";
import { readFollow, shownKeys, writePage } from "../store/records.js";
import { trouble } from "./api.js";

const HEADERS = { "Gridgov-Protocol": "1" };
const DAY_MS = 86_400_000;

/** Fetches what is new. → {trouble, waitMs, pages, again}; `again`: kept ops were put back into the queue. */
export async function followFeed({ api, store, userId, clock, limit = 500 }) {
  const result = { trouble: null, waitMs: 0, pages: 0, again: false };
  for (;;) {
    const follow = await readFollow(store);
    const pause = pauseAfterResets({ resets: follow.resets, nowMs: clock() });
    if (pause && !follow.loading) return { ...result, trouble: "resets", waitMs: pause };
    const since = nextSince(follow);
    const query = new URLSearchParams({ limit: String(limit) });
    if (since) query.set("since", since);
    const answer = await api.call("GET", `sync/changes?${query}`, { headers: HEADERS });
    const page = answer.body;
    if (answer.status !== 200 || !page || !Array.isArray(page.changes) || typeof page.cursor !== "string") {
      return { ...result, trouble: trouble(answer) || "later", waitMs: retryAfterMs(answer.header("Retry-After"), clock()) };
    }
    const written = await writePage(store, { page, since, nowMs: clock(), userId });
    result.pages += 1;
    result.again ||= page.reset === "epoch" || page.reset === "history";
    if (written && !page.more) return result;
    if (result.pages > 10_000) return { ...result, trouble: "later" };
  }
}

/** Once a day: does what this phone shows agree with what the server would give? → true, false, or null (could not tell). */
export async function compareDigest({ api, store, digest }) {
  const follow = await readFollow(store);
  if (!follow.cursor || follow.loading) return null;
  const answer = await api.call("GET", `sync/digest?${new URLSearchParams({ at: follow.cursor })}`, { headers: HEADERS });
  if (answer.status !== 200 || !answer.body || typeof answer.body.digest !== "string") return null;
  const rows = await shownKeys(store);
  if ((await readFollow(store)).cursor !== follow.cursor) return null;
  const own = toHex(new Uint8Array(await digest(new TextEncoder().encode(digestText(rows)))));
  return own === answer.body.digest && rows.length === answer.body.count;
}

export const digestDue = ({ lastMs, nowMs }) => !lastMs || nowMs - lastMs > DAY_MS || nowMs < lastMs;
