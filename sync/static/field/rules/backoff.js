/* How long to wait before trying again. Pure: randomness (0..1) is passed in. Times in milliseconds. */

export const FIRST_MS = 5_000;
export const LONGEST_MS = 3_600_000;

/** Wait for an op after its nth failed try (n from 1): 5 s doubling to 1 h, jitter of up to half; never below what the server asked. */
export function opWait({ tries, random, askedMs = 0 }) {
  const top = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, tries - 1));
  const wait = Math.max(FIRST_MS, top / 2 + random * (top / 2));
  return Math.min(LONGEST_MS, Math.max(wait, askedMs));
}

/** Wait for the line as a whole (no signal, server away): like an op's, but at most a minute,
    so that the timer alone finds a healthy line within a minute. */
export function lineWait({ tries, random, askedMs = 0 }) {
  return Math.max(Math.min(60_000, opWait({ tries, random })), askedMs);
}

/** Wait before the socket is opened again: exponential with full jitter, 0 to 60 s. */
export function socketWait({ tries, random }) {
  return random * Math.min(60_000, 1_000 * 2 ** Math.min(tries, 10));
}

/** Milliseconds that a Retry-After header asks for (seconds or a date), 0 when absent or unreadable. */
export function retryAfterMs(value, nowMs) {
  if (!value) return 0;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(value);
  return Number.isFinite(date) ? Math.max(0, date - nowMs) : 0;
}
