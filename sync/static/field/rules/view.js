/* What I see = the server's record + my own ops that it does not contain yet. Pure. The client never merges:
   where the server has answered and the feed has come, the record alone counts. */

/** True while an op's effect may be missing from the record that this phone holds. */
export function stillGuess({ row, record, seenSeq }) {
  if (!row.op) return false;
  if (row.state === "waiting") return true;
  if (row.state !== "applied" && row.state !== "merged") return false;
  if (row.kind === "incident.report") return !record && !seen(row, seenSeq);
  if (record && row.answer && row.answer.version) return record.version < row.answer.version && !seen(row, seenSeq);
  return !seen(row, seenSeq);
}

function seen(row, seenSeq) {
  const seq = row.answer && row.answer.seq;
  return seq === null || seq === undefined || seq <= seenSeq;
}

/** The incident as this person sees it: record keys, then `guessed` (names of fields shown from own ops), `waiting` (rows), `local`. */
export function viewIncident({ record, ops, seenSeq, incident, userId }) {
  const own = ops.filter((row) => row.incident === incident && stillGuess({ row, record, seenSeq })).sort((a, b) => a.n - b.n);
  const report = own.find((row) => row.kind === "incident.report");
  if (!record && !report) return null;
  const view = record ? { ...record } : fromReport({ row: report, userId });
  const guessed = new Set();
  for (const row of own) {
    if (row.kind !== "incident.edit") continue;
    for (const [name, value] of Object.entries(row.op.fields)) {
      view[name] = value;
      guessed.add(name);
    }
  }
  return { ...view, guessed: [...guessed], waiting: own, local: !record };
}

function fromReport({ row, userId }) {
  const op = row.op;
  return {
    id: op.incident, number: (row.answer && row.answer.number) || null, version: (row.answer && row.answer.version) || 1, state: null,
    category: op.category, description: op.description || "", urgent: Boolean(op.urgent), position: op.position || null,
    address: op.address || null, cell: (row.answer && row.answer.cell) || null, at: op.at, received_at: null, due_at: null,
    by: { user: userId, unit: null, role: null }, closed_at: null,
  };
}

/** All incidents as seen, newest first. `open` is the set of state codes that are open; a report without state is open. */
export function viewList({ records, ops, seenSeq, userId, open, onlyOpen = false, mine = false, text = "", names = () => "" }) {
  const byId = new Map(records.map((record) => [record.id, record]));
  const ids = new Set([...byId.keys(), ...ops.filter((row) => row.kind === "incident.report").map((row) => row.incident)]);
  const needle = text.trim().toLowerCase();
  return [...ids]
    .map((id) => viewIncident({ record: byId.get(id), ops, seenSeq, incident: id, userId }))
    .filter(Boolean)
    .filter((view) => !onlyOpen || isOpen(view, open))
    .filter((view) => !mine || (view.by && view.by.user === userId))
    .filter((view) => !needle || `${view.number || ""} ${view.description || ""} ${names(view.category)} ${view.address || ""}`.toLowerCase().includes(needle))
    .sort((a, b) => order(b) - order(a));
}

export const isOpen = (view, open) => view.state === null || open.has(view.state);

const order = (view) => Date.parse(view.received_at || view.at) || 0;

/** The timeline of a case, newest on top: events, with the photos that came with them, then own waiting ops as guesses. */
export function timeline({ events, photos, view, ownPhotos, conflicts = [] }) {
  const items = events.map((event) => ({ key: event.id, at: event.received_at || event.at, n: event.n, event, waiting: false }));
  const known = new Set(events.map((event) => event.id));
  for (const row of view.waiting) {
    if (row.kind === "incident.comment" && known.has(row.op.comment)) continue;
    items.push({ key: row.op_id, at: row.op.at, n: Infinity, row, waiting: true });
  }
  for (const conflict of conflicts) items.push({ key: conflict.id, at: conflict.parked_at, n: 0, conflict, waiting: false });
  const order2 = (item) => Date.parse(item.at) || 0;
  items.sort((a, b) => Number(b.waiting) - Number(a.waiting) || order2(b) - order2(a) || b.n - a.n);
  return { items, pictures: pictures({ photos, ownPhotos }) };
}

/** The photos of a case: the server's records first, then those that only this phone knows. Withdrawn ones are left out. */
export function pictures({ photos, ownPhotos }) {
  const known = new Set(photos.map((photo) => photo.id));
  const own = new Map(ownPhotos.map((photo) => [photo.id, photo]));
  return [
    ...photos.filter((photo) => photo.state !== "withdrawn").map((record) => ({ id: record.id, record, own: own.get(record.id) || null })),
    ...ownPhotos.filter((photo) => !known.has(photo.id) && photo.op_id && photo.state !== "withdrawn").map((photo) => ({ id: photo.id, record: null, own: photo })),
  ];
}

/** "2 of 3": how many pictures of a case the server has stored. */
export function storedOf(list) {
  return { stored: list.filter((item) => item.record && item.record.state === "stored").length, of: list.length };
}

/** Which case fields a person of this phone may try to change: everything while open; the server has the last word. */
export const mayEdit = (view, open) => isOpen(view, open) && view.description !== null && !view.local;

/** The conflicts that wait for this person: their own, open, and not already answered by a waiting op. */
export function ownConflicts({ conflicts, ops, userId }) {
  const going = new Set(ops.filter((row) => row.kind === "conflict.resolve" && row.op && row.state !== "refused").map((row) => row.op.conflict));
  return conflicts
    .filter((conflict) => conflict.state === "open" && conflict.by === userId && conflict.kind !== "handover")
    .map((conflict) => ({ ...conflict, answered: going.has(conflict.id) }));
}
