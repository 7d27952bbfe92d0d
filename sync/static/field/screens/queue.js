/* The queue: four piles, the true state of every op and every photo, when it is tried next, and "send now". */
import { dismiss, discard, pullBack } from "../store/outbox.js";
import { heldBack, isWaiting, mayPullBack, pile } from "../rules/queue.js";
import { photoTile, reason, saidIn } from "../ui/bits.js";
import { el, fill } from "../ui/el.js";

const SENT_SHOWN = 30;

export async function queueScreen(app) {
  const node = el("div.stack");

  async function update() {
    const { t } = app;
    const { ops, drafts, photos } = app.outbox;
    const piles = { waiting: [], needs: [], sent: [] };
    for (const row of ops) piles[pile(row, ops, photos)].push(row);
    piles.sent.sort((a, b) => (b.answered_ms || 0) - (a.answered_ms || 0));
    fill(node,
      el("section.card", {},
        el("p", { role: "status", "data-testid": "sync-sentence" }, sentence(app, piles)),
        el("button.button.main.wide", { type: "button", "data-testid": "send-now", disabled: app.sync.state.running, onclick: () => app.sendNow() },
          t(app.sync.state.running ? "queue.sending" : "queue.send_now")),
        el("p.quiet", {}, t("queue.may_close"))),
      piles.needs.length ? section(app, "needs", piles.needs.length, piles.needs.map((row) => opRow(app, row))) : null,
      section(app, "drafts", drafts.length, drafts.map((draft) => draftRow(app, draft)), "queue.no_drafts"),
      section(app, "waiting", piles.waiting.length, piles.waiting.map((row) => opRow(app, row)), "queue.none_waiting"),
      section(app, "sent", piles.sent.length, piles.sent.slice(0, SENT_SHOWN).map((row) => opRow(app, row)), "queue.none_sent"));
  }

  await update();
  return { title: app.t("queue.title"), node, update };
}

function section(app, name, n, rows, emptyKey) {
  return el("section", { "data-testid": `pile-${name}` }, el("h2", {}, `${app.t(`pile.${name}`)} (${n})`),
    rows.length ? el("div.stack", {}, rows) : el("p.quiet.none", {}, app.t(emptyKey)));
}

/** One sentence that says how it stands: the end of every sync. */
function sentence(app, piles) {
  const { t } = app;
  const { state } = app.sync;
  const photos = app.outbox.photos.filter((photo) => photo.op_id && ["waiting", "due"].includes(photo.state)).length;
  if (state.running && piles.waiting.length + photos) return t("queue.is_sending", { ops: piles.waiting.length, photos });
  if (state.trouble) return t(`trouble.${state.trouble}`, { time: state.nextMs ? t.time(state.nextMs) : "" });
  if (piles.waiting.length + photos) return t("queue.waiting", { ops: piles.waiting.length, photos });
  if (piles.needs.length) return t("queue.needs", { n: piles.needs.length });
  return t("queue.all_sent", { time: app.follow.synced_ms ? t.when(app.follow.synced_ms, app.now()) : "–" });
}

function draftRow(app, draft) {
  const photos = app.outbox.photos.filter((photo) => photo.draft === draft.id);
  return el("a.card.line", { href: `#/report/${draft.id}`, "data-testid": "draft-line" },
    el("strong", {}, app.categoryName(draft.category) || app.t("draft.no_category")),
    draft.description ? el("span.line-text", {}, draft.description) : null,
    el("span.line-foot.quiet", {}, app.t("draft.foot", { n: photos.length, time: app.t.when(draft.changed_ms, app.now()) })));
}

function opRow(app, row) {
  const { t } = app;
  const photos = app.outbox.photos.filter((photo) => photo.op_id === row.op_id);
  const refused = photos.filter((photo) => photo.state === "refused");
  return el("article.card.line", { "data-testid": "op", "data-op": row.op_id, "data-state": row.state, "data-incident": row.incident || "" },
    el("span.line-top", {}, el("strong", {}, app.opTitle(row)), opTag(app, row)),
    saidIn(row.op) ? el("span.line-text", {}, saidIn(row.op)) : null,
    photos.some((photo) => !photo.freed) ? el("div.row.gallery.small", {}, photos.map((own) => photoTile(app, { id: own.id, own, record: null }))) : null,
    refused.map((photo) => el("p.bad", {}, reason(app, { code: photo.reason }))),
    el("span.line-foot.quiet", {}, foot(app, row, photos)),
    actions(app, row));
}

function opTag(app, row) {
  const { t } = app;
  const { ops } = app.outbox;
  if (isWaiting(row)) {
    if (pile(row, ops) === "needs") return el("span.tag.bad", {}, `! ${t("op.needs")}`);
    if (app.sync.state.running && row.next_ms <= app.now()) return el("span.tag", {}, `◐ ${t("op.sending")}`);
    return el("span.tag.warn", {}, `○ ${t("op.waiting")}`);
  }
  if (row.state === "refused") return el("span.tag.bad", {}, `! ${t("op.refused")}`);
  if (row.state === "taken") return el("span.tag.ok", {}, `✓ ${t("op.taken")}`);
  if (row.state === "conflict") return el("span.tag.warn", {}, `! ${t("op.conflict")}`);
  return el("span.tag.ok", {}, `✓ ${t("op.delivered")}`);
}

function foot(app, row, photos) {
  const { t } = app;
  const parts = [];
  if (isWaiting(row)) {
    if (heldBack(row, app.outbox.ops)) parts.push(t("op.held_back"));
    else if (row.tries) parts.push(t("op.tried", { n: row.tries, time: t.time(Math.max(row.next_ms, app.now())) }), ...reason(app, { code: row.problem }).filter((part) => typeof part === "string"));
    else parts.push(t("op.written", { time: t.when(row.made_ms, app.now()) }));
    if (row.again) parts.push(t("op.again"));
  } else {
    if (row.state === "refused" || row.state === "conflict") parts.push(...reason(app, row.answer || {}).filter(Boolean));
    if (row.answer && row.answer.number) parts.push(row.answer.number);
    const stored = photos.filter((photo) => photo.state === "stored").length;
    if (photos.length) parts.push(t("photo.of", { stored, of: photos.length }));
    const next = photos.filter((photo) => photo.state === "due" && photo.next_ms > app.now()).map((photo) => photo.next_ms);
    if (next.length) parts.push(t("photo.next", { time: t.time(Math.min(...next)) }));
    parts.push(t.when(row.answered_ms, app.now()));
  }
  return parts.flatMap((part, i) => (i ? [" · ", part] : [part]));
}

function actions(app, row) {
  const { t } = app;
  const buttons = [];
  if (row.incident && row.kind !== "incident.report" ? true : row.incident && row.state !== "refused") {
    buttons.push(el("a.button", { href: `#/case/${row.incident}` }, t("op.open")));
  }
  if (mayPullBack(row)) {
    buttons.push(el("button.button", {
      type: "button", "data-testid": "pull-back",
      onclick: async () => {
        const draft = await pullBack(app.store, { opId: row.op_id, draftId: app.newId(), nowMs: app.now() });
        if (!draft) return app.toast(t("op.too_late"), "bad");
        await app.reread();
        return app.go(`#/report/${draft}`);
      },
    }, t(row.state === "refused" ? "op.mend" : "op.pull_back")));
  }
  if (!isWaiting(row) && pile(row, app.outbox.ops, app.outbox.photos) === "needs") buttons.push(el("button.button", { type: "button", onclick: () => dismiss(app.store, { opId: row.op_id }) }, t("op.seen")));
  if (row.state === "refused" || heldBack(row, app.outbox.ops)) {
    buttons.push(el("button.button.bad", {
      type: "button",
      onclick: async () => {
        if (await app.ask(t("op.delete_ask"), t("op.delete"))) await discard(app.store, { opId: row.op_id });
      },
    }, t("op.delete")));
  }
  return buttons.length ? el("div.row", {}, buttons) : null;
}
