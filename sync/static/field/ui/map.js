/* A small map without tiles: cells as outlines, a pin that stays in the middle while the map moves under it, the ring of
   accuracy around the fix. Tap = go there, drag = move, + − and arrow keys. Says so when the shapes are not real boundaries. */
import { bounds, polygons, toDegrees, toMetres } from "../rules/geo.js";
import { el, fill, svg } from "./el.js";

const HEIGHT = 240;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** → {node, show({features, centre, fix, chosen})}. `onMove({lng, lat})` when the person has put the pin somewhere. */
export function makeMap({ t, onMove, fixed = false }) {
  const paths = svg("g");
  const ring = svg("circle", { class: "ring", r: 0 });
  const dot = svg("circle", { class: "fix", r: 0 });
  const world = svg("g", {}, paths, ring, dot);
  const pin = svg("g", { class: "pin" }, svg("path", { d: "M-14 0H-4M4 0H14M0 -14V-4M0 4V14" }), svg("circle", { r: 4 }));
  const canvas = svg("svg", { class: "map-canvas", role: "img", tabindex: "0", "aria-label": t("map.label"), height: HEIGHT }, world, pin);
  const mark = el("p.map-mark", { hidden: true }, t("map.synthetic"));
  const hint = el("p.map-hint.quiet", {}, t("map.none"));
  const node = el("div.map", { "data-testid": "map" }, canvas, mark, hint);
  const state = { origin: null, centre: { x: 0, y: 0 }, perPixel: 2, features: [], fix: null, chosen: null, zoomed: false };

  if (!fixed) {
    const zoom = (factor) => {
      state.perPixel = Math.min(200, Math.max(0.1, state.perPixel * factor));
      state.zoomed = true;
      place();
    };
    node.append(el("div.map-zoom", {},
      el("button.button", { type: "button", "aria-label": t("map.closer"), onclick: () => zoom(0.5) }, "＋"),
      el("button.button", { type: "button", "aria-label": t("map.wider"), onclick: () => zoom(2) }, "−")));
    listen();
  }

  function listen() {
    let from = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (!state.origin) return;
      canvas.setPointerCapture(event.pointerId);
      from = { x: event.clientX, y: event.clientY, centre: { ...state.centre }, far: false };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!from) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      from.far ||= Math.hypot(dx, dy) > 6;
      if (!from.far) return;
      state.centre = { x: from.centre.x - dx * state.perPixel, y: from.centre.y + dy * state.perPixel };
      place();
    });
    canvas.addEventListener("pointerup", (event) => {
      if (!from) return;
      if (!from.far) {
        const box = canvas.getBoundingClientRect();
        state.centre = {
          x: from.centre.x + (event.clientX - box.left - box.width / 2) * state.perPixel,
          y: from.centre.y - (event.clientY - box.top - HEIGHT / 2) * state.perPixel,
        };
        place();
      }
      from = null;
      onMove(toDegrees(state.centre, state.origin));
    });
    canvas.addEventListener("pointercancel", () => (from = null));
    canvas.addEventListener("keydown", (event) => {
      const step = KEYS[event.key];
      if (!step || !state.origin) return;
      event.preventDefault();
      state.centre = { x: state.centre.x + step[0] * 10 * state.perPixel, y: state.centre.y + step[1] * 10 * state.perPixel };
      place();
      onMove(toDegrees(state.centre, state.origin));
    });
  }

  function draw() {
    fill(paths, state.features.map((feature) => svg("path", {
      d: outline(feature.geometry), class: feature.properties && feature.properties.code === state.chosen ? "cell chosen" : "cell",
    }, svg("title", {}, (feature.properties && feature.properties.name) || ""))));
    mark.hidden = !state.features.some((feature) => feature.properties && feature.properties.synthetic);
    hint.hidden = Boolean(state.origin);
  }

  function outline(geometry) {
    const ring1 = (points) => `M${points.map(([lng, lat]) => {
      const at = toMetres({ lng, lat }, state.origin);
      return `${at.x.toFixed(1)} ${at.y.toFixed(1)}`;
    }).join("L")}Z`;
    return polygons(geometry).map((rings) => rings.map(ring1).join("")).join("");
  }

  function place() {
    const scale = 1 / state.perPixel;
    const width = canvas.clientWidth || 320;
    world.setAttribute("transform", `translate(${width / 2} ${HEIGHT / 2}) scale(${scale} ${-scale}) translate(${-state.centre.x} ${-state.centre.y})`);
    pin.setAttribute("transform", `translate(${width / 2} ${HEIGHT / 2})`);
    pin.setAttribute("visibility", state.origin ? "visible" : "hidden");
    if (!state.fix || !state.origin) return;
    const at = toMetres(state.fix, state.origin);
    for (const [circle, r] of [[ring, state.fix.accuracy_m || 0], [dot, 4 * state.perPixel]]) {
      circle.setAttribute("cx", at.x);
      circle.setAttribute("cy", at.y);
      circle.setAttribute("r", r);
    }
  }

  /** The first zoom: the cell that is meant is seen whole, wherever the pin stands in it. */
  function showWhole(feature) {
    const box = feature && bounds([feature]);
    if (!box) return;
    const [low, high] = [toMetres({ lng: box.west, lat: box.south }, state.origin), toMetres({ lng: box.east, lat: box.north }, state.origin)];
    const away = (from, to, at) => 2 * Math.max(Math.abs(at - from), Math.abs(to - at));
    const { x, y } = state.centre;
    state.perPixel = Math.max(0.3, (1.1 * away(low.x, high.x, x)) / (canvas.clientWidth || 320), (1.1 * away(low.y, high.y, y)) / HEIGHT);
    state.zoomed = true;
  }

  function show({ features, centre, fix, chosen }) {
    if (features && features !== state.features) {
      state.features = features;
      const box = bounds(features);
      if (box && !state.origin) {
        state.origin = { lng: (box.west + box.east) / 2, lat: (box.south + box.north) / 2 };
        const size = toMetres({ lng: box.east, lat: box.north }, state.origin);
        state.perPixel = Math.max(0.5, (2 * size.y) / HEIGHT, (2 * size.x) / (canvas.clientWidth || 320));
      }
    }
    if (centre && !state.origin) state.origin = { lng: centre.lng, lat: centre.lat };
    if (fix !== undefined) state.fix = fix;
    if (chosen !== undefined) state.chosen = chosen;
    if (centre) state.centre = toMetres(centre, state.origin);
    if (state.chosen && !state.zoomed) showWhole(state.features.find((feature) => feature.properties.code === state.chosen));
    if (state.origin) draw();
    place();
  }

  if (typeof ResizeObserver === "function") new ResizeObserver(() => place()).observe(canvas);
  return { node, show };
}
