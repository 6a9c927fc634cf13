// node browser.mjs <folder> <script>: runs a built script with as much of a browser as it needs, and prints its answer. Files
// are served from the folder; how often the module file was asked for is in the answer.
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const [folder, script] = process.argv.slice(2);
const APP = "https://app.example/";
const kept = new Map();
const asked = [];
globalThis.self = globalThis;
globalThis.location = new URL(script, APP);
globalThis.document = { baseURI: APP, currentScript: null };
globalThis.caches = {
  open: async () => ({
    match: async (key) => kept.get(String(key))?.clone(),
    put: async (key, response) => void kept.set(String(key), response),
    keys: async () => [...kept.keys()].map((url) => ({ url })),
    delete: async ({ url }) => kept.delete(url),
  }),
};
globalThis.fetch = async (address) => {
  const url = new URL(address, globalThis.location.href);
  // What Node calls the address of a module.
  const path = url.protocol === "file:" ? relative(folder, fileURLToPath(url)) : url.pathname;
  asked.push(`${path.replace(/^\//, "")}${url.search}`);
  return new Response(await readFile(join(folder, path)), { headers: { "Content-Type": "application/wasm" } });
};
await import(pathToFileURL(join(folder, script)).href);
const answer = await globalThis.answer;
const [again] = [await globalThis.askAgain?.()];
console.log(JSON.stringify({ answer, again, asked }));
