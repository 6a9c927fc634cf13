const PAGES = ["/", "/signed-in.html"];
/** Pages that the gate keeps, for each person: only the files that they name are for all. */
const GATED = ["/app/notes.html"];

/** Keeps the pages, and the files that they name. */
export async function keepShell(): Promise<void> {
  const fresh = (path: string) => new Request(path, { cache: "no-cache" });
  const pages = await Promise.all([...PAGES, ...GATED].map(async (page) => (await fetch(fresh(page))).text()));
  const files = pages.join().match(/\/assets\/[^"]+/g) ?? [];
  await (await caches.open("shell")).addAll([...new Set([...PAGES, ...files])].map(fresh));
}

/** What is kept, else the network's answer. A visit to a page brings the newest for the next one. */
export function fromShell(event: { request: Request; waitUntil(work: Promise<unknown>): void }) {
  const { method, mode, url } = event.request;
  if (method !== "GET" || new URL(url).origin !== location.origin) return undefined;
  if (mode === "navigate") event.waitUntil(keepShell().catch(() => {}));
  const kept = caches.match(event.request, { cacheName: "shell", ignoreSearch: true, ignoreVary: true });
  return kept.then((response) => response ?? fetch(event.request));
}
