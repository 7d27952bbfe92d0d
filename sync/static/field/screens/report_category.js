/* The category of a report: the last five as chips, the rest by search. */
import { leaves, searchLeaves } from "../rules/words.js";
import { shownOf } from "../store/records.js";
import { el, fill } from "../ui/el.js";

export async function categoryPart(app, { draft, changed }) {
  const { t } = app;
  const list = leaves({ categories: await shownOf(app.store, "category"), lang: t.lang });
  const state = { open: false, text: "" };
  const chips = el("div.row.chips", { "data-testid": "category-chips" });
  const found = el("div.pick-list", { role: "listbox", "data-testid": "category-list" });
  const search = el("input.input", {
    type: "search", "data-testid": "category-search", placeholder: t("category.search"), "aria-label": t("category.search"),
    oninput: (event) => {
      state.text = event.target.value;
      showList();
    },
  });
  const panel = el("div.stack", { hidden: true }, search, found);
  const hint = el("p.quiet");
  const more = el("button.button", {
    type: "button", "data-testid": "category-more", "aria-expanded": "false",
    onclick: () => {
      state.open = !state.open;
      show();
      if (state.open) search.focus();
    },
  });

  function pick(code) {
    state.open = false;
    changed({ category: code });
    show();
  }

  function showList() {
    const hits = searchLeaves({ list, text: state.text });
    fill(found, hits.length ? hits.slice(0, 100).map((leaf) => el("button.button.pick-row", {
      type: "button", role: "option", "aria-selected": String(leaf.code === draft.category), "data-category": leaf.code, onclick: () => pick(leaf.code),
    }, el("span", {}, leaf.name), el("span.quiet", {}, leaf.group))) : el("p.empty", {}, t(list.length ? "category.none" : "category.not_loaded")));
  }

  function show() {
    const byCode = new Map(list.map((leaf) => [leaf.code, leaf]));
    const codes = [...new Set([draft.category, ...app.recent])].filter((code) => byCode.has(code)).slice(0, 5);
    fill(chips, codes.map((code) => el("button.button.chip", {
      type: "button", "aria-pressed": String(code === draft.category), "data-category": code, onclick: () => pick(code),
    }, byCode.get(code).name)));
    const chosen = byCode.get(draft.category);
    hint.textContent = chosen && chosen.wants_photo ? t("category.wants_photo") : "";
    more.textContent = t(state.open ? "category.less" : "category.more");
    more.setAttribute("aria-expanded", String(state.open));
    panel.hidden = !state.open;
    if (state.open) showList();
  }

  state.open = !draft.category || !list.some((leaf) => leaf.code === draft.category);
  show();
  return { node: el("section.card.stack", {}, el("h2", {}, t("report.category")), chips, more, panel, hint) };
}
