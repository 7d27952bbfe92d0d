/* What this browser remembers before any person's store is open: who used it last, which language. Nothing of any case.
   Without localStorage (blocked) it lives in memory only. */

const KEYS = { user: "gridgov.field.user", lang: "gridgov.field.lang" };

export function openDevice(storage) {
  const memory = new Map();
  const read = (key) => {
    try {
      return storage.getItem(key) ?? memory.get(key) ?? null;
    } catch {
      return memory.get(key) ?? null;
    }
  };
  const write = (key, value) => {
    memory.set(key, value);
    try {
      if (value === null) storage.removeItem(key);
      else storage.setItem(key, value);
    } catch {
      // Blocked: memory has it.
    }
  };
  return {
    /** {id, username, name} of the last user, or null. */
    user() {
      try {
        return JSON.parse(read(KEYS.user) || "null");
      } catch {
        return null;
      }
    },
    setUser: (user) => write(KEYS.user, user ? JSON.stringify({ id: user.id, username: user.username, name: user.name, language: user.language }) : null),
    lang: () => read(KEYS.lang),
    setLang: (lang) => write(KEYS.lang, lang),
  };
}
