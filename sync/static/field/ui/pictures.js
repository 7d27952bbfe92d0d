/* Where a picture comes from: own bytes as an object URL (made once, the oldest let go), else the server's thumbnail. */
const KEPT = 120;

/** `load(id)` → ArrayBuffer or null; `ready()` is called when bytes have come and the screen should draw again. */
export function makePictures({ load, ready, base = "/api/v1/" }) {
  const urls = new Map();
  const asked = new Set();

  async function fetchOwn(id) {
    asked.add(id);
    const bytes = await load(id);
    if (!bytes) return;
    urls.set(id, URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" })));
    if (urls.size > KEPT) {
      const [oldest] = urls.keys();
      URL.revokeObjectURL(urls.get(oldest));
      urls.delete(oldest);
      asked.delete(oldest);
    }
    ready();
  }

  return {
    src({ id, own, record }) {
      if (urls.has(id)) return urls.get(id);
      if (own && !own.freed && !asked.has(id)) fetchOwn(id);
      if (own && !own.freed) return null;
      return record && record.state === "stored" ? `${base}photos/${id}/thumb` : null;
    },
  };
}
