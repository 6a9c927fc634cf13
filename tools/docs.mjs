// npm run docs: builds the documentation site into target/site, if a page of it has changed since.
//
// VitePress writes what is half done into one folder of its own, so that only one build can run at a time: another one waits.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import sirv from "sirv";
import { main, root, runPackage, step } from "./run.mjs";

export const SITE = join(root, "target/site");
/** Where a build writes: whoever is served meanwhile has the last one, whole. */
const NEXT = join(root, "target/site.next");
const STAMP = join(root, "target/site.stamp");
const LOCK = join(root, "target/site.lock");
/** What the site is made of. */
const PARTS = ["docs", "site", "bench/RESULTS.md", "bench/ratios.svg", "bench/times.svg", "www/icons"];
/** In milliseconds. No build takes as long: a lock of that age is of a process that was killed, whoever has its id now. */
const LOCK_LIFE = 600_000;
const VITEPRESS = "node_modules/vitepress/package.json";

/** Builds the site; answers whether there was anything to do. `signal` ends it; `silent`: it does not say that it still runs. */
export async function buildDocs({ signal, silent } = {}) {
  mkdirSync(join(root, "target"), { recursive: true });
  await take(LOCK, signal);
  try {
    const digest = digestOf([...rootPages(), ...PARTS.flatMap(filesIn), VITEPRESS]);
    if (existsSync(join(SITE, "sw.js")) && existsSync(STAMP) && readFileSync(STAMP, "utf8") === digest) return false;
    rmSync(NEXT, { recursive: true, force: true });
    const args = ["build", "site", "--outDir", NEXT];
    await runPackage("vitepress/bin/vitepress.js", args, { quiet: true, signal, silent });
    rmSync(STAMP, { force: true });
    rmSync(SITE, { recursive: true, force: true });
    renameSync(NEXT, SITE);
    writeFileSync(STAMP, digest);
    return true;
  } finally {
    rmSync(LOCK, { force: true });
  }
}

/**
 * Answers requests for the site, whose paths begin with `/docs`. While `built` is pending it answers that the site is being
 * built, as a page that reloads itself; if `built` fails, with what `npm run docs` would say.
 */
export function serveDocs(built, { folder = SITE, setHeaders = () => {} } = {}) {
  let say = "The documentation is being built. This page reloads by itself.";
  let serve;
  built.then(
    () => {
      serve = sirv(folder, { dev: true, etag: true, setHeaders });
    },
    (error) => {
      say = `The documentation could not be built. Run "npm run docs" to see why.\n\n${error.message}`;
    },
  );
  return (request, response) => {
    const url = new URL(request.url, "http://site");
    if (url.pathname === "/docs") return response.writeHead(308, { location: `/docs/${url.search}` }).end();
    if (serve === undefined) {
      setHeaders(response);
      return sayInstead(response, say);
    }
    const inside = Object.assign(Object.create(request), {
      url: request.url.slice("/docs".length),
      originalUrl: request.url,
    });
    serve(inside, response, () => {
      setHeaders(response);
      missing(response, folder);
    });
  };
}

export const isDocs = ({ url }) => /^\/docs(?:[/?]|$)/.test(url);

function sayInstead(response, text) {
  const headers = {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "no-store",
    refresh: "2",
    "retry-after": "2",
  };
  response.writeHead(503, headers).end(`${text}\n`);
}

function missing(response, folder) {
  let page;
  try {
    page = readFileSync(join(folder, "404.html"));
  } catch {
    // Somebody has deleted the site, or a build replaces it right now.
    return sayInstead(response, 'The documentation is not there. Run "npm run docs", or wait until that has ended.');
  }
  response.writeHead(404, { "content-type": "text/html; charset=utf-8" }).end(page);
}

/** Waits until the lock is free. One whose process has ended is free, and a very old one. */
export async function take(lock, signal) {
  for (;;) {
    try {
      return writeFileSync(lock, String(process.pid), { flag: "wx" });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (isHeld(lock)) await delay(250, undefined, { signal });
    else rmSync(lock, { force: true });
  }
}

function isHeld(lock) {
  try {
    if (Date.now() - statSync(lock).mtimeMs > LOCK_LIFE) return false;
    process.kill(Number(readFileSync(lock, "utf8")), 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function digestOf(files) {
  const hash = createHash("sha256");
  for (const file of files.sort()) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

const rootPages = () => readdirSync(root).filter((name) => name.endsWith(".md"));

function filesIn(path) {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  return readdirSync(join(root, path))
    .filter((name) => ![".temp", "cache"].includes(name))
    .flatMap((name) => filesIn(join(path, name)));
}

main(import.meta.url, () =>
  step("Documentation site", async () => {
    console.log((await buildDocs()) ? "  built: target/site" : "  target/site is up to date");
  }),
);
