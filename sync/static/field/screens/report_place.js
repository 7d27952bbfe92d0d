/* The place of a report: the phone's own fix with its accuracy, a pin on the small map, or a cell from the list. */
import { cellsUnder, locate } from "../net/places.js";
import { cellAt, doubtful } from "../rules/geo.js";
import { findPlace } from "../ui/locate.js";
import { el, fill } from "../ui/el.js";
import { makeMap } from "../ui/map.js";

export async function placePart(app, { draft, changed }) {
  const { t } = app;
  const state = { features: [], stop: () => {}, fix: draft.position && draft.position.source === "gps" ? draft.position : null, fixMs: null, searching: false, problem: null, closed: false };
  const line = el("p", { role: "status", "data-testid": "place-line" });
  const again = el("button.button", { type: "button", "data-testid": "use-gps", onclick: () => search(true) });
  const cells = el("select.input", { "data-testid": "cell-select", "aria-label": t("place.cell"), onchange: (event) => chooseCell(event.target.value) });
  const map = makeMap({
    t,
    onMove: (point) => {
      changed({ position: { ...point, datum: "wgs84", accuracy_m: null, source: "map" }, cell: null });
      state.stop();
      show();
    },
  });

  function chosenFeature() {
    if (draft.position) return cellAt(state.features, draft.position);
    return state.features.find((feature) => feature.properties.id === draft.cell) || null;
  }

  function show() {
    const feature = chosenFeature();
    const where = feature ? feature.properties.name : "";
    map.show({ fix: state.fix, chosen: feature ? feature.properties.code : null });
    cells.value = !draft.position && draft.cell ? draft.cell : "";
    again.textContent = state.searching ? t("place.searching") : `◎ ${t("place.use_gps")}`;
    line.className = "";
    if (draft.position) {
      const { accuracy_m: accuracy, source } = draft.position;
      const doubt = source === "gps" ? doubtful({ accuracyM: accuracy, fixMs: state.fixMs, nowMs: app.now() }) : null;
      const how = source === "gps" ? `◎ ${accuracy === null ? t("place.gps") : `±${accuracy} m`}` : `＋ ${t("place.pin")}`;
      line.textContent = [how, where || (state.features.length ? t("place.elsewhere") : ""), doubt ? t(`place.${doubt}`) : ""].filter(Boolean).join(" · ");
      if (doubt) line.className = "warn";
    } else if (draft.cell) line.textContent = `▦ ${where || t("place.cell_chosen")}`;
    else {
      line.textContent = state.searching ? t("place.searching") : state.problem ? t(`place.${state.problem}`) : t("place.needed");
      if (!state.searching) line.className = "warn";
    }
  }

  function chooseCell(id) {
    if (!id) return;
    state.stop();
    const feature = state.features.find((row) => row.properties.id === id);
    changed({ cell: id, position: null });
    show();
    const middle = feature && feature.properties.centroid;
    if (middle) map.show({ centre: middle });
  }

  function search(asked) {
    if (state.searching) return;
    state.searching = true;
    state.problem = null;
    if (asked) changed({ cell: null });
    state.stop = findPlace({
      geolocation: navigator.geolocation,
      onFix: (position, fixMs) => {
        if (state.closed) return;
        Object.assign(state, { fix: position, fixMs });
        if (draft.cell || (draft.position && draft.position.source === "map" && !asked)) return show();
        changed({ position }, !asked);
        map.show({ fix: position, centre: position });
        return show();
      },
      onEnd: (problem) => {
        state.searching = false;
        state.problem = problem;
        if (!state.closed) show();
        if (!state.features.length && state.fix && !state.closed) loadAround(state.fix);
      },
    });
    show();
  }

  async function load(code) {
    const features = await cellsUnder({ api: app.api, store: app.store, code, clock: app.now });
    if (!features || state.closed) return;
    state.features = features;
    fill(cells, el("option", { value: "" }, t("place.cell")), features
      .map((feature) => feature.properties).sort((a, b) => (a.code < b.code ? -1 : 1))
      .map((cell) => el("option", { value: cell.id }, cell.name)));
    map.show({ features, centre: draft.position || undefined });
    show();
  }

  /** Somebody without an area of a map's size (a supervisor): the community around the fix. */
  async function loadAround(point) {
    const found = await locate({ api: app.api, point });
    const community = found && !found.outside && (found.ancestors || []).find((place) => place.level === "community");
    if (community) await load(community.code);
  }

  show();
  const code = app.mapCode();
  if (code) load(code);
  if (!draft.position && !draft.cell) search(false);
  return {
    node: el("section.card.stack", {}, el("h2", {}, t("report.place")), line, el("div.row", {}, again, cells), map.node, el("p.quiet", {}, t("map.how"))),
    close: () => {
      state.closed = true;
      state.stop();
    },
  };
}
