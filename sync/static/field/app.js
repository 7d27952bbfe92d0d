/* One person's app in one tab: store, net and names put together, passed to every screen. No state outside this object. */
import { makeApi } from "./net/api.js";
import { makeLive } from "./net/live.js";
import { makeSync } from "./net/sync.js";
import { uuid7 } from "./rules/ids.js";
import { counts, pile } from "./rules/queue.js";
import { OPEN_STATES, nameOf, remember } from "./rules/words.js";
import { ownConflicts } from "./rules/view.js";
import { hurry } from "./store/outbox.js";
import { clearRecords, readFollow, readMeta, readOutbox, shownOf, writeMeta } from "./store/records.js";
import { makePictures } from "./ui/pictures.js";
import { translator } from "./ui/words.js";

/** `env`: {fetch, cookies, WebSocket, socketUrl, random, randomBytes, now, setTimeout, clearTimeout, digest, lock, navigator}. */
export async function makeApp({ store, device, user, env, frame, hooks }) {
  const app = {
    store, user, userId: user.id, memberships: [], outbox: { ops: [], photos: [], drafts: [] }, follow: {}, recent: [], open: new Set(OPEN_STATES),
    needs: 0, waiting: 0, busy: false, lost: null, t: translator(device.lang() || user.language || "zh-hans"),
    now: env.now, newId: () => uuid7(env.now(), env.randomBytes(10)), timers: { setTimeout: env.setTimeout, clearTimeout: env.clearTimeout },
    toast: frame.toast, go: hooks.go, replace: hooks.replace,
    ask: (text, yes) => frame.ask(text, yes, app.t("ask.no")),
    showPicture: (id) => frame.picture(`/api/v1/photos/${id}/view`, app.t("photo.alt"), app.t("photo.close")),
    setBusy: (busy) => (app.busy = busy),
  };
  const names = { category: new Map(), place: new Map(), unit: new Map() };

  const owner = { read: () => readMeta(store, "cookie"), write: async (cookie) => (await owner.read()) === cookie || writeMeta(store, "cookie", cookie) };
  app.api = makeApi({ fetch: env.fetch, cookies: env.cookies, language: () => app.t.lang, userId: user.id, owner });
  app.sync = makeSync({ api: app.api, store, userId: user.id, env: { ...env, clock: env.now }, onState: hooks.redraw, onTrouble: hooks.trouble });
  app.live = makeLive({ ...env, url: env.socketUrl, onHint: () => app.sync.wake() });
  app.pictures = makePictures({ load: loadBytes, ready: hooks.redraw });

  async function loadBytes(id) {
    const held = await store.tx(["blobs"], "readonly", (t) => t.get("blobs", id));
    return held ? held.bytes : null;
  }

  app.reread = async () => {
    [app.outbox, app.follow] = [await readOutbox(store), await readFollow(store)];
    const conflicts = ownConflicts({ conflicts: await shownOf(store, "conflict"), ops: app.outbox.ops, userId: user.id });
    app.needs = app.outbox.ops.filter((row) => pile(row, app.outbox.ops, app.outbox.photos) === "needs").length + conflicts.filter((row) => !row.answered).length;
    app.waiting = counts(app.outbox).queued;
  };

  app.rereadNames = async () => {
    for (const type of Object.keys(names)) {
      const rows = await shownOf(store, type);
      names[type] = new Map(rows.map((row) => [type === "category" ? row.code : row.id, row]));
    }
  };

  app.categoryName = (code) => nameOf(names.category.get(code), app.t.lang) || code || "";
  app.placeName = (cell) => (cell ? (names.place.get(cell.id) || {}).name || cell.code : "");
  app.unitName = (id) => (id && names.unit.get(id) ? names.unit.get(id).name : "");
  app.opTitle = (row) => (row.kind === "incident.report" ? app.categoryName(row.title) : `${app.t(`kind.${row.kind}`)} · ${app.categoryName(row.title)}`);

  const area = () => (app.memberships.find((member) => member.scope && member.scope.code) || {}).scope || null;
  app.areaName = () => (area() ? area().name : "");
  /** The place whose cells the small map shows: up to a street's; larger ones are asked for around the fix. */
  app.mapCode = () => {
    const mine = area();
    if (!mine) return null;
    if (mine.level === "community" || mine.level === "street") return mine.code;
    const place = [...names.place.values()].find((row) => row.code === mine.code);
    const parent = place && names.place.get(place.parent);
    return mine.level === "grid" ? (parent ? parent.code : mine.code) : null;
  };

  app.setLanguage = async (lang) => {
    await device.setLang(lang);
    app.t = translator(lang);
    hooks.reopen();
  };

  app.rememberCategory = async (code) => {
    app.recent = remember(app.recent, code);
    await writeMeta(store, "recent", app.recent);
  };

  app.sendNow = async () => {
    await hurry(store);
    app.live.nudge();
    await app.sync.wake();
  };

  app.protect = () => env.navigator.storage?.persist?.().catch(() => false);

  app.storage = async () => {
    const manager = env.navigator.storage;
    const told = manager && manager.estimate ? await manager.estimate() : null;
    return { used: told ? told.usage : null, quota: told ? told.quota : null, persisted: Boolean(manager && manager.persisted && (await manager.persisted())) };
  };

  app.logOff = async () => {
    try {
      await app.api.me();
    } catch {
      return app.toast(app.t("me.log_off_offline"), "bad"); // the session's cookie would stay, and whoever has the phone with it
    }
    app.sync.stop();
    app.live.stop();
    await clearRecords(store);
    await device.setUser(null);
    return hooks.leave();
  };

  /** What the server knows about this person and device. A store that was wiped is told by the device's own count. */
  app.learn = async (me) => {
    app.user = me.user;
    app.memberships = me.memberships || [];
    await device.setUser(me.user);
    await writeMeta(store, "me", me);
    if (!(await readMeta(store, "born_ms"))) {
      const { queued = 0, photos_waiting: photos = 0, told_at: at = null } = me.device || {};
      if (queued + photos > 0) await writeMeta(store, "lost", { queued, photos, at });
      await writeMeta(store, "born_ms", env.now());
    }
    app.lost = await readMeta(store, "lost");
  };

  app.forgetLost = async () => {
    app.lost = null;
    await writeMeta(store, "lost", null);
  };

  const known = await readMeta(store, "me");
  if (known) {
    app.user = known.user;
    app.memberships = known.memberships || [];
  }
  app.recent = await readMeta(store, "recent", []);
  app.lost = await readMeta(store, "lost");
  await app.reread();
  await app.rereadNames();
  return app;
}
