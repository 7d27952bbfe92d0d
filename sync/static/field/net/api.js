/* Calls to the server: cookies, CSRF, JSON, time limits. With the other files of net/ the only place that calls fetch.
   Never decides what an answer means for the queue: it only tells status, parsed JSON (or null) and headers. */

export const BASE = "/api/v1/";
const SAFE = new Set(["GET", "HEAD"]);

/** No answer at all: no signal, a time limit, a captive portal's redirect. */
export class Offline extends Error {
  constructor(reason) {
    super(`no answer: ${reason}`);
    this.name = "Offline";
  }
}

/** The session now belongs to somebody else (another tab signed in): nothing of this person may be sent. */
export class OtherUser extends Error {
  constructor(me) {
    super("another user is signed in");
    this.name = "OtherUser";
    this.me = me;
  }
}

/** `cookies()` gives document.cookie; `language()` the reader's language; `userId` whose session it must be (null: any);
    `owner` {read, write}: the cookie that was this person's when it was checked last, kept over restarts. */
export function makeApi({ fetch, cookies, language, userId = null, owner = null, base = BASE, limitMs = 30_000, timeout = (ms) => AbortSignal.timeout(ms) }) {
  const state = { checkedToken: null };

  async function raw(method, path, { json, body, headers = {}, ms = limitMs, token = true } = {}) {
    const all = { Accept: "application/json", "Accept-Language": language(), ...headers };
    if (json !== undefined) all["Content-Type"] = "application/json";
    const csrf = readCookie(cookies(), "csrftoken");
    if (token && !SAFE.has(method) && csrf) all["X-CSRFToken"] = csrf;
    let response;
    try {
      response = await fetch(new URL(path, new URL(base, globalThis.location ? globalThis.location.href : base)).href, {
        method, headers: all, body: json !== undefined ? JSON.stringify(json) : body,
        credentials: "same-origin", redirect: "manual", cache: "no-store", signal: timeout(ms),
      });
    } catch (error) {
      throw new Offline(error && error.name);
    }
    if (response.type === "opaqueredirect" || response.status === 0) throw new Offline("redirect");
    let parsed = null;
    if (/[/+]json\b/.test(response.headers.get("Content-Type") || "")) {
      try {
        parsed = JSON.parse(await response.text());
      } catch {
        parsed = null;
      }
    }
    return { status: response.status, body: parsed, header: (name) => response.headers.get(name) };
  }

  /** GET me, and a check that the session is this person's. */
  async function me() {
    const answer = await raw("GET", "me");
    if (answer.status === 200 && answer.body && answer.body.user) {
      if (userId && answer.body.user.id !== userId) throw new OtherUser(answer.body);
      state.checkedToken = readCookie(cookies(), "csrftoken");
      if (owner) await owner.write(state.checkedToken);
    }
    return answer;
  }

  /** One call. The session's owner is known before it: a login changes the cookie `csrftoken`, so a changed cookie means
      asking again (else one person's queue would go, or the feed come, under another's session).
      On `csrf_failed`: GET me sets the cookie, one more try. */
  async function call(method, path, options = {}) {
    if (userId && (!state.checkedToken || state.checkedToken !== readCookie(cookies(), "csrftoken"))) {
      const known = await me();
      // A closed account may push and upload, and nothing else: not even ask who it is.
      const closed = trouble(known) === "closed" && owner && (await owner.read()) === readCookie(cookies(), "csrftoken");
      if (known.status !== 200 && !closed) return known;
    }
    const answer = await raw(method, path, options);
    if (SAFE.has(method) || answer.status !== 403 || !answer.body || answer.body.code !== "csrf_failed") return answer;
    const known = await me();
    return known.status === 200 ? raw(method, path, options) : known;
  }

  return { call, me };
}

/** A cookie's value by name, or null. */
export function readCookie(text, name) {
  for (const part of text.split(";")) {
    const [key, ...value] = part.trim().split("=");
    if (key === name) return decodeURIComponent(value.join("="));
  }
  return null;
}

/** What an answer that is not a result means for this person: `sign_in`, `closed`, `lost`, `update`, `later`; null = none. */
export function trouble(answer) {
  const code = answer.body && answer.body.code;
  if (answer.status === 401) return "sign_in";
  if (answer.status === 403 && code === "account_closed") return "closed";
  if (answer.status === 403 && code === "device_revoked") return "lost";
  if (answer.status === 426) return "update";
  return answer.status >= 200 && answer.status < 300 ? null : "later";
}
