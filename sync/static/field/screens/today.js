/* Today: what needs me, how my cell stands, the open cases. */
import { ownConflicts, viewList } from "../rules/view.js";
import { pile } from "../rules/queue.js";
import { timeLeft } from "../rules/words.js";
import { shownOf } from "../store/records.js";
import { caseLine, empty } from "../ui/bits.js";
import { el, fill } from "../ui/el.js";

const SHOWN = 30;

export async function todayScreen(app) {
  const node = el("div.stack");

  async function update() {
    const { t } = app;
    const records = await shownOf(app.store, "incident");
    const conflicts = ownConflicts({ conflicts: await shownOf(app.store, "conflict"), ops: app.outbox.ops, userId: app.userId });
    const views = viewList({
      records, ops: app.outbox.ops, seenSeq: app.follow.seen_seq, userId: app.userId, open: app.open, onlyOpen: true, names: app.categoryName,
    });
    const needs = app.outbox.ops.filter((row) => pile(row, app.outbox.ops, app.outbox.photos) === "needs");
    const overdue = views.filter((view) => timeLeft({ dueAt: view.due_at, nowMs: app.now() })?.over).length;
    const waiting = conflicts.filter((conflict) => !conflict.answered);
    const total = needs.length + waiting.length;
    fill(node,
      total ? el("section", { "data-testid": "needs-you" },
        el("h2", {}, t("today.needs", { n: total })),
        el("div.stack", {},
          waiting.map((conflict) => el("a.card.line", { href: `#/conflict/${conflict.id}`, "data-testid": "conflict-line" },
            el("strong.bad", {}, t(conflict.kind === "field" ? "today.conflict_field" : "today.conflict_other", { field: t(`field.${conflict.field}`) })),
            el("span.line-text", {}, titleOf(app, records, conflict.incident)))),
          needs.map((row) => el("a.card.line", { href: "#/queue", "data-testid": "needs-line" },
            el("strong.bad", {}, t("today.op_needs", { title: app.opTitle(row) }))))) ) : null,
      el("section.card", {},
        el("h2", {}, app.areaName() || t("today.my_cell")),
        app.follow.synced_ms && !app.memberships.length ? el("p.bad", { "data-testid": "no-duty" }, t("today.no_duty")) : null,
        el("p", { "data-testid": "summary" }, t("today.summary", { open: views.length, overdue })),
        el("a.button", { href: "#/list", "data-testid": "all-cases" }, t("today.all"))),
      el("section", {},
        el("h2", {}, t("today.open")),
        views.length ? el("div.stack", { "data-testid": "cases" }, views.slice(0, SHOWN).map((view) => caseLine(app, view)))
          : empty(app, app.follow.synced_ms ? "today.empty" : "today.not_loaded", el("a.button.main", { href: "#/report" }, t("nav.report"))),
        views.length > SHOWN ? el("p", {}, el("a", { href: "#/list" }, t("list.more", { n: views.length - SHOWN }))) : null));
  }

  await update();
  return { title: app.t("nav.today"), node, update };
}

function titleOf(app, records, id) {
  const record = records.find((row) => row.id === id);
  return record ? `${app.categoryName(record.category)} · ${record.description || record.number || ""}` : "";
}

/** All cases that the phone holds, with a filter; also those that were reported here and not sent yet. */
export async function listScreen(app) {
  const { t } = app;
  const filter = { which: "open", text: "" };
  const list = el("div.stack", { "data-testid": "cases" });
  const tabs = el("div.row.tabs", { role: "group" });
  const input = el("input.input", {
    type: "search", placeholder: t("list.search"), "aria-label": t("list.search"), "data-testid": "list-search",
    oninput: (event) => {
      filter.text = event.target.value;
      update();
    },
  });

  async function update() {
    fill(tabs, ["open", "mine", "all"].map((which) => el("button.button", {
      type: "button", "aria-pressed": String(filter.which === which),
      onclick: () => {
        filter.which = which;
        update();
      },
    }, t(`list.${which}`))));
    const views = viewList({
      records: await shownOf(app.store, "incident"), ops: app.outbox.ops, seenSeq: app.follow.seen_seq, userId: app.userId,
      open: app.open, onlyOpen: filter.which === "open", mine: filter.which === "mine", text: filter.text, names: app.categoryName,
    });
    fill(list, views.length ? views.slice(0, 200).map((view) => caseLine(app, view)) : empty(app, filter.text ? "list.none" : "list.empty"),
      views.length > 200 ? el("p.quiet", {}, t("list.cut", { n: views.length - 200 })) : null);
  }

  await update();
  return { title: t("list.title"), back: "#/today", node: el("div.stack", {}, input, tabs, list), update };
}

