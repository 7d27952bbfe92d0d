/* Starts the field app: who used this phone last, their store, the loop; then shows the screen that the address names. */
import { makeApp } from "./app.js";
import { makeApi, Offline } from "./net/api.js";
import { openDevice } from "./store/device.js";
import { openStore } from "./store/idb.js";
import { openMemory } from "./store/memory.js";
import { longWaiting } from "./rules/queue.js";
import { caseScreen } from "./screens/case.js";
import { conflictScreen } from "./screens/conflict.js";
import { meScreen } from "./screens/me.js";
import { queueScreen } from "./screens/queue.js";
import { reportScreen } from "./screens/report.js";
import { listScreen, todayScreen } from "./screens/today.js";
import { el, fill } from "./ui/el.js";
import { makeFrame } from "./ui/frame.js";
import { translator } from "./ui/words.js";
import { guardShell } from "./worker.js";

const SIGN_IN = "/login/?next=/field/";
const SCREENS = { today: todayScreen, list: listScreen, report: reportScreen, queue: queueScreen, case: caseScreen, conflict: conflictScreen, me: meScreen };

function browserEnv() {
  return {
    fetch: (...args) => fetch(...args),
    cookies: () => document.cookie,
    WebSocket,
    socketUrl: `${location.origin.replace(/^http/, "ws")}/ws/changes/`,
    random: () => Math.random(),
    randomBytes: (n) => crypto.getRandomValues(new Uint8Array(n)),
    now: () => Date.now(),
    setTimeout: (...args) => setTimeout(...args),
    clearTimeout: (id) => clearTimeout(id),
    digest: (bytes) => crypto.subtle.digest("SHA-256", bytes),
    lock: (name, work) => (navigator.locks ? navigator.locks.request(name, work) : work()),
    navigator,
  };
}

async function start() {
  const frame = makeFrame(document.getElementById("app"));
  const device = await openDevice(await openLasting("gridgov-field-device"));
  const env = browserEnv();
  const t = translator(device.lang() || "zh-hans");
  const shell = { waiting: null, app: null };
  guardShell({
    busy: () => Boolean(shell.app && (shell.app.busy || shell.app.sync.state.running)),
    onWaiting: (takeOver) => {
      shell.waiting = takeOver;
      shell.redraw?.();
    },
    onStillBusy: () => frame.toast(shell.app ? shell.app.t("update.busy") : t("update.busy")),
  });
  const user = device.user() || (await signedIn({ env, frame, t, device }));
  if (user) await runFor({ user, device, env, frame, shell });
}

/** The user of the session; without one the sign-in page of the shell. */
async function signedIn({ env, frame, t, device }) {
  const api = makeApi({ fetch: env.fetch, cookies: env.cookies, language: () => t.lang });
  let offline = false;
  try {
    const answer = await api.me();
    if (answer.status === 200 && answer.body) return answer.body.user;
  } catch (error) {
    if (!(error instanceof Offline)) throw error;
    offline = true;
  }
  const other = t.lang === "en" ? "zh-hans" : "en";
  document.documentElement.lang = t.lang;
  frame.heading(t("app.name"), null);
  frame.bar(null, null);
  fill(frame.main, el("section.card.stack.welcome", { "data-testid": "welcome" },
    el("h2", {}, t("welcome.title")), el("p", {}, t("welcome.text")),
    offline ? el("p.notice.warn", {}, t("welcome.offline")) : null,
    el("a.button.main.wide", { href: SIGN_IN, "data-testid": "sign-in" }, t("welcome.sign_in")),
    el("button.button", { type: "button", lang: other, onclick: async () => {
      await device.setLang(other);
      location.reload();
    } }, other === "en" ? "English" : "中文")));
  return null;
}

async function runFor({ user, device, env, frame, shell }) {
  const router = { screen: null, here: null, turn: 0, timer: null, names: false };
  const hooks = {
    go: (hash) => (location.hash === hash ? reopen() : (location.hash = hash)),
    replace: (hash) => history.replaceState(null, "", hash),
    redraw: () => soon(),
    reopen: () => reopen(),
    leave: () => leave(env),
    trouble: (kind, body) => trouble(kind, body),
  };
  const store = await openLasting(`gridgov-field-${user.id}`, () => app && app.sync.stop());
  const app = await makeApp({ store, device, user, env, frame, hooks });
  Object.assign(shell, { app, redraw: () => soon() });
  store.listen((tables) => {
    router.names ||= tables.includes("a") || tables.includes("b") || tables.includes("meta");
    soon();
  });

  function soon() {
    router.timer ||= setTimeout(refresh, 60);
  }

  async function refresh() {
    router.timer = null;
    await app.reread();
    if (router.names) await app.rereadNames();
    router.names = false;
    decorate();
    const turn = router.turn;
    if (router.screen && turn === router.turn) await router.screen.update();
  }

  function decorate() {
    const { t } = app;
    frame.bar(app, router.here);
    const { trouble: kind } = app.sync.state;
    const list = [];
    if (["sign_in", "closed", "update", "resets", "broken"].includes(kind)) {
      list.push({ id: kind, kind: "warn", text: t(`trouble.${kind}`, { time: t.time(app.sync.state.nextMs) }), action: kind === "sign_in" ? { href: SIGN_IN, label: t("welcome.sign_in") } : null });
    }
    if (!crypto.subtle) list.push({ id: "insecure", kind: "bad", text: t("trouble.insecure") });
    const old = longWaiting({ ops: app.outbox.ops, nowMs: app.now() });
    if (old.n) list.push({ id: "old", kind: "warn", text: t("queue.old", old) });
    if (app.lost) list.push({ id: "lost-store", kind: "bad", text: t("lost.text", { ops: app.lost.queued, photos: app.lost.photos, time: app.lost.at ? t.when(app.lost.at, app.now()) : "–" }), action: { onclick: () => app.forgetLost().then(soon), label: t("op.seen") } });
    if (shell.waiting) list.push({ id: "new-version", text: t("update.ready"), action: { onclick: shell.waiting, label: t("update.take") } });
    frame.banners(list);
  }

  async function reopen() {
    const turn = (router.turn += 1);
    const [, name = "today", id] = location.hash.split("/");
    const open = SCREENS[name] || todayScreen;
    if (router.screen && router.screen.close) router.screen.close();
    router.screen = null;
    document.documentElement.lang = app.t.lang === "en" ? "en" : "zh-Hans";
    const screen = await open(app, { id: id || null });
    if (turn !== router.turn) {
      if (screen.close) screen.close();
      return;
    }
    Object.assign(router, { screen, here: SCREENS[name] ? name : "today" });
    frame.heading(screen.title, screen.back);
    fill(frame.main, screen.node);
    window.scrollTo(0, 0);
    decorate();
  }

  async function trouble(kind, body) {
    if (kind === "lost") {
      app.sync.stop();
      app.live.stop();
      await device.setUser(null);
      await store.destroy();
      frame.bar(null, null);
      frame.banners([]);
      fill(frame.main, el("section.card", { "data-testid": "wiped" }, el("h2", {}, app.t("wiped.title")), el("p", {}, (body && body.detail) || app.t("wiped.text"))));
    }
    if (kind === "other_user") {
      if (router.screen && router.screen.flush) await router.screen.flush();
      app.sync.stop();
      await device.setUser(null);
      location.reload();
    }
  }

  addEventListener("hashchange", reopen);
  addEventListener("online", () => {
    app.live.nudge();
    app.sync.wake();
  });
  addEventListener("offline", () => {
    app.sync.state.online = false;
    soon();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") router.screen?.flush?.();
    else {
      app.live.nudge();
      app.sync.wake();
    }
  });
  addEventListener("pagehide", () => router.screen?.flush?.());
  setInterval(soon, 30_000);

  await reopen();
  learn(app, soon);
  app.live.start();
  app.sync.wake();
}

async function learn(app, redraw) {
  try {
    const answer = await app.api.me();
    if (answer.status === 200 && answer.body) await app.learn(answer.body);
    redraw();
  } catch {
    // Offline or another user: the loop meets it too, and says so.
  }
}

/** A store that lasts, or, where the browser has none (private mode), one in memory, which the app then says. */
async function openLasting(name, onNewer = () => {}) {
  try {
    return await openStore(name, { onNewer });
  } catch {
    return openMemory(name);
  }
}

/** Ends the session by the page's own form: the server answers with its sign-in page. */
function leave(env) {
  const token = /(?:^|; )csrftoken=([^;]+)/.exec(env.cookies());
  const form = el("form", { method: "post", action: "/logout/" }, el("input", { type: "hidden", name: "csrfmiddlewaretoken", value: token ? token[1] : "" }));
  document.body.append(form);
  form.submit();
}

start();
