/* The one loop that sends and follows: push, photos, feed; then it sleeps until the next time, or is woken by the socket,
   by `online`, by the page becoming visible, by the button. One sender among all tabs (a lock); never two rounds at once. */
import { lineWait } from "../rules/backoff.js";
import { nextTime } from "../rules/queue.js";
import { forgetCursor, readMeta, readOutbox, writeMeta } from "../store/records.js";
import { Offline, OtherUser } from "./api.js";
import { compareDigest, digestDue, followFeed } from "./follow.js";
import { pushDue } from "./push.js";
import { uploadDue } from "./uploads.js";

export const POLL_MS = 60_000;

/** `env`: {clock, random, setTimeout, clearTimeout, digest, lock(name, work)}. `onState(state)` hears every change. */
export function makeSync({ api, store, userId, env, onState = () => {}, onTrouble = () => {} }) {
  const state = { running: false, again: false, stopped: false, timer: null, tries: 0, trouble: null, online: null, progress: {}, lastMs: null, nextMs: null };
  const told = { queued: null, photos_waiting: null };
  const show = (changes) => onState(Object.assign(state, changes));

  async function round() {
    const common = { api, store, clock: env.clock, random: env.random };
    const push = await pushDue({ ...common, read: readOutbox, told, tellEmpty: told.queued !== null || Boolean(await hasOutbox()) });
    if (push.trouble && push.trouble !== "closed") return push;
    const photos = await uploadDue({
      ...common, digest: env.digest, progress: (id, percent) => show({ progress: { ...state.progress, [id]: percent } }),
    });
    if (photos.trouble) return photos;
    if (push.trouble) return push;
    const feed = await followFeed({ api, store, userId, clock: env.clock });
    if (feed.again) state.again = true;
    if (!feed.trouble) await dailyCheck();
    return feed;
  }

  async function hasOutbox() {
    const { ops } = await readOutbox(store);
    return ops.length > 0;
  }

  async function dailyCheck() {
    const lastMs = await readMeta(store, "digest_ms");
    if (!digestDue({ lastMs, nowMs: env.clock() })) return;
    const same = await compareDigest({ api, store, digest: env.digest });
    if (same === null) return;
    await writeMeta(store, "digest_ms", env.clock());
    if (!same) {
      await forgetCursor(store);
      state.again = true;
    }
  }

  async function run() {
    if (state.running || state.stopped) {
      state.again = true;
      return;
    }
    env.clearTimeout(state.timer);
    state.again = false;
    show({ running: true });
    let end = { trouble: null, waitMs: 0 };
    try {
      end = await env.lock(`${store.name}:send`, round);
      state.online = true;
    } catch (error) {
      if (error instanceof OtherUser) end = { trouble: "other_user", waitMs: POLL_MS };
      else if (error instanceof Offline) {
        state.online = false;
        end = { trouble: "offline", waitMs: 0 };
      } else end = { trouble: "broken", waitMs: 0, error };
    }
    if (state.stopped) return;
    const good = !end.trouble;
    state.tries = good ? 0 : state.tries + 1;
    const wait = good ? await untilNext() : lineWait({ tries: state.tries, random: env.random(), askedMs: end.waitMs });
    show({ running: false, trouble: end.trouble, progress: {}, lastMs: good ? env.clock() : state.lastMs, nextMs: env.clock() + wait, error: end.error || null });
    if (end.trouble) onTrouble(end.trouble, end.body || null);
    if (state.stopped) return;
    if (state.again && good) schedule(0);
    else schedule(wait);
  }

  async function untilNext() {
    const outbox = await readOutbox(store);
    const nowMs = env.clock();
    const next = nextTime({ ...outbox, nowMs });
    return next === null ? POLL_MS : Math.max(500, Math.min(POLL_MS, next - nowMs));
  }

  function schedule(ms) {
    env.clearTimeout(state.timer);
    state.timer = env.setTimeout(run, ms);
  }

  return {
    state,
    /** Run now, or once more after the round that runs. */
    wake() {
      if (state.stopped) return Promise.resolve();
      return run();
    },
    stop() {
      state.stopped = true;
      env.clearTimeout(state.timer);
    },
  };
}
