/* Shapes of cells for the small map, kept on the phone with their ETag; and where a point lies, asked of the server. */
const DAY_MS = 86_400_000;

/** Features of the cells under a place: from the phone at once, from the server when a day old. Null when neither has them. */
export async function cellsUnder({ api, store, code, clock }) {
  const key = `grid:${code}`;
  const held = await store.tx(["maps"], "readonly", (t) => t.get("maps", key));
  if (held && clock() - held.at_ms < DAY_MS) return held.features;
  try {
    const answer = await api.call("GET", `cells.geojson?${new URLSearchParams({ level: "grid", under: code })}`, {
      headers: { Accept: "application/geo+json, application/json", ...(held && held.etag ? { "If-None-Match": held.etag } : {}) },
    });
    if (answer.status === 200 && answer.body && Array.isArray(answer.body.features)) {
      const row = { key, features: answer.body.features, etag: answer.header("ETag"), at_ms: clock() };
      await store.tx(["maps"], "readwrite", (t) => t.put("maps", row));
      return row.features;
    }
    if (answer.status === 304 && held) await store.tx(["maps"], "readwrite", (t) => t.put("maps", { ...held, at_ms: clock() }));
  } catch {
    // Offline: what is held will do.
  }
  return held ? held.features : null;
}

/** The cell and its ancestors at a point, or null when the server cannot be asked; {outside: true, …} beyond the city. */
export async function locate({ api, point }) {
  try {
    const query = new URLSearchParams({ lng: String(point.lng), lat: String(point.lat), datum: point.datum });
    const answer = await api.call("GET", `cells/locate?${query}`);
    if (answer.status === 200) return answer.body;
    if (answer.status === 404 && answer.body && answer.body.code === "outside_grid") return { outside: true, ...answer.body };
  } catch {
    // Offline.
  }
  return null;
}
