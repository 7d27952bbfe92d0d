/* The field app's service worker: keeps the shell for cold starts without a signal. It holds files by content hash and
   nothing else: never /api/, never the login, no data of anybody. A new version waits until no page is busy. */
const VERSION = "{{ version }}";
const FILES = {{ files|safe }};
const SHELL = "/field/";
const CACHE = `gridgov-field-${VERSION}`;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("message", (event) => {
  if (event.data && event.data.type === "take-over") event.waitUntil(takeOver(event.source));
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    if (url.pathname === SHELL) event.respondWith(fromCache(SHELL, request));
  } else if (url.pathname !== SHELL && url.pathname in FILES) event.respondWith(fromCache(url.pathname, request));
});

/** All files or none; each must hash as listed: a captive portal's page or half a deployment is no new version. */
async function install() {
  const cache = await caches.open(CACHE);
  await Promise.all(Object.entries(FILES).map(async ([path, hash]) => {
    const response = await fetch(path, { cache: "reload", redirect: "error", credentials: "same-origin" });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    const bytes = await response.clone().arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (hex !== hash) throw new Error(`${path}: another content than listed`);
    await cache.put(path, response);
  }));
}

async function activate() {
  for (const name of await caches.keys()) if (name.startsWith("gridgov-field-") && name !== CACHE) await caches.delete(name);
  await self.clients.claim();
}

async function fromCache(path, request) {
  const held = await (await caches.open(CACHE)).match(path);
  return held || fetch(request);
}

/** Asks every open page whether a draft or a send is open; only when none is, the new version goes in. */
async function takeOver(asker) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const busy = await Promise.all(pages.filter((page) => new URL(page.url).pathname.startsWith(SHELL)).map(askBusy));
  if (busy.some(Boolean)) asker?.postMessage({ type: "still-busy" });
  else await self.skipWaiting();
}

/** A page that does not answer within two seconds is frozen or closing: nothing is being written there. */
function askBusy(page) {
  return new Promise((resolve) => {
    const line = new MessageChannel();
    const limit = setTimeout(() => resolve(false), 2000);
    line.port1.onmessage = (event) => {
      clearTimeout(limit);
      resolve(Boolean(event.data && event.data.busy));
    };
    page.postMessage({ type: "busy?" }, [line.port2]);
  });
}
