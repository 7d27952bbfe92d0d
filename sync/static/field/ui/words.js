/* Sentences in the reader's language, and times as people read them. The tables are i18n/zh.js and i18n/en.js. */
import en from "../i18n/en.js";
import zh from "../i18n/zh.js";

const TABLES = { "zh-hans": zh, en };

/** A translator: t(key, {n: 3}); t.has(key); t.time(ms), t.day(iso). A missing key shows itself. */
export function translator(lang) {
  const table = TABLES[lang] || zh;
  const t = (key, args = {}) => (table[key] === undefined ? key : table[key].replace(/\{(\w+)\}/g, (_, name) => args[name] ?? ""));
  const locale = lang === "en" ? "en-GB" : "zh-CN";
  const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hour12: false });
  const day = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric" });
  t.lang = TABLES[lang] ? lang : "zh-hans";
  t.has = (key) => table[key] !== undefined;
  t.time = (ms) => clock.format(new Date(ms));
  /** The time alone today, with the day before that. */
  t.when = (value, nowMs) => {
    const date = new Date(value);
    if (Number.isNaN(date.getTime())) return "";
    return date.toDateString() === new Date(nowMs).toDateString() ? clock.format(date) : `${day.format(date)} ${clock.format(date)}`;
  };
  t.size = (bytes) => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${Math.ceil(bytes / 1e3)} KB`);
  return t;
}
