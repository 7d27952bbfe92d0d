/* The page's side of the service worker: registers it, and lets a new version take over only when nobody is busy. */

/** `busy()`: a draft or a send is open here. `onWaiting(takeOver)`: a new version stands ready. `onStillBusy`: it was asked
    to take over, and some page was busy. */
export async function guardShell({ busy, onWaiting, onStillBusy }) {
  if (!("serviceWorker" in navigator)) return;
  const hadController = Boolean(navigator.serviceWorker.controller);
  const state = { reloaded: false };
  navigator.serviceWorker.addEventListener("message", (event) => {
    if (event.data && event.data.type === "busy?") event.ports[0].postMessage({ busy: busy() });
    if (event.data && event.data.type === "still-busy") onStillBusy();
  });
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (!hadController || state.reloaded) return;
    state.reloaded = true;
    location.reload();
  });
  const registration = await navigator.serviceWorker.register("/field/sw.js", { scope: "/field/", updateViaCache: "none" }).catch(() => null);
  if (!registration) return;
  const offer = () => {
    const { waiting } = registration;
    if (waiting && navigator.serviceWorker.controller) onWaiting(() => waiting.postMessage({ type: "take-over" }));
  };
  offer();
  registration.addEventListener("updatefound", () => {
    const coming = registration.installing;
    coming?.addEventListener("statechange", () => coming.state === "installed" && offer());
  });
  setInterval(() => navigator.onLine && registration.update().catch(() => null), 3_600_000);
}
