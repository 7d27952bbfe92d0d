/* The lines of a case's timeline: what happened, by whom, when; own waiting ops stand on top and say so. */
import { empty, saidIn } from "../ui/bits.js";
import { el } from "../ui/el.js";

export function timelineList(app, items) {
  if (!items.length) return empty(app, "case.no_events");
  return el("ol.timeline", { "data-testid": "timeline" }, items.map((item) => (item.row ? waitingLine(app, item) : eventLine(app, item))));
}

function waitingLine(app, { row }) {
  const said = saidIn(row.op);
  return el("li.waiting", {},
    el("span.quiet", {}, app.t.when(row.op.at, app.now())), " ", el("strong", {}, app.t(`kind.${row.kind}`)), " ",
    el("span.tag.warn", {}, `○ ${app.t(row.state === "waiting" ? "op.waiting" : "op.delivered")}`),
    said ? el("p.text", {}, said) : null);
}

function eventLine(app, { event }) {
  const { t } = app;
  const name = t.has(`event.${event.type}`) ? t(`event.${event.type}`) : event.type;
  const changes = event.changes && typeof event.changes === "object" ? Object.keys(event.changes) : [];
  const state = event.to && event.from && event.to !== event.from && t.has(`state.${event.to}`) ? t(`state.${event.to}`) : name;
  const to = state === name ? "" : ` → ${state}`;
  const why = event.reason && t.has(`choice.${event.reason}`) ? ` · ${t(`choice.${event.reason}`)}` : "";
  return el(`li${event.visibility === "internal" ? ".internal" : ""}`, { "data-event": event.type },
    el("span.quiet", {}, t.when(event.received_at || event.at, app.now())), " ", el("strong", {}, name), to, why, " ",
    el("span.quiet", {}, who(app, event.by)),
    changes.length ? el("p.quiet", {}, t("case.changed", { fields: changes.map((field) => (t.has(`field.${field}`) ? t(`field.${field}`) : field)).join(t("list.comma")) })) : null,
    event.text ? el("p.text", {}, event.text) : null);
}

function who(app, by) {
  if (!by) return "";
  if (by.user === app.userId) return app.t("who.me");
  const role = by.role && app.t.has(`role.${by.role}`) ? app.t(`role.${by.role}`) : "";
  return [app.unitName(by.unit), role].filter(Boolean).join(" ");
}
