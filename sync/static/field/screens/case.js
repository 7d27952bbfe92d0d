/* One case: where it stands, its photos, the timeline with the newest on top; edit the text, comment, add a photo. */
import { commentOp, editOp, LIMITS, photoOp } from "../rules/ops.js";
import { mayEdit, ownConflicts, storedOf, timeline, viewIncident } from "../rules/view.js";
import { addOp } from "../store/outbox.js";
import { caseOf } from "../store/records.js";
import { NotSaved, within } from "../store/tables.js";
import { empty, leftText, photoTile, stateTag } from "../ui/bits.js";
import { el, fill } from "../ui/el.js";
import { shrink } from "../ui/shrink.js";
import { timelineList } from "./case_timeline.js";

export async function caseScreen(app, { id }) {
  const { t } = app;
  const head = el("section.card.stack");
  const gallery = el("section.card");
  const lines = el("section");
  const state = { view: null, editing: null };
  const text = el("textarea.input", { rows: 2, maxlength: LIMITS.comment, "data-testid": "comment", "aria-label": t("case.comment"), placeholder: t("case.comment_hint") });
  const say = el("button.button.main", { type: "button", "data-testid": "send-comment", onclick: () => comment() }, t("case.comment_send"));
  const picker = el("label.button.pick", {}, t("case.add_photo"), el("input.unseen", {
    type: "file", accept: "image/jpeg,image/png,image/webp", capture: "environment", "data-testid": "case-photo",
    onchange: (event) => addPicture(event.target),
  }));
  const tools = el("section.card.stack", {}, text, el("div.row", {}, say, picker));

  async function put(op, extra = {}) {
    try {
      await within(addOp(app.store, { op, title: state.view.category, nowMs: app.now(), ...extra }), app.timers);
      app.sync.wake();
      return true;
    } catch (error) {
      app.toast(t(error instanceof NotSaved && error.reason === "quota" ? "store.full" : "store.not_saved"), "bad");
      return false;
    }
  }

  async function comment() {
    if (!text.value.trim()) return text.focus();
    const op = commentOp({ incident: id, comment: app.newId(), text: text.value, opId: app.newId(), nowMs: app.now() });
    say.disabled = true;
    if (await put(op)) text.value = "";
    say.disabled = false;
    return null;
  }

  async function addPicture(input) {
    const [file] = input.files;
    if (!file) return;
    try {
      const made = await shrink(file);
      const photo = {
        id: app.newId(), n: app.now(), sha256: made.sha256, size: made.size, stage: "during", taken_ms: file.lastModified || app.now(),
        state: "waiting", offset: 0, url: null, tries: 0, next_ms: 0,
      };
      await put(photoOp({ incident: id, photo, opId: app.newId(), nowMs: app.now() }), { photo, bytes: made.bytes });
    } catch {
      app.toast(t("report.photo_unreadable"), "bad");
    }
    input.value = "";
  }

  /** What the screen showed when editing began is the base, whatever arrives while the person types. */
  function startEdit() {
    state.editing = { base: state.view.description || "", version: state.view.version, text: state.view.description || "" };
    showHead();
    head.querySelector("textarea").focus();
  }

  async function endEdit() {
    const { base, version, text: now } = state.editing;
    if (now === base || await put(editOp({
      incident: id, baseVersion: version, base: { description: base }, fields: { description: now }, opId: app.newId(), nowMs: app.now(),
    }))) {
      state.editing = null;
      app.setBusy(false);
      update();
    }
  }

  function editor() {
    const area = el("textarea.input", {
      rows: 4, maxlength: LIMITS.description, "data-testid": "edit-text", "aria-label": t("field.description"),
      oninput: (event) => {
        state.editing.text = event.target.value;
        app.setBusy(true);
      },
    });
    area.value = state.editing.text;
    return el("div.stack", {}, area, el("div.row", {},
      el("button.button.main", { type: "button", "data-testid": "edit-save", onclick: () => endEdit() }, t("case.save")),
      el("button.button", {
        type: "button",
        onclick: () => {
          state.editing = null;
          app.setBusy(false);
          showHead();
        },
      }, t("case.cancel"))));
  }

  function showHead() {
    const { view } = state;
    const cell = app.placeName(view.cell);
    fill(head,
      el("div.line-top", {}, el("h2", {}, app.categoryName(view.category)), view.urgent ? el("span.tag.bad", {}, `‼ ${t("urgent")}`) : null, el("span", { "data-testid": "case-state" }, stateTag(app, view))),
      el("p.quiet", {}, [view.number, cell, view.address].filter(Boolean).join(" · "), " ", leftText(app, view)),
      state.editing ? editor() : el("div", {},
        el("p.text", { "data-testid": "case-text" }, view.description === null && view.restricted ? t("case.restricted") : view.description || t("case.no_text")),
        view.guessed.length ? el("p.warn", { "data-testid": "case-guess" }, t("case.not_sent_yet")) : null,
        mayEdit(view, app.open) ? el("button.button", { type: "button", "data-testid": "edit", onclick: startEdit }, t("case.edit")) : null));
  }

  async function update() {
    const parts = await caseOf(app.store, id);
    const view = viewIncident({ record: parts.record, ops: app.outbox.ops, seenSeq: app.follow.seen_seq, incident: id, userId: app.userId });
    tools.hidden = !view;
    if (!view) {
      fill(head, empty(app, "case.gone", el("a.button", { href: "#/list" }, t("list.title"))));
      fill(gallery);
      gallery.hidden = true;
      return fill(lines);
    }
    state.view = view;
    if (!state.editing) showHead();
    const own = app.outbox.photos.filter((photo) => photo.incident === id && photo.op_id);
    const mine = ownConflicts({ conflicts: parts.conflict, ops: app.outbox.ops, userId: app.userId });
    const { items, pictures } = timeline({ events: parts.event, photos: parts.photo, view, ownPhotos: own });
    const count = storedOf(pictures);
    gallery.hidden = pictures.length === 0;
    fill(gallery, el("h2", { "data-testid": "photo-count" }, t("photo.of", count)), el("div.row.gallery", {}, pictures.map((item) => photoTile(app, item))));
    return fill(lines,
      mine.map((conflict) => el("a.notice.bad.block", { href: `#/conflict/${conflict.id}`, "data-testid": "conflict-line" },
        t(conflict.answered ? "conflict.answered" : "today.conflict_field", { field: t(`field.${conflict.field}`) }))),
      el("h2", {}, t("case.timeline")), timelineList(app, items));
  }

  await update();
  return { title: t("case.title"), back: "#/list", node: el("div.stack", {}, head, gallery, tools, lines), update };
}
