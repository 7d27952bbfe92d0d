/* Small parts that several screens show: state tags, time left, photo tiles, notices. */
import { percent } from "../rules/photos.js";
import { STATE_SHAPES, freshness, timeLeft } from "../rules/words.js";
import { el } from "./el.js";

/** Shape, word and colour of a case's state; one that the server has not answered yet is "waiting". */
export function stateTag(app, view) {
  if (view.state === null || view.state === undefined) return el("span.tag.warn", {}, `… ${app.t("state.unsent")}`);
  const meaning = view.state === "closed" ? ".ok" : view.state === "rejected" ? ".bad" : "";
  const word = app.t.has(`state.${view.state}`) ? app.t(`state.${view.state}`) : view.state;
  return el(`span.tag${meaning}`, { "data-state": view.state }, `${STATE_SHAPES[view.state] || "○"} ${word}`);
}

export function leftText(app, view) {
  const left = timeLeft({ dueAt: view.due_at, nowMs: app.now() });
  return left ? el(`span.quiet${left.over ? ".bad" : ""}`, {}, app.t(left.key, left.args)) : null;
}

/** "● synced 09:12" while the line is up, else "as of 08:41", amber after a day. */
export function syncLine(app) {
  const { state } = app.sync;
  const fresh = freshness({ syncedMs: app.follow.synced_ms, nowMs: app.now(), online: state.online !== false && !state.trouble });
  if (state.running && fresh !== "fresh") return el("span.tag", { "data-sync": "running" }, `◐ ${app.t("sync.running")}`);
  if (fresh === "never") return el("span.tag.warn", { "data-sync": "never" }, `○ ${app.t("sync.never")}`);
  const time = app.t.when(app.follow.synced_ms, app.now());
  if (fresh === "fresh") return el("span.tag.ok", { "data-sync": "fresh" }, `● ${app.t("sync.fresh", { time })}`);
  return el(`span.tag${fresh === "old" ? ".warn" : ""}`, { "data-sync": fresh }, app.t("sync.stale", { time }));
}

/** A tile of one picture: own bytes if the phone has them, else the server's thumbnail; a tick tells where it is. */
export function photoTile(app, item) {
  const src = app.pictures.src(item);
  const stored = Boolean(item.record && item.record.state === "stored");
  const none = item.own && !item.own.freed ? "…" : app.t(stored ? "photo.needs_line" : "photo.not_here");
  const mark = photoMark(app, item);
  return el(`figure.tile${stored ? ".openable" : ""}`, {
    onclick: stored ? () => app.showPicture(item.id) : null, role: stored ? "button" : null, tabindex: stored ? "0" : null,
    onkeydown: stored ? (event) => event.key === "Enter" && app.showPicture(item.id) : null, "aria-label": stored ? app.t("photo.open") : null,
    "data-testid": "photo", "data-photo-state": mark.state },
    src ? el("img", { src, alt: app.t("photo.alt"), loading: "lazy", decoding: "async", onerror: (event) => event.target.replaceWith(el("span.tile-none", {}, app.t("photo.needs_line"))) })
      : el("span.tile-none", {}, none),
    el(`figcaption${mark.bad ? ".bad" : ""}`, { title: mark.text }, mark.short, el("span.unseen", {}, mark.text)));
}

/** What a photo's tick says: ○ waiting, ◐ sending n %, ◑ sent, ✓ stored, ! refused. */
export function photoMark(app, { record, own }) {
  const { t } = app;
  if ((record && record.state === "stored") || (own && own.state === "stored")) return { state: "stored", short: "✓", text: t("photo.stored") };
  if (record && record.state === "rejected") return { state: "refused", short: "!", text: t("photo.refused"), bad: true };
  if (own && own.state === "refused") return { state: "refused", short: "!", text: t("photo.refused"), bad: true };
  if (own && own.state === "held") return { state: "held", short: "!", text: t("photo.held"), bad: true };
  if (own && own.state === "sent") return { state: "sent", short: "◑", text: t("photo.sent") };
  if (own && own.state === "due" && ((own.offset || 0) > 0 || own.id in app.sync.state.progress)) {
    const n = Math.max(percent(own), app.sync.state.progress[own.id] || 0);
    return { state: "sending", short: `◐ ${n} %`, text: t("photo.sending", { n }) };
  }
  if (own) return { state: "waiting", short: "○", text: t("photo.waiting") };
  return { state: record ? record.state : "waiting", short: "○", text: t("photo.elsewhere") };
}

/** The words that an op carries: a report's or an edit's text, a comment. */
export function saidIn(op) {
  if (!op) return "";
  return op.description || op.text || Object.values(op.fields || {}).filter((value) => typeof value === "string").join(" ");
}

/** An empty list: what would stand here, and what to do next. */
export function empty(app, key, action = null) {
  return el("div.empty", {}, el("p", {}, app.t(key)), action);
}

/** A sentence for a code that a worker reads; the code itself in small print for support. */
export function reason(app, { code, message }) {
  const text = app.t.has(`reason.${code}`) ? app.t(`reason.${code}`) : message || app.t("reason.unknown");
  return [text, code ? el("span.code.quiet", {}, ` (${code})`) : null];
}

/** A case as one line of a list. */
export function caseLine(app, view) {
  const cell = app.placeName(view.cell);
  return el("a.card.line", { href: `#/case/${view.id}`, "data-testid": "case-line", "data-incident": view.id },
    el("span.line-top", {}, el("strong", {}, app.categoryName(view.category)), view.urgent ? el("span.tag.bad", {}, `‼ ${app.t("urgent")}`) : null, stateTag(app, view)),
    view.description ? el("span.line-text", {}, view.description) : null,
    el("span.line-foot.quiet", {}, [cell, view.number, app.t.when(view.received_at || view.at, app.now())].filter(Boolean).join(" · "), " ", leftText(app, view),
      view.waiting.length ? el("span.warn", {}, ` · ${app.t("case.waiting", { n: view.waiting.length })}`) : null));
}
