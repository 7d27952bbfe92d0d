/* Plane geometry for a small map: projecting, point in polygon, bounds. Pure. Degrees are WGS-84. */

const M_PER_DEG = 111_320;

/** Metres east and north of `origin`; good for a few kilometres, which is all that this map shows. */
export function toMetres(point, origin) {
  const squeeze = Math.cos((origin.lat * Math.PI) / 180);
  return { x: (point.lng - origin.lng) * M_PER_DEG * squeeze, y: (point.lat - origin.lat) * M_PER_DEG };
}

/** The inverse of `toMetres`, rounded to 7 decimals as the protocol keeps them. */
export function toDegrees(metres, origin) {
  const squeeze = Math.cos((origin.lat * Math.PI) / 180);
  const round = (value) => Math.round(value * 1e7) / 1e7;
  return { lng: round(origin.lng + metres.x / (M_PER_DEG * squeeze)), lat: round(origin.lat + metres.y / M_PER_DEG) };
}

/** Rings of a GeoJSON Polygon or MultiPolygon: a list of polygons, each a list of rings. */
export function polygons(geometry) {
  if (!geometry) return [];
  if (geometry.type === "Polygon") return [geometry.coordinates];
  return geometry.type === "MultiPolygon" ? geometry.coordinates : [];
}

function inRing(point, ring) {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
    const [xi, yi] = ring[i];
    const [xj, yj] = ring[j];
    if (yi > point.lat !== yj > point.lat && point.lng < ((xj - xi) * (point.lat - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** True when the point lies in the geometry (holes are outside). Edges may fall either way: the server decides them. */
export function contains(geometry, point) {
  return polygons(geometry).some((rings) => inRing(point, rings[0]) && !rings.slice(1).some((hole) => inRing(point, hole)));
}

/** The first feature that holds the point, or null. */
export function cellAt(features, point) {
  return features.find((feature) => contains(feature.geometry, point)) || null;
}

/** Bounds {west, south, east, north} of features; null when there are none. */
export function bounds(features) {
  let box = null;
  for (const feature of features) {
    for (const rings of polygons(feature.geometry)) {
      for (const [lng, lat] of rings[0]) {
        box = box || { west: lng, east: lng, south: lat, north: lat };
        box.west = Math.min(box.west, lng);
        box.east = Math.max(box.east, lng);
        box.south = Math.min(box.south, lat);
        box.north = Math.max(box.north, lat);
      }
    }
  }
  return box;
}

/** A position in wire form from a browser's fix. Browsers give WGS-84. Null when it is no use: not finite, or exactly (0, 0). */
export function fromFix(coords) {
  const { longitude, latitude, accuracy } = coords;
  if (!Number.isFinite(longitude) || !Number.isFinite(latitude) || (longitude === 0 && latitude === 0)) return null;
  const usable = Number.isFinite(accuracy) && accuracy >= 0 ? Math.min(100_000, Math.round(accuracy)) : null;
  const round = (value) => Math.round(value * 1e7) / 1e7;
  return { lng: round(longitude), lat: round(latitude), datum: "wgs84", accuracy_m: usable, source: "gps" };
}

/** A fix that is older than two minutes or vaguer than 200 m is kept, but the screen says so. */
export function doubtful({ accuracyM, fixMs, nowMs }) {
  if (fixMs !== null && fixMs !== undefined && nowMs - fixMs > 120_000) return "stale";
  return accuracyM !== null && accuracyM !== undefined && accuracyM > 200 ? "vague" : null;
}
