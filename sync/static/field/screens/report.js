/* Report: photo first, everything after it has a default. Each change is in the draft within 300 ms; saving is one
   transaction, and what has not been confirmed by the store within 10 s is called "not saved". */
import { LIMITS, draftProblems } from "../rules/ops.js";
import { addPhoto, deleteDraft, removePhoto, saveDraft, saveReport } from "../store/outbox.js";
import { NotSaved, within } from "../store/tables.js";
import { shrink } from "../ui/shrink.js";
import { photoTile } from "../ui/bits.js";
import { el, fill } from "../ui/el.js";
import { categoryPart } from "./report_category.js";
import { placePart } from "./report_place.js";

const DEBOUNCE_MS = 300;

export async function reportScreen(app, { id }) {
  const { t } = app;
  const { draft, isNew } = await openDraft(app, id);
  const state = { isNew, timer: null, saving: Promise.resolve(), busy: false, touched: !isNew, asked: false, photos: app.outbox.photos.filter((photo) => photo.draft === draft.id), gone: false };

  /** `byItself`: the phone found its place. That alone does not make a draft of a screen that was only looked at. */
  function changed(fields, byItself = false) {
    Object.assign(draft, fields, { changed_ms: app.now() });
    state.touched ||= !byItself;
    if (!state.touched) return;
    app.setBusy(true);
    clearTimeout(state.timer);
    state.timer = setTimeout(flush, DEBOUNCE_MS);
    check();
  }

  /** Writes the draft now. Serial: a slow write must not land after a later one. */
  function flush() {
    clearTimeout(state.timer);
    state.timer = null;
    const row = structuredClone(draft);
    state.saving = state.saving.then(async () => {
      if (state.gone) return;
      try {
        const alive = await within(saveDraft(app.store, { draft: row, isNew: state.isNew }), app.timers);
        state.isNew = false;
        if (!alive) state.gone = true;
        app.setBusy(false);
        note.textContent = t("report.draft_saved", { time: t.time(app.now()) });
      } catch (error) {
        note.textContent = notSaved(error);
      }
    });
    return state.saving;
  }

  function notSaved(error) {
    return error instanceof NotSaved && error.reason === "quota" ? t("store.full") : t("store.not_saved");
  }

  const note = el("p.quiet", { role: "status", "data-testid": "draft-note" });
  const problems = el("ul.problems.bad", { "data-testid": "problems", hidden: true });
  const thumbs = el("div.row.gallery.thumbs");
  const gallery = el("div.row.gallery", { "data-testid": "gallery" }, thumbs, picker("camera", "report.camera", { capture: "environment" }), picker("photos", "report.gallery", { multiple: true }));
  const save = el("button.button.main.wide", { type: "button", id: "save-report", "data-testid": "save-report", onclick: () => send() }, t("report.save"));

  async function take(files) {
    for (const file of files) {
      if (state.photos.length >= LIMITS.photos_per_op) return app.toast(t("report.too_many_photos"), "bad");
      note.textContent = t("report.photo_working");
      try {
        const made = await shrink(file);
        const photo = {
          id: app.newId(), n: Math.max(0, ...state.photos.map((row) => row.n)) + 1, draft: draft.id, op_id: "", incident: draft.incident, sha256: made.sha256,
          size: made.size, stage: "before", taken_ms: file.lastModified || app.now(), state: "draft", offset: 0, url: null, tries: 0, next_ms: 0,
        };
        if (state.photos.some((row) => row.sha256 === photo.sha256)) {
          note.textContent = t("report.photo_twice");
          continue;
        }
        await flush();
        await within(addPhoto(app.store, { photo, bytes: made.bytes }), app.timers);
        state.photos.push(photo);
        note.textContent = t("report.draft_saved", { time: t.time(app.now()) });
      } catch (error) {
        note.textContent = "";
        app.toast(error instanceof NotSaved ? notSaved(error) : t("report.photo_unreadable"), "bad");
      }
      showPhotos();
    }
    changed({});
    return null;
  }

  function picker(name, key, extra) {
    return el("label.button.pick", {}, t(key), el("input.unseen", {
      type: "file", name, "data-testid": name, accept: "image/jpeg,image/png,image/webp", ...extra,
      onchange: async (event) => {
        const files = [...event.target.files];
        await take(files);
        event.target.value = "";
      },
    }));
  }

  function showPhotos() {
    fill(thumbs, state.photos.map((own) => el("div.photo-box", {}, photoTile(app, { id: own.id, own, record: null }),
      el("button.button.remove", {
        type: "button", "aria-label": t("report.photo_remove"),
        onclick: async () => {
          await removePhoto(app.store, { id: own.id });
          state.photos = state.photos.filter((row) => row.id !== own.id);
          showPhotos();
          changed({});
        },
      }, "✕"))));
  }

  function check() {
    const found = draftProblems({ draft, photos: state.photos });
    fill(problems, state.asked ? found.map((key) => el("li", {}, t(key))) : []);
    problems.hidden = !(state.asked && found.length);
    return found;
  }

  async function send() {
    state.asked = true;
    if (check().length || state.busy) {
      problems.scrollIntoView({ block: "center" });
      return;
    }
    state.busy = true;
    save.disabled = true;
    save.textContent = t("report.saving");
    await flush();
    const write = saveReport(app.store, { draft: structuredClone(draft), opId: app.newId(), nowMs: app.now(), title: draft.category });
    write.then(() => saved(), () => {});
    try {
      await within(write, app.timers);
    } catch (error) {
      app.toast(notSaved(error), "bad");
    } finally {
      state.busy = false;
      save.disabled = false;
      save.textContent = t("report.save");
    }
  }

  /** Also called when the store answers after all, later than 10 s. */
  async function saved() {
    state.gone = true;
    app.setBusy(false);
    app.protect();
    app.toast(t("report.saved"), "ok");
    app.sync.wake();
    app.go("#/queue");
    await app.rememberCategory(draft.category);
  }

  const category = await categoryPart(app, { draft, changed });
  const place = await placePart(app, { draft, changed });
  const text = el("textarea.input", {
    id: "description", rows: 3, maxlength: LIMITS.description, "data-testid": "description", placeholder: t("report.text_hint"),
    oninput: (event) => changed({ description: event.target.value }),
  });
  text.value = draft.description || "";
  const address = el("input.input", {
    id: "address", maxlength: 200, "data-testid": "address", placeholder: t("report.address_hint"), value: draft.address || "",
    oninput: (event) => changed({ address: event.target.value }),
  });
  const urgent = el("label.check", {}, el("input", {
    type: "checkbox", "data-testid": "urgent", checked: Boolean(draft.urgent), onchange: (event) => changed({ urgent: event.target.checked }),
  }), el("span", {}, t("report.urgent")));
  showPhotos();

  const node = el("form.stack", { onsubmit: (event) => event.preventDefault() },
    el("section.card", {}, el("h2", {}, t("report.photos")), gallery),
    category.node, place.node,
    el("section.card", {}, el("label.field", {}, el("span", {}, t("report.text")), text), el("label.field", {}, el("span", {}, t("report.address")), address), urgent),
    problems, note,
    el("div.row.spread", {},
      el("button.button", { type: "button", "data-testid": "keep-draft", onclick: async () => {
        await flush();
        app.toast(t("report.kept"), "ok");
        app.go("#/queue");
      } }, t("report.keep")),
      el("button.button.bad", { type: "button", "data-testid": "delete-draft", onclick: async () => {
        if (!(await app.ask(t("report.delete_ask"), t("report.delete")))) return;
        state.gone = true;
        await deleteDraft(app.store, { id: draft.id });
        app.setBusy(false);
        app.go("#/today");
      } }, t("report.delete"))),
    el("div.foot", {}, save));

  return {
    title: t("nav.report"), back: "#/today", node, update: () => showPhotos(),
    flush: () => (state.timer ? flush() : state.saving),
    close: () => {
      if (state.timer) flush();
      place.close();
      app.setBusy(false);
    },
  };
}

async function openDraft(app, id) {
  const held = id ? app.outbox.drafts.find((row) => row.id === id) : null;
  if (held) return { draft: structuredClone(held), isNew: false };
  const draft = {
    id: id || app.newId(), incident: app.newId(), made_ms: app.now(), changed_ms: app.now(), category: app.recent[0] || "", description: "",
    urgent: false, position: null, cell: null, address: "",
  };
  if (!id) app.replace(`#/report/${draft.id}`);
  return { draft, isNew: true };
}
