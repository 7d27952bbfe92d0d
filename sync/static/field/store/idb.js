/* The store on the phone: the only file that names IndexedDB. One database per person, so that nobody's queue is sent
   under another's session. Same interface as memory.js. */
import { deleteDB, openDB } from "../../vendor/idb/index.js";
import { TABLES, VERSION } from "./tables.js";

/** Opens (and makes) a database. `onOlder`: another tab holds an older version open; `onNewer`: a newer one wants in. */
export async function openStore(name, { onOlder = () => {}, onNewer = () => {} } = {}) {
  const listeners = new Set();
  const channel = typeof BroadcastChannel === "function" ? new BroadcastChannel(name) : null;
  const db = await openDB(name, VERSION, {
    upgrade(base, oldVersion, newVersion, transaction) {
      for (const [table, shape] of Object.entries(TABLES)) {
        const store = base.objectStoreNames.contains(table) ? transaction.objectStore(table) : base.createObjectStore(table, { keyPath: shape.key });
        for (const index of shape.indexes) if (!store.indexNames.contains(index)) store.createIndex(index, index);
      }
    },
    blocked: onOlder,
    blocking() {
      onNewer();
      db.close();
    },
  });
  const tell = (tables) => listeners.forEach((listener) => listener(tables));
  if (channel) channel.onmessage = (message) => tell(message.data);

  async function tx(names, mode, work) {
    // "strict": the browser calls back when the data is on the disk, not when it is in the kernel's hands.
    const transaction = db.transaction(names, mode, { durability: mode === "readwrite" ? "strict" : "default" });
    const written = new Set();
    const at = (table) => transaction.objectStore(table);
    const change = (table, request) => {
      written.add(table);
      return request;
    };
    const access = {
      get: (table, key) => at(table).get(key),
      all: (table) => at(table).getAll(),
      by: (table, index, value) => at(table).index(index).getAll(value),
      put: (table, row) => change(table, at(table).put(row)),
      del: (table, key) => change(table, at(table).delete(key)),
      clear: (table) => change(table, at(table).clear()),
    };
    let result;
    try {
      result = await work(access);
    } catch (error) {
      try {
        transaction.abort();
      } catch {
        // It has failed by itself already.
      }
      transaction.done.catch(() => {});
      throw error;
    }
    await transaction.done;
    if (written.size) {
      tell([...written]);
      if (channel) channel.postMessage([...written]);
    }
    return result;
  }

  return {
    name,
    lasting: true,
    tx,
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      if (channel) channel.close();
      db.close();
    },
    async destroy() {
      if (channel) channel.close();
      db.close();
      await deleteDB(name);
    },
  };
}
