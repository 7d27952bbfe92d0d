/* Two changes that disagree: what it was, mine, theirs. The author may give theirs the way; the rest is the centre's. */
import { takeServersOp } from "../rules/ops.js";
import { ownConflicts } from "../rules/view.js";
import { valueText } from "../rules/words.js";
import { addOp } from "../store/outbox.js";
import { shownOf } from "../store/records.js";
import { within } from "../store/tables.js";
import { empty, reason } from "../ui/bits.js";
import { el, fill } from "../ui/el.js";

export async function conflictScreen(app, { id }) {
  const { t } = app;
  const node = el("div.stack");

  async function update() {
    const all = await shownOf(app.store, "conflict");
    const conflict = ownConflicts({ conflicts: all, ops: app.outbox.ops, userId: app.userId }).find((row) => row.id === id);
    if (!conflict) {
      const ended = all.find((row) => row.id === id);
      return fill(node, empty(app, ended ? `conflict.${ended.state}` : "conflict.gone", el("a.button", { href: "#/today" }, t("nav.today"))));
    }
    const incident = (await shownOf(app.store, "incident")).find((row) => row.id === conflict.incident);
    const show = (value) => {
      const read = valueText(value);
      return read.key ? t(read.key) : read.text;
    };
    const column = (key, value, extra = "") => el(`section.card${extra}`, { "data-testid": `conflict-${key}` }, el("h3", {}, t(`conflict.${key}`)), el("p.text", {}, show(value)));
    return fill(node,
      el("p", {}, el("strong", {}, incident ? app.categoryName(incident.category) : ""), " ", incident ? incident.number : ""),
      el("p", {}, reason(app, conflict)),
      conflict.kind === "field" ? el("div.columns", {}, column("base", conflict.base), column("mine", conflict.client, ".mine"), column("theirs", conflict.server, ".theirs"))
        : el("div.card", {}, el("p.text", {}, conflict.args ? t("conflict.parked_act", { action: conflict.args.action || t(`kind.${conflict.args.kind || "incident.act"}`) }) : t("conflict.parked"))),
      el("p.quiet", {}, t("conflict.explain")),
      conflict.answered ? el("p.notice", { "data-testid": "conflict-answered" }, t("conflict.answered")) : el("button.button.main.wide", {
        type: "button", "data-testid": "take-server",
        onclick: async () => {
          const op = takeServersOp({ conflict: id, baseVersion: incident ? incident.version : 1, opId: app.newId(), nowMs: app.now() });
          try {
            await within(addOp(app.store, { op: op, title: incident ? incident.category : "", nowMs: app.now() }), app.timers);
            app.sync.wake();
          } catch {
            app.toast(t("store.not_saved"), "bad");
          }
        },
      }, t("conflict.take_theirs")),
      incident ? el("a.button", { href: `#/case/${incident.id}` }, t("op.open")) : null);
  }

  await update();
  return { title: t("conflict.title"), back: "#/today", node, update };
}
