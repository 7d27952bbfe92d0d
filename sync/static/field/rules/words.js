/* Choosing words and lists: categories, names, time left, which sentence fits a code. Pure; sentences are i18n keys. */

/** The leaves that may be picked, with the name of their parent, sorted by code. */
export function leaves({ categories, lang }) {
  const parents = new Set(categories.map((category) => category.parent).filter(Boolean));
  const byCode = new Map(categories.map((category) => [category.code, category]));
  return categories
    .filter((category) => !category.retired && !parents.has(category.code))
    .map((category) => ({
      code: category.code, name: nameOf(category, lang), group: nameOf(byCode.get(category.parent), lang),
      wants_photo: (category.required_photos || []).includes("before"), all: Object.values(category.names || {}).join(" "),
    }))
    .sort((a, b) => (a.code < b.code ? -1 : 1));
}

/** A record's name in the reader's language, else in any. */
export function nameOf(record, lang) {
  if (!record) return "";
  const names = record.names;
  if (names && typeof names === "object") return names[lang] || names["zh-hans"] || names.zh || names.en || Object.values(names)[0] || record.code;
  return record.name || record.code || "";
}

/** Leaves that match what was typed: every word must occur in name, group or code, in either language. */
export function searchLeaves({ list, text }) {
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  return list.filter((leaf) => words.every((word) => `${leaf.code} ${leaf.name} ${leaf.group} ${leaf.all}`.toLowerCase().includes(word)));
}

/** The last five categories, the newest first. */
export const remember = (recent, code) => [code, ...recent.filter((other) => other !== code)].slice(0, 5);

/** Shape that stands beside a state's word, so that it reads without colour. */
export const STATE_SHAPES = {
  reported: "○", registered: "◇", dispatched: "▷", handling: "◐", suspended: "‖", resolved: "◑", closed: "●", rejected: "✕", merged: "⊃",
};
export const OPEN_STATES = ["reported", "registered", "dispatched", "handling", "suspended", "resolved"];

/** Time left as {key, args, over}: hours under two days, days from there; null without a due time. */
export function timeLeft({ dueAt, nowMs }) {
  if (!dueAt) return null;
  const left = Date.parse(dueAt) - nowMs;
  if (!Number.isFinite(left)) return null;
  const over = left < 0;
  const minutes = Math.floor(Math.abs(left) / 60_000);
  const prefix = over ? "over" : "left";
  if (minutes < 60) return { key: `${prefix}.minutes`, args: { n: minutes }, over };
  if (minutes < 48 * 60) return { key: `${prefix}.hours`, args: { n: Math.floor(minutes / 60) }, over };
  return { key: `${prefix}.days`, args: { n: Math.floor(minutes / 1440) }, over };
}

/** How fresh the list is: `fresh` (synced under two minutes ago and the line is up), `stale`, `old` (over 24 h), `never`. */
export function freshness({ syncedMs, nowMs, online }) {
  if (!syncedMs) return "never";
  const age = nowMs - syncedMs;
  if (age > 86_400_000) return "old";
  return online && age < 120_000 ? "fresh" : "stale";
}

/** The i18n key of a reason: a sentence of ours for known codes, else null (then the server's own message is shown). */
export function reasonKey({ code, has }) {
  return code && has(`reason.${code}`) ? `reason.${code}` : null;
}

/** A field's value as a person reads it, for conflicts: text as it is, a position in degrees, yes and no by key. */
export function valueText(value) {
  if (value === null || value === undefined || value === "") return { key: "value.empty" };
  if (value === true || value === false) return { key: value ? "value.yes" : "value.no" };
  if (typeof value === "object" && "lng" in value) return { text: `${value.lng}, ${value.lat}` };
  return { text: typeof value === "object" ? JSON.stringify(value) : String(value) };
}
