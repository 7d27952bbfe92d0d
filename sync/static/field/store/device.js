/* What this browser remembers before any person's store is open: who used it last, which language. Nothing of any case.
   In a store of its own and not in localStorage, which a killed browser forgets: then a phone without a signal would not
   know whose queue it holds. */

const KEYS = ["user", "lang"];

/** Reads all at once; later reads are at hand, writes are promises that resolve when the store has them. */
export async function openDevice(store) {
  const held = {};
  for (const key of KEYS) held[key] = ((await store.tx(["meta"], "readonly", (t) => t.get("meta", key))) || {}).value ?? null;
  const write = (key, value) => {
    held[key] = value;
    return store.tx(["meta"], "readwrite", (t) => t.put("meta", { key, value }));
  };
  return {
    /** {id, username, name, language} of the last user, or null. */
    user: () => held.user,
    setUser: (user) => write("user", user ? { id: user.id, username: user.username, name: user.name, language: user.language } : null),
    lang: () => held.lang,
    setLang: (lang) => write("lang", lang),
  };
}
