/** The caches of this context; `undefined` where there are none. Reading the property throws where nothing may be stored. */
export function cachesHere(): CacheStorage | undefined {
  try {
    return globalThis.caches as CacheStorage | undefined;
  } catch {
    return undefined;
  }
}

/** Where a person's own answers are: `tokenward:<session name>:<session id>`. */
export function userCacheName(name: string, sessionId: string): string {
  return `${userCachePrefix(name)}${sessionId}`;
}

function userCachePrefix(name: string): string {
  return `tokenward:${name}:`;
}

/** Whether a cache belongs to one person, of whatever session. */
export function isUserCache(cacheName: string): boolean {
  return cacheName.startsWith("tokenward:");
}

/**
 * A key of an entry that belongs to one person, in a cache that others may use too (Workbox). The session stands in the
 * path, so that no option about queries can take one person's key for another's.
 */
export function userKey(name: string, sessionId: string, url: string): string {
  const { origin, pathname, search } = new URL(url);
  return `${origin}${KEYS}${encodeURIComponent(name)}/${encodeURIComponent(sessionId)}${pathname}${search}`;
}

const KEYS = "/.tokenward/";

/** The parts of a {@link userKey}; `undefined` for any other URL. */
export function readUserKey(key: string): { name: string; sessionId: string; url: string } | undefined {
  const { origin, pathname, search } = new URL(key);
  const parts = pathname.startsWith(KEYS) ? /^([^/]+)\/([^/]+)(\/.*)$/.exec(pathname.slice(KEYS.length)) : null;
  if (parts === null) return undefined;
  const [, name = "", sessionId = "", path] = parts;
  try {
    const url = `${origin}${path}${search}`;
    return { name: decodeURIComponent(name), sessionId: decodeURIComponent(sessionId), url };
  } catch {
    // Not a key that was made here.
    return undefined;
  }
}

/** What else to purge, and where. */
export interface PurgeOptions {
  /** Caches of the app in which a Workbox plugin of the gate keeps people's own entries. */
  entriesIn?: readonly string[] | undefined;
  /** Default: the platform's. */
  caches?: CacheStorage | undefined;
}

/**
 * Deletes what was cached for the people of a session: all but what belongs to `keepSessionId`. A session does this by
 * itself for its own caches; entries in Workbox's caches are deleted by the gate that filled them, or by this.
 *
 * @param name the session's name; `"default"` if it was given none
 */
export async function purgeUserCaches(name: string, keepSessionId?: string, options: PurgeOptions = {}): Promise<void> {
  await purgeExcept(() => keepSessionId, name, options);
}

/** The same where who is signed in may change meanwhile: asked again before each deletion. */
export async function purgeExcept(
  kept: () => string | undefined,
  name: string,
  { entriesIn = [], caches = globalThis.caches as CacheStorage | undefined }: PurgeOptions,
): Promise<void> {
  if (caches === undefined) return;
  const isKept = (sessionId: string) => sessionId === kept();
  const prefix = userCachePrefix(name);
  const own = (await caches.keys()).filter((one) => one.startsWith(prefix));
  await Promise.all([
    ...own.map((one) => !isKept(one.slice(prefix.length)) && caches.delete(one)),
    ...entriesIn.map((one) => purgeEntries(caches, one, name, isKept)),
  ]);
}

async function purgeEntries(caches: CacheStorage, cacheName: string, name: string, isKept: (id: string) => boolean) {
  if (!(await caches.has(cacheName))) return;
  const cache = await caches.open(cacheName);
  for (const request of await cache.keys()) {
    const key = readUserKey(request.url);
    if (key?.name === name && !isKept(key.sessionId)) await cache.delete(request, { ignoreVary: true });
  }
}
