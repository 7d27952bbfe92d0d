/* A store in memory with the same interface as idb.js: for browsers without IndexedDB (nothing survives a reload, and the
   app says so) and for running many phones in one process. Transactions are one after another, whole or not at all. */
import { TABLES } from "./tables.js";

export function openMemory(name = "memory") {
  const tables = new Map(Object.keys(TABLES).map((table) => [table, new Map()]));
  const listeners = new Set();
  let turn = Promise.resolve();

  function view(written) {
    const rows = (table) => written.get(table) || tables.get(table);
    const own = (table) => {
      if (!written.has(table)) written.set(table, new Map(tables.get(table)));
      return written.get(table);
    };
    return {
      get: async (table, key) => copy(rows(table).get(key)),
      all: async (table) => sorted(rows(table)).map(copy),
      by: async (table, index, value) => sorted(rows(table)).filter((row) => row[index] === value).map(copy),
      put: async (table, row) => void own(table).set(row[TABLES[table].key], copy(row)),
      del: async (table, key) => void own(table).delete(key),
      clear: async (table) => void written.set(table, new Map()),
    };
  }

  async function tx(names, mode, work) {
    const before = turn;
    let done;
    turn = new Promise((resolve) => (done = resolve));
    await before;
    try {
      const written = new Map();
      const result = await work(view(written));
      if (mode === "readwrite") for (const [table, rows] of written) tables.set(table, rows);
      if (mode === "readwrite" && written.size) listeners.forEach((listener) => listener([...written.keys()]));
      return result;
    } finally {
      done();
    }
  }

  return {
    name,
    lasting: false,
    tx,
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {},
    async destroy() {
      for (const rows of tables.values()) rows.clear();
    },
  };
}

const copy = (row) => (row === undefined ? undefined : structuredClone(row));
const sorted = (rows) => [...rows.entries()].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, row]) => row);
