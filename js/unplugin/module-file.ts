/** The module file: emitted once, and how the page and the service worker find it. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, posix } from "node:path";

export const MODULE_FILE = "tokenward.wasm";

export interface ModuleFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Changes with the content: an old file in some cache is never taken for this one. */
  readonly query: string;
}

/** The module of the package that the project has installed. */
export async function readModule(root: string): Promise<ModuleFile> {
  const bytes = await readFile(createRequire(join(root, "_.js")).resolve(`tokenward/${MODULE_FILE}`));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).subarray(0, 6);
  return { bytes, query: `?v=${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}` };
}

/** The address for a service worker, from its own: both are in the same output folder. */
export function addressInWorker(output: string, query: string): string {
  const path = posix.relative(posix.dirname(output), MODULE_FILE);
  return `new URL(${JSON.stringify(path + query)}, self.location.href).href`;
}

/**
 * The code of `virtual:tokenward/module`. A service worker that starts without a network has the file from the cache, where
 * whoever came first has put it.
 */
export function moduleCode(address: string): string {
  return `const url = ${address};
export default url;
const NAME = "tokenward-module";
let compiled;
export function compile() {
  compiled ??= bytes().then((bytes) => WebAssembly.compile(bytes));
  compiled.catch(() => { compiled = undefined; });
  return compiled;
}
async function bytes() {
  const cache = await globalThis.caches?.open(NAME).catch(() => undefined);
  const key = new URL(url, globalThis.location.href).href;
  const kept = await cache?.match(key).catch(() => undefined);
  if (kept) return kept.arrayBuffer();
  const response = await fetch(key);
  if (!response.ok) throw new Error("tokenward: " + key + " answered with status " + response.status);
  await cache?.put(key, response.clone()).catch(() => {});
  const others = (await cache?.keys().catch(() => [])) ?? [];
  await Promise.all(others.filter((other) => other.url !== key).map((other) => cache.delete(other).catch(() => {})));
  return response.arrayBuffer();
}
`;
}
