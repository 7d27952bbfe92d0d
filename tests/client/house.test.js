// What holds the client together: both languages have every sentence, imports go downwards, the size stays small.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import en from "../../sync/static/field/i18n/en.js";
import zh from "../../sync/static/field/i18n/zh.js";

const ROOT = fileURLToPath(new URL("../../sync/static/field/", import.meta.url));
const files = readdirSync(ROOT, { recursive: true }).filter((name) => name.endsWith(".js")).map((name) => name.replaceAll("\\", "/"));
const source = (name) => readFileSync(join(ROOT, name), "utf8");

// May import: folder → folders below it (and its own).
const LAYERS = {
  rules: ["rules"], i18n: ["i18n"], store: ["store", "rules", "vendor"], net: ["net", "store", "rules"], ui: ["ui", "rules", "i18n"],
  screens: ["screens", "net", "store", "ui", "rules"], "": ["", "screens", "net", "store", "ui", "rules"],
};

test("imports go downwards: screens, then net, store and ui, then rules", () => {
  const wrong = [];
  for (const name of files) {
    const folder = name.includes("/") ? name.split("/")[0] : "";
    for (const [, target] of source(name).matchAll(/^(?:import|export)\s(?:[^"'\n]*\sfrom\s)?["']([^"']+)["'];?$/gm)) {
      assert.match(target, /^\.\.?\//, `${name}: ${target} is not a relative path`);
      const path = relative(ROOT, join(ROOT, name, "..", target)).replaceAll("\\", "/");
      const to = path.startsWith("../vendor/") ? "vendor" : path.includes("/") ? path.split("/")[0] : "";
      if (!LAYERS[folder].includes(to)) wrong.push(`${name} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("only net calls fetch, only store/idb.js names IndexedDB, rules read neither clock nor chance nor page", () => {
  for (const name of files) {
    const text = source(name).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    if (!name.startsWith("net/") && name !== "main.js") assert.doesNotMatch(text, /\bfetch\(/, name);
    if (name !== "store/idb.js") assert.doesNotMatch(text, /indexedDB|openDB/, name);
    if (name.startsWith("rules/")) assert.doesNotMatch(text, /Date\.now|new Date\(\)|Math\.random|document\.|window\.|navigator\./, name);
  }
});

test("no module keeps state: nothing is declared with let or var at the top", () => {
  for (const name of files) assert.doesNotMatch(source(name), /^(?:let|var) /m, name);
});

test("both languages have the same sentences, with the same places to fill", () => {
  assert.deepEqual(Object.keys(en).sort(), Object.keys(zh).sort());
  const places = (text) => (text.match(/\{\w+\}/g) || []).sort();
  for (const key of Object.keys(zh)) {
    assert.ok(zh[key].trim() && en[key].trim(), key);
    assert.deepEqual(places(zh[key]), places(en[key]), key);
  }
});

test("every sentence that the code asks for is there", () => {
  const missing = [];
  for (const name of files) for (const [, key] of source(name).matchAll(/\bt\("([\w.]+)"/g)) if (!(key in zh)) missing.push(`${name}: ${key}`);
  assert.deepEqual(missing, []);
});

test("the whole app is at most 150 KB on the line", () => {
  const bytes = files.concat("field.css").reduce((sum, name) => sum + gzipSync(readFileSync(join(ROOT, name))).length, 0);
  assert.ok(bytes <= 150_000, `${bytes} bytes`);
});
