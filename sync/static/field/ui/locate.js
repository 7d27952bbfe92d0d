/* The phone's own place: asks until the fix is good enough or the time is up. Says why when there is none. */
import { fromFix } from "../rules/geo.js";

/** Calls `onFix(position, fixMs)` for each better fix, `onEnd(problem)` with null, "denied", "unavailable" or "unsupported". */
export function findPlace({ geolocation, onFix, onEnd, goodM = 15, limitMs = 30_000 }) {
  if (!geolocation) {
    onEnd("unsupported");
    return () => {};
  }
  let best = Infinity;
  let ended = false;
  const end = (problem) => {
    if (ended) return;
    ended = true;
    geolocation.clearWatch(watch);
    clearTimeout(timer);
    onEnd(best < Infinity ? null : problem);
  };
  const watch = geolocation.watchPosition((found) => {
    const position = fromFix(found.coords);
    if (!position || ended) return;
    const accuracy = position.accuracy_m ?? 100_000;
    if (accuracy > best) return;
    best = accuracy;
    onFix(position, found.timestamp);
    if (accuracy <= goodM) end(null);
  }, (error) => {
    if (error.code === 1) end("denied");
  }, { enableHighAccuracy: true, maximumAge: 10_000, timeout: limitMs });
  const timer = setTimeout(() => end("unavailable"), limitMs);
  return () => end(null);
}
