/* Identifiers and times as the protocol wants them. Pure: clock and random bytes are passed in.
   Ids are random, never counters: a cloned phone storage must not make the same id twice for two things. */

/** UUID version 7 from a time in milliseconds and 10 random bytes. */
export function uuid7(ms, random) {
  const bytes = new Uint8Array(16);
  let rest = Math.max(0, Math.min(Math.floor(ms), 0xffffffffffff));
  for (let i = 5; i >= 0; i -= 1) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = toHex(bytes);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Lower-case hex of bytes. */
export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Base64 of bytes, for tus headers. */
export function toBase64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

const FIRST = Date.UTC(1970, 0, 1);
const LAST = Date.UTC(2099, 11, 31);

/** RFC 3339 in UTC; a clock outside 1970–2099 is cut to the edge, since the protocol refuses such years. */
export function instant(ms) {
  const usable = Number.isFinite(ms) ? Math.max(FIRST, Math.min(ms, LAST)) : FIRST;
  return new Date(usable).toISOString();
}

/** Text without lone surrogates and U+0000: a text cut inside an emoji must not make an op malformed. */
export function wellFormed(text) {
  let out = "";
  for (const char of text) {
    const code = char.codePointAt(0);
    if (code !== 0 && (code < 0xd800 || code > 0xdfff)) out += char;
  }
  return out;
}
